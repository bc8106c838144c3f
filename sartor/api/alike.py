"""Components of a design that are the same hardware are synthesized once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MODULE = re.compile(r"^((?:attribute [^\n]*\n)*)module (\\\S+)\n(.*?)^end\n", re.MULTILINE | re.DOTALL)
_PORT = re.compile(r"^  wire width \d+ (?:input|output|inout) (\d+)[^\n]*?(\\\S+)$", re.MULTILINE)
_NAME = re.compile(r"\\\S+")


@dataclass(frozen=True)
class _Module:
    attributes: str
    name: str
    body: str

    def ports(self) -> dict[str, str]:
        """New names of the ports: by number, which is the same in every copy."""
        return {m[2]: f"\\port_{m[1]}" for m in _PORT.finditer(self.body)}


def merged(rtlil: str, top: str) -> tuple[str, int]:
    """`rtlil` without modules that another one stands for, and how many those were. Ports below the top lose
    their names."""
    modules = {m[2]: _Module(*m.groups()) for m in _MODULE.finditer(rtlil)}
    ports = {name: {} if name == f"\\{top}" else m.ports() for name, m in modules.items()}
    stands: dict[str, str] = {}
    first: dict[str, str] = {}
    bodies: dict[str, str] = {}
    for name in sorted(modules, key=lambda n: -n.count(".")):  # leaves before those that hold them
        bodies[name] = "\n".join(_renamed(modules[name].body, ports, ports[name], stands))
        stands[name] = first.setdefault(bodies[name], name)
    kept = [m for m in modules.values() if stands[m.name] == m.name]
    text = "\n".join(f"{m.attributes}module {m.name}\n{bodies[m.name]}\nend\n" for m in kept)
    return text, len(modules) - len(kept)


def _renamed(
    body: str, ports: dict[str, dict[str, str]], own: dict[str, str], stands: dict[str, str]
) -> Iterator[str]:
    """Lines with the module's own ports renamed, and those of the modules that it holds."""
    inner: dict[str, str] = {}
    for line in body.rstrip("\n").split("\n"):
        word = line.split(None, 2)
        if word[:1] == ["cell"]:
            inner = ports.get(word[1], {})
            yield f"  cell {stands.get(word[1], word[1])} {word[2]}"
        elif word[:1] == ["connect"] and line.startswith("    "):  # a pin of a cell
            yield f"    connect {inner.get(word[1], word[1])} {_own(word[2], own)}"
        else:
            yield _own(line, own)


def _own(text: str, own: dict[str, str]) -> str:
    return _NAME.sub(lambda m: own.get(m[0], m[0]), text)
