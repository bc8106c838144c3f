"""Every sentence of the report, in English and Korean, from `words.toml`, and what facts are called, from
`words_facts.toml`."""

from __future__ import annotations

import functools
import string
import tomllib
from importlib.resources import files
from typing import Any

from .numbers import UNKNOWN

LANGUAGES = ("en", "ko")
FILES = ("words.toml", "words_facts.toml")


@functools.cache
def words() -> dict[str, dict[str, str]]:
    """`words()[key][language]`; keys are `section.name`."""
    texts = (files("sartor.report").joinpath(name).read_text(encoding="utf-8") for name in FILES)
    raw = {section: entries for text in texts for section, entries in tomllib.loads(text).items()}
    return {f"{section}.{name}": entry for section, entries in raw.items() for name, entry in entries.items()}


def text(key: str, language: str = "en", **values: Any) -> str:
    """The sentence `key` with its blanks filled.

    >>> text("verdict.cheaper_at_cost", chip="A", rival="B", ratio="1.6")
    'At cost, A is 1.6× cheaper a token than B.'
    """
    filled = {name: in_words(value, language) for name, value in values.items()}
    return words()[key][language].format(**filled)


def in_words(value: Any, language: str) -> str:
    """`value` as text; a figure that nobody knows is said so in the reader's language."""
    return words()["say.unknown"][language] if value == UNKNOWN else str(value)


def term(group: str, name: str, language: str = "en") -> str:
    """The reader's word for a name that the program uses; the name itself where there is none.

    >>> term("limit", "ttft"), term("limit", "luck")
    ('time to first token', 'luck')
    """
    entry = words().get(f"{group}.{name.replace(' ', '_')}")
    return entry[language] if entry else name


def blanks(sentence: str) -> set[str]:
    """The names of the blanks in a sentence."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
