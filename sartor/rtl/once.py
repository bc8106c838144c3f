"""Components that stand in a design many times are elaborated and written once; Amaranth would do each of them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Value
from amaranth.lib.wiring import Flow

from .yosys import to_rtlil


class Once:
    """The platform of a conversion in which each kind of `shared` component is an instance of one module."""

    def __init__(self) -> None:
        self.parts: dict[tuple[Any, ...], Any] = {}  # kind: the first component of it
        self.instances = 0
        self.inside: Any = None  # the component that is written as itself

    def stand_in(self, component: Any, kind: tuple[Any, ...]) -> Module:
        self.parts.setdefault(kind, component)
        self.instances += 1
        ports: dict[str, Any] = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
        for path, member, value in component.signature.flatten(component):
            ports[f"{'i' if member.flow is Flow.In else 'o'}_{'__'.join(map(str, path))}"] = Value.cast(value)
        m = Module()
        m.submodules.one = Instance(self.name(kind), **ports)
        return m

    def name(self, kind: tuple[Any, ...]) -> str:
        return f"{kind[0]}_{list(self.parts).index(kind)}"


def shared(*names: str) -> Callable[[Any], Any]:
    """Decorates `elaborate` of a component that its attributes `names` determine, with registers in it."""

    def decorate(elaborate: Any) -> Any:
        @functools.wraps(elaborate)
        def once(self: Any, platform: Any) -> Module:
            if not isinstance(platform, Once) or platform.inside is self:
                return elaborate(self, platform)
            kind = (type(self).__name__.lower(), *(getattr(self, name) for name in names))
            return platform.stand_in(self, kind)

        return once

    return decorate


def shared_rtlil(elaboratable: Any, name: str) -> tuple[str, int]:
    """RTLIL of a design with its shared components once, and how many copies that saved."""
    once = Once()
    texts = [to_rtlil(elaboratable, name, platform=once)]
    written = 0
    while written < len(once.parts):  # a shared component may hold others
        kind, component = list(once.parts.items())[written]
        once.inside = component
        texts.append(to_rtlil(component, once.name(kind), platform=once).replace("attribute \\top 1\n", ""))
        written += 1
    return "\n".join(texts), once.instances - len(once.parts)
