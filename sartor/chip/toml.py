"""A chip to TOML and back: quantities carry their units, unknown keys are refused with the closest match."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import Any

from ..errors import BrokenFile, InputError, UnknownName
from ..units import parse, to
from .spec import Chip, Link, Memory, Price, Tile

# key in the file -> (field, suffix that units.py knows, unit written)
_QUANTITIES = {
    "clock": ("clock_hz", "hz", "GHz"),
    "voltage": ("voltage_v", "v", "V"),
    "sram": ("sram_bytes", "bytes", "MiB"),
    "sram_bandwidth": ("sram_bandwidth_bytes_per_s", "bytes_per_s", "TB/s"),
    "die": ("die_mm2", "mm2", "mm2"),
    "base": ("base_mm2", "mm2", "mm2"),
    "tdp": ("tdp_w", "w", "W"),
    "scratchpad": ("scratchpad_bytes", "bytes", "KiB"),
    "fifo": ("fifo_bytes", "bytes", "KiB"),
    "capacity": ("capacity_bytes", "bytes", "GB"),
    "bandwidth": ("bandwidth_bytes_per_s", "bytes_per_s", "GB/s"),
    "energy": ("energy_j_per_byte", "j_per_byte", "pJ/bit"),
    "purchase": ("purchase_usd", "usd", "USD"),
    "rental": ("rental_usd_per_s", "usd_per_s", "USD/h"),
}
_FIELD_TO_KEY = {field: (key, suffix, unit) for key, (field, suffix, unit) in _QUANTITIES.items()}
_LARGEST = 1e15  # of whole numbers: below it floats hold every one of them
_TABLES = {"tile": Tile, "memory": Memory, "link": Link, "price": Price}


def loads(text: str, where: str = "chip.toml") -> Chip:
    """The chip written in `text`."""
    try:
        raw = tomllib.loads(text)
    # ValueError: its own errors, and integers of thousands of digits. RecursionError: deep nesting.
    except (ValueError, RecursionError) as error:
        raise BrokenFile(f"{where}: not TOML: {error}") from None
    try:
        return _chip(raw, where)
    except InputError as error:
        # The spec's own checks do not know which file they are about.
        if not str(error).startswith(where):
            error.args = (f"{where}: {error}",)
        raise


def _chip(raw: dict[str, Any], where: str) -> Chip:
    fields: dict[str, Any] = {}
    for key, value in raw.items():
        if key in _TABLES:
            fields[key] = _build(_TABLES[key], value, f"{where}: [{key}]")
        elif key == "peaks":
            place = f"{where}: [peaks]"
            peaks = _table(value, place).items()
            fields[key] = {name: _quantity(v, "ops_per_s", f"{place} {name}") for name, v in peaks}
        else:
            fields[key] = value
    return _build(Chip, fields, where)


def _quantity(value: object, suffix: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise InputError(f"{where}: {value!r} is not a quantity (try a number with a unit, such as '2 W')")
    try:
        return parse(value, suffix, where)
    except OverflowError:
        raise InputError(f"{where}: a number of {len(str(value))} digits is too large") from None


def _table(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a table, found {value!r}")
    return value


def _build(cls: type, raw: object, where: str) -> Any:
    types = {f.name: f for f in dataclasses.fields(cls)}
    keys = [_FIELD_TO_KEY[name][0] if name in _FIELD_TO_KEY else name for name in types]
    fields: dict[str, Any] = {}
    for key, value in _table(raw, where).items():
        if key not in keys:
            raise UnknownName("key", key, keys, where)
        field, suffix, _ = _QUANTITIES.get(key, (key, "", ""))
        number = _quantity(value, suffix, f"{where} {key}") if suffix else value
        fields[field] = _typed(types[field], number, f"{where} {key}")
    missing = [
        _FIELD_TO_KEY.get(name, (name,))[0]
        for name, f in types.items()
        if name not in fields and f.default is f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise InputError(f"{where}: missing {', '.join(missing)}")
    return cls(**fields)


def _typed(field: dataclasses.Field, value: Any, where: str) -> Any:
    kind = str(field.type).split(" ")[0]
    if kind == "int":
        whole = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST
        if not whole or value != int(value):
            raise InputError(f"{where} = {value!r} must be a whole number below {_LARGEST:g}")
        return int(value)
    if kind == "str" and not isinstance(value, str):
        raise InputError(f"{where} = {value!r} must be text")
    if str(field.type) == "dict[str, str]" and not _is_text(value):
        raise InputError(f"{where} = {value!r} must be a table of text")
    if kind == "float":
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(f"{where} = {value!r} must be a number")
        return float(value)
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def dumps(chip: Chip) -> str:
    """`chip` as TOML; `loads(dumps(chip)) == chip`."""
    lines, tables = [], []
    for field in dataclasses.fields(chip):
        value = getattr(chip, field.name)
        if value == field.default and field.default is not dataclasses.MISSING:
            continue
        if dataclasses.is_dataclass(value):
            tables += ["", f"[{field.name}]", *_lines(value), *_texts(value, field.name)]
        elif field.name == "peaks":
            peaks = [f"{name} = {_quoted(v, 'ops_per_s', 'Tops/s')}" for name, v in value.items()]
            tables += ["", "[peaks]", *peaks] if value else []
        else:
            lines.append(_line(field.name, value))
    return "\n".join(lines + tables) + "\n"


def _lines(part: Any) -> list[str]:
    values = ((f.name, getattr(part, f.name)) for f in dataclasses.fields(part))
    return [_line(name, value) for name, value in values if value is not None and not isinstance(value, dict)]


def _texts(part: Any, where: str) -> list[str]:
    """Tables of text in a table, each below it."""
    lines = []
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if isinstance(value, dict) and value:
            lines += ["", f"[{where}.{field.name}]", *(_line(name, text) for name, text in value.items())]
    return lines


def _line(name: str, value: Any) -> str:
    if name in _FIELD_TO_KEY:
        key, suffix, unit = _FIELD_TO_KEY[name]
        return f"{key} = {_quoted(value, suffix, unit)}"
    return f"{name} = {_text(value) if isinstance(value, str) else _number(value)}"


def _quoted(value: float, suffix: str, unit: str) -> str:
    """`value` with its unit, for people; bare where the unit would cost a bit."""
    scaled = _number(to(value, unit))
    try:
        exact = parse(f"{scaled} {unit}", suffix) == value
    except InputError:  # it overflows in this unit
        exact = False
    return f'"{scaled} {unit}"' if exact else _number(value)


def _text(value: str) -> str:
    """`value` as a TOML string: its control characters must be escaped."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(f"\\u{ord(c):04x}" if c < " " or c == "\x7f" else c for c in escaped) + '"'


def _number(value: float) -> str:
    return repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
