"""The data sheet as one page of HTML that needs no network and prints well."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..html import own_file
from ..numbers import plain, quantity
from ..tags import Html, esc, table, tag
from . import rows
from .bits import fields_svg
from .diagram import diagram
from .markdown import INSTRUCTIONS, MEMORY, fields
from .waves import HOST, PORT, waves_svg
from .words import words

Sheet = dict[str, Any]


def page(sheet: Sheet) -> str:
    """The whole page."""
    body = tag(
        "main", _front(sheet), *_sections(sheet), tag("footer", esc(f"Made by Sartor {sheet['sartor']}"))
    )
    head = tag("meta", charset="utf-8").removesuffix("</meta>")
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    safe = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    title = tag("title", esc(f"{sheet['chip']} – data sheet"))
    style = tag("style", own_file("datasheet.css"))
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}{view}{safe}{title}{style}</head><body>{body}</body></html>\n'


def _front(sheet: Sheet) -> Html:
    """Name, figures, features beside the block diagram."""
    note = rows.cores_note(sheet)
    head = tag("header", tag("p", "Data sheet", cls="kind"), tag("h1", esc(sheet["chip"])),
               tag("p", esc(rows.summary(sheet)), cls="summary"))  # fmt: skip
    said = tag("p", esc(note), cls="note-box") if note else ""
    points = tag("ul", *(tag("li", marked(line)) for line in rows.features(sheet)), cls="features")
    return (
        head
        + _figures(sheet)
        + said
        + tag("div", points, _contents(sheet), cls="pair")
        + tag("figure", diagram(sheet), tag("figcaption", esc(rows.bound(sheet))))
    )


def _figures(sheet: Sheet) -> Html:
    r, model = sheet["rates"], sheet["model"]
    found = [
        (quantity(r["macs_per_s"], "MAC/s"), "peak"), (quantity(sheet["clock_hz"], "Hz"), "clock"),
        (quantity(r["memory_bytes_per_s"], "B/s"), "memory"),
        (f"{sheet['core']['port_bytes']} B", "a cycle at the port"),
        (rows.kib(sum(m["bytes"] for m in sheet["memories"])), "on-chip memory"),
    ]  # fmt: skip
    if model and model["token_s"]:
        found.append((f"{plain(1 / model['token_s'])} token/s", "estimated, half the context"))
    return tag("div", *(tag("p", tag("strong", esc(v)), esc(what)) for v, what in found), cls="figures")


def _contents(sheet: Sheet) -> Html:
    links = [tag("li", tag("a", esc(words()["headings"][n]), href=f"#{n}")) for n, _ in _parts(sheet)]
    return tag("nav", tag("ol", *links))


def _sections(sheet: Sheet) -> list[Html]:
    return [
        tag("section", tag("h2", esc(words()["headings"][name])), *parts, id=name) for name, parts in _parts(sheet)
    ]  # fmt: skip


def _parts(sheet: Sheet) -> list[tuple[str, list[Html]]]:
    """Sections by name."""
    found = [("parameters", _parameters(sheet)), ("timing", _timing(sheet)), ("ports", _ports(sheet)),
             ("memory", _memory(sheet)), ("registers", _registers(sheet)), ("operation", _operation(sheet)),
             ("instructions", _instructions(sheet)), ("numbers", _numbers(sheet)),
             ("bounds", _bounds(sheet))]  # fmt: skip
    if sheet["model"]:
        found.insert(-2, ("map", _map(sheet)))
    return found


def _parameters(sheet: Sheet) -> list[Html]:
    return [_table(("parameter", "value", "in the family", "what it is"), rows.parameters(sheet), "named n1"),
            _table(("on-chip memory", "size"), rows.memories(sheet), "n1")]  # fmt: skip


def _timing(sheet: Sheet) -> list[Html]:
    return [_table(("what", "a cycle", "a second"), rows.timing(sheet), "n1 n2"), _p(rows.bound(sheet))]


def _ports(sheet: Sheet) -> list[Html]:
    return [_table(("port", "way", "bits", "what it is"), rows.ports(sheet), "named n2")]


def _memory(sheet: Sheet) -> list[Html]:
    caption = "Two reads, the second of them waiting, and a write; the words come back in order."
    return [_p(MEMORY), tag("figure", waves_svg(PORT, "memory port"), tag("figcaption", caption))]


def _registers(sheet: Sheet) -> list[Html]:
    found, caption = sheet["register_map"], "A write, then two reads."
    return [
        _p("Addresses of 32-bit words. An access takes one cycle; what is read comes in the next."),
        _table(("address", "register", "access", "what it is"), rows.registers(found), "named code1"),
        tag("figure", waves_svg(HOST, "host bus"), tag("figcaption", caption)), tag("h3", "Counters"),
        _table(("low", "high", "counter", "what it counts"), rows.counters(found), "named code1"),
    ]  # fmt: skip


def _operation(sheet: Sheet) -> list[Html]:
    return [tag("ol", *(tag("li", marked(line)) for line in rows.operation(sheet)), cls="steps")]


def _instructions(sheet: Sheet) -> list[Html]:
    return [_p(INSTRUCTIONS), *(_operation_of(op) for op in sheet["instructions"])]


def _operation_of(op: dict[str, Any]) -> Html:
    head = tag("h3", tag("code", esc(op["name"])), tag("small", esc(f"opcode {op['code']}")))
    detail = fields_svg(op) + _table(("bits", "field", "what it says"), fields(op)[1:], "code0 code1")
    return tag("article", head, _p(op["description"]), detail if len(op["fields"]) > 1 else "")


def _map(sheet: Sheet) -> list[Html]:
    model = sheet["model"]
    said = (
        f"{model['name']} with a context of {model['context']:,} tokens, {plain(model['bytes'] / 1e6)} MB. "
        f"Addresses are words of {sheet['core']['port_bytes']} bytes."
    )
    parts = [
        tag("i", style=f"flex-grow:{p['words']}", cls=f"part{i}", title=p["name"])
        for i, p in enumerate(model["parts"])
    ]
    return [_p(said), tag("div", *parts, cls="strip"),
            _table(("part", "first word", "words", "size"), rows.memory_map(sheet), "keyed code1 n2 n3"),
            _table(("stride", "words"), rows.strides(sheet), "n1")]  # fmt: skip


def _numbers(sheet: Sheet) -> list[Html]:
    lines = tag("ol", *(tag("li", marked(line)) for line in sheet["contract"]), cls="steps")
    return [_table(("what", "format"), rows.formats(sheet)), tag("h3", "The numeric contract"), lines]


def _bounds(sheet: Sheet) -> list[Html]:
    return [
        _table(("what", "bound"), sheet["bounds"]),
        tag("ul", *(tag("li", marked(x)) for x in sheet["limits"])),
    ]


def _table(heads: tuple[str, ...], body: Iterable[tuple[str, ...]], cls: str = "") -> Html:
    """`n1`: column 1 holds numbers; `code1`: names of the hardware; `named`: so does the first."""
    return table(map(esc, heads), [[marked(cell) for cell in row] for row in body], cls)


def _p(text: str) -> Html:
    return tag("p", marked(text))


def marked(text: str) -> Html:
    """Text with `names` as code.

    >>> marked("a `b` < c")
    'a <code>b</code> &lt; c'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", esc(text))
