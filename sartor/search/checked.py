"""TOML that must have a form: what does not fit is named, with its place, its value and what would fit."""

from __future__ import annotations

import tomllib
import typing
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import BrokenFile, InputError, UnknownName

Form = TypeVar("Form", bound=BaseModel)


def checked(form: type[Form], text: str, where: str) -> Form:
    """What is written in `text`, in the form `form`; `where`: the file, for messages."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BrokenFile(f"{where}: not TOML: {error}") from None
    try:
        return form.model_validate(raw)
    except ValidationError as error:
        raise _readable(error, form, where) from None


def _readable(error: ValidationError, form: type[BaseModel], where: str) -> InputError:
    """The first problem; a key that is not known before one that is missing: it may be its slip of the pen."""
    errors = error.errors()
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    path = [str(p) for p in first["loc"]]
    place = f"{where}: [{'.'.join(path[:-1])}]" if len(path) > 1 else where
    if first["type"] == "extra_forbidden":
        return UnknownName("key", path[-1], _keys_at(form, path[:-1]), place)
    if first["type"] == "missing":
        return InputError(f"{place} lacks {path[-1]!r}")
    message = first["msg"].removeprefix("Value error, ")
    return InputError(f"{place} {path[-1] if path else ''} = {first.get('input')!r}: {message}")


def _keys_at(form: type[BaseModel], path: list[str]) -> list[str]:
    """Keys of the table at `path`; numbers in it are places in a list of tables."""
    for name in path:
        if name.isdigit():
            continue
        found = _table(form.model_fields[name].annotation) if name in form.model_fields else None
        if found is None:
            return []
        form = found
    return list(form.model_fields)


def _table(annotation: Any) -> type[BaseModel] | None:
    """The table that an annotation is, or is a list or an option of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in typing.get_args(annotation) if (found := _table(inner))), None)
