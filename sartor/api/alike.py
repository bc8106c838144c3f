"""Components of a design that are the same hardware are written, and synthesized, once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

_MODULE = re.compile(r"^((?:attribute [^\n]*\n)*)module (\\\S+)\n(.*?)^end\n", re.MULTILINE | re.DOTALL)
_PORT = re.compile(r"^  wire width \d+ (?:input|output|inout) (\d+)[^\n]*?(\\\S+)$", re.MULTILINE)
_NAME = re.compile(r"\\\S+")
Names = Mapping[str, str]


@dataclass(frozen=True)
class _Module:
    attributes: str
    name: str
    body: str

    @cached_property
    def ports(self) -> dict[str, str]:
        """The number of each port: the same in every copy."""
        return {m[2]: m[1] for m in _PORT.finditer(self.body)}


def merged(rtlil: str, top: str) -> tuple[str, int]:
    """`rtlil` without modules that another one stands for, and how many those were."""
    modules = {m[2]: _Module(*m.groups()) for m in _MODULE.finditer(rtlil)}
    stands: dict[str, str] = {}
    first: dict[str, str] = {}
    pins: dict[str, dict[str, str]] = {}  # of each module, port names to those of its stand-in
    for name in sorted(modules, key=lambda n: -n.count(".")):  # leaves before those that hold them
        module = modules[name]
        numbered = {port: f"\\port_{n}" for port, n in module.ports.items()}
        text = "\n".join(_renamed(module.body, stands, pins, numbered))
        stands[name] = first.setdefault(text, name)
        named = {number: port for port, number in modules[stands[name]].ports.items()}
        pins[name] = {port: named[number] for port, number in module.ports.items()}
    kept = [m for m in modules.values() if stands[m.name] == m.name]
    bodies = ["\n".join(_renamed(m.body, stands, pins, {})) for m in kept]
    texts = [f"{m.attributes}module {m.name}\n{body}\nend\n" for m, body in zip(kept, bodies, strict=True)]
    return _plain("\n".join(texts), [m.name for m in kept]), len(modules) - len(kept)


def _renamed(body: str, stands: Names, pins: Mapping[str, Names], own: Names) -> Iterator[str]:
    """Lines with other names for the module's ports, and the stand-ins of the modules that it holds."""
    inner: Names = {}
    for line in body.rstrip("\n").split("\n"):
        word = line.split(None, 2)
        if word[:1] == ["cell"]:
            inner = pins.get(word[1], {})
            yield f"  cell {stands.get(word[1], word[1])} {word[2]}"
        elif word[:1] == ["connect"] and line.startswith("    "):  # a pin of a cell
            yield f"    connect {inner.get(word[1], word[1])} {_own(word[2], own)}"
        else:
            yield _own(line, own)


def _own(text: str, own: Names) -> str:
    return _NAME.sub(lambda m: own.get(m[0], m[0]), text) if own else text


def _plain(rtlil: str, modules: list[str]) -> str:
    """Module names that need no escaping in Verilog: \\top.tile.unit$3 becomes \\top_tile_unit_3."""
    plain = {name: "\\" + re.sub(r"[^A-Za-z0-9_]", "_", name[1:]) for name in modules}
    if len(set(plain.values())) < len(plain):
        return rtlil
    return re.sub(r"^((?:  cell|module) )(\\\S+)", lambda m: m[1] + plain.get(m[2], m[2]), rtlil, flags=re.MULTILINE)
