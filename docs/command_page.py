"""The page of the command line, from the program's own help."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from fill import MADE, markdown

from sartor.cli import app


def cli() -> str:
    """One section a verb: what it does, how it is called, its arguments and options."""
    group: Any = typer.main.get_command(app)
    lines = [
        "# Command line", "", MADE, "",
        group.help, "",
        "`--json` prints one JSON object on stdout and nothing else, in coherent units (s, Hz, J, W, bytes, mm2,",
        "USD; the key names the unit). Errors are one line on stderr; the exit code is 2 for bad input, 1 for a",
        "failed check, 130 after Ctrl-C.", "",
    ]  # fmt: skip
    for name, verb in group.commands.items():
        arguments = " ".join(_metavar(p) for p in verb.params if p.param_type_name == "argument")
        usage = " ".join(filter(None, ("sartor", name, arguments, "[OPTIONS]")))
        lines += [f"## sartor {name}", "", verb.help, "", "```text", usage, "```", ""]
        lines += [*markdown(("argument or option", "value", "default", "what it is"), _parameters(verb)), ""]
    return "\n".join(lines).rstrip() + "\n"


def _metavar(parameter: Any) -> str:
    name = parameter.name.upper() + ("..." if parameter.nargs == -1 else "")
    return name if parameter.required else f"[{name}]"


def _parameters(verb: Any) -> Iterator[tuple[str, ...]]:
    hints = {name: _bare(hint) for name, hint in typing.get_type_hints(verb.callback).items()}
    for p in verb.params:
        if p.param_type_name == "argument":
            name = f"`{_metavar(p)}`"
        else:
            name = ", ".join(f"`{o}`" for o in (*p.opts, *p.secondary_opts))
        kind = _KIND.get(hints.get(p.name, bool), "text")
        default = "" if p.default in (None, False, ()) or callable(p.default) else f"`{p.default}`"
        yield name, kind, "required" if p.required else default, p.help or ""


_KIND = {bool: "", int: "whole number", float: "number", Path: "path"}


def _bare(hint: Any) -> Any:
    """The type without None."""
    return next(a for a in typing.get_args(hint) if a is not type(None)) if isinstance(hint, types.UnionType) else hint
