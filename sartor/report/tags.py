"""Small pieces of HTML. Whatever comes from outside passes through `esc` here, and only here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from .numbers import UNKNOWN, is_known
from .words import LANGUAGES, term, text

Html = str  # text that is markup already
VOID = ("br", "input")  # elements without an end


def esc(value: Any) -> Html:
    """`value` as text that no browser takes for markup."""
    return escape(str(value), quote=True)


def tag(name: str, *children: Html, **attributes: Any) -> Html:
    """An element; `cls` is its class, `_` in a name is `-`, and what is None is left out.

    >>> tag("td", "1", cls="n", data_v=3)
    '<td class="n" data-v="3">1</td>'
    """
    start = f"<{name}{_attributes(attributes)}>"
    return start if name in VOID else f"{start}{''.join(children)}</{name}>"


def _attributes(attributes: dict[str, Any]) -> str:
    named = {("class" if k == "cls" else k.rstrip("_").replace("_", "-")): v for k, v in attributes.items()}
    return "".join(f' {k}="{esc(v)}"' for k, v in named.items() if v is not None)


def both(by_language: dict[str, str]) -> Html:
    """A text in every language; the page shows one."""
    if len(set(by_language.values())) == 1:
        return esc(next(iter(by_language.values())))
    return "".join(tag("span", esc(by_language[lang]), lang=lang) for lang in LANGUAGES)


def in_both(entry: Mapping[str, Any], name: str) -> dict[str, str]:
    """What a study says in English under `name` and in Korean under `name_ko`; in English where it has no Korean."""
    english = str(entry[name]).strip()
    return {"en": english, "ko": str(entry.get(f"{name}_ko") or english).strip()}


def told(entry: Mapping[str, Any], name: str) -> Html:
    return both(in_both(entry, name))


def say(key: str, **values: Any) -> Html:
    """The sentence `key` of words.toml, in every language."""
    return both({lang: text(key, lang, **values) for lang in LANGUAGES})


def named(group: str, name: str) -> Html:
    """The reader's word for a name that the program uses."""
    return both({lang: term(group, name, lang) for lang in LANGUAGES})


def shown(value: str) -> Html:
    """A formatted number, or that it is not known."""
    return tag("span", say("say.unknown"), cls="unknown") if value == UNKNOWN else esc(value)


def number(value: Any, words: str) -> Html:
    """A number as people read it, with the exact one for machines, sorting and hovering."""
    if not is_known(value):
        return shown(UNKNOWN)
    return tag("data", esc(words), value=repr(value), title=repr(value))


def cell(value: Any, words: str, cls: str = "n") -> Html:
    """A number in a cell of its own."""
    return tag("td", number(value, words), cls=cls)


def table(heads: Iterable[Html], rows: Iterable[Iterable[Html]], cls: str = "", **attributes: Any) -> Html:
    """A table whose first column names the rows; rows are cells of markup, or markup already."""
    head = tag("tr", *(tag("th", h, scope="col") for h in heads))
    body = "".join(row if isinstance(row, str) else tr(row) for row in rows)
    inner = tag("table", tag("thead", head), tag("tbody", body), cls=cls, **attributes)
    return tag("div", inner, cls="scroll", tabindex="0", role="region")


def tr(cells: Iterable[Html], **attributes: Any) -> Html:
    """A row, its first cell a header."""
    first, *rest = cells
    done = [c if c.startswith("<td") else tag("td", c) for c in rest]
    return tag("tr", tag("th", first, scope="row"), *done, **attributes)


def section(name: str, *children: Html) -> Html:
    """A section with its heading and the sentence under it."""
    lead = tag("p", say(f"{name}.lead"), cls="lead")
    return tag("section", tag("h2", say(f"{name}.title")), lead, *children, id=name)
