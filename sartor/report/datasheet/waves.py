"""Timing diagrams: one letter a cycle, as on paper."""

from __future__ import annotations

from ..tags import Html, tag
from .drawing import svg, write

# Signal: a letter a cycle (p clock, 0 and 1 levels, x anything, = a new value, . as before), then its values.
Wave = tuple[str, str, tuple[str, ...]]
HOST: tuple[Wave, ...] = (
    ("clk", "pppppp", ()),
    ("host_valid", "011100", ()),
    ("host_write", "x100xx", ()),
    ("host_address", "x===xx", ("A", "B", "C")),
    ("host_write_data", "x=xxxx", ("data",)),
    ("host_data", "xxx==.", ("of B", "of C")),
)
PORT: tuple[Wave, ...] = (
    ("clk", "ppppppppp", ()),
    ("request_valid", "0111100..", ()),
    ("request_ready", "110111111", ()),
    ("request_write", "x00.1xxxx", ()),
    ("request_address", "x==.=xxxx", ("A", "B", "C")),
    ("request_tag", "x0..xxxxx", ()),
    ("response_valid", "000000110", ()),
    ("response_data", "xxxxxx==x", ("of A", "of B")),
)
_LEFT, _CYCLE, _ROW, _HIGH = 132.0, 44.0, 27.0, 17.0


def waves_svg(waves: tuple[Wave, ...], label: str) -> Html:
    """Signals below each other."""
    cycles = len(waves[0][1])
    drawn = [_signal(wave, 6 + _ROW * i) for i, wave in enumerate(waves)]
    return svg(_LEFT + _CYCLE * cycles + 4, _ROW * len(waves) + 8, *drawn, label=label, cls="waves")


def _signal(wave: Wave, top: float) -> Html:
    name, cycles, values = wave
    drawn, last, left = [write(_LEFT - 10, top + 13, name, "right code")], "", list(values)
    for i, letter in enumerate(cycles):
        now = last if letter == "." else letter
        value = left.pop(0) if letter == "=" else ""
        drawn.append(_cycle(now, letter != "." and last not in ("", now), value, _LEFT + _CYCLE * i, top))
        last = now
    return "".join(drawn)


def _cycle(kind: str, edge: bool, value: str, x: float, top: float) -> Html:
    low, end = top + _HIGH, x + _CYCLE
    if kind == "p":
        return _path(f"M{x:g} {low:g}V{top:g}H{x + _CYCLE / 2:g}V{low:g}H{end:g}")
    if kind in "01":
        y = top if kind == "1" else low
        rise = f"M{x:g} {top:g}V{low:g}" if edge else ""
        return _path(f"{rise}M{x:g} {y:g}H{end:g}")
    shape = f"M{x + 3:g} {top:g}H{end:g}M{x + 3:g} {low:g}H{end:g}"
    cross = f"M{x:g} {top:g}L{x + 3:g} {low:g}M{x:g} {low:g}L{x + 3:g} {top:g}"
    shape += cross if value else f"M{x:g} {top:g}h3M{x:g} {low:g}h3"
    fill = tag("rect", x=f"{x:g}", y=f"{top:g}", width=f"{_CYCLE:g}", height=f"{_HIGH:g}",
               cls="any" if kind == "x" else "value")  # fmt: skip
    if kind == "x":
        return fill
    return fill + _path(shape) + (write(x + _CYCLE / 2 + 1, top + 13, value) if value else "")


def _path(d: str) -> Html:
    return tag("path", d=d, cls="level")
