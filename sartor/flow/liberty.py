"""The syntax of liberty files: groups of groups, nothing of their meaning."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BrokenFile, InputError

_TOKEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:[^"\\]|\\.)*"|[{}();:,]|\\\r?\n|[^\s{}();:,"\\]+|\s+|.', re.DOTALL
)
# An attribute may end with its line, without a semicolon: ASAP7's registers have such areas.
_UNENDED = re.compile(r'^(\s*\w+\s*:\s*(?:"[^"\n]*"|[^;{}"\\/\n]+?))[ \t\r]*$', re.MULTILINE)
_SKIPPED = ("/*", "//", "\\")


@dataclass
class Group:
    """`kind (arguments) { attributes; groups }`. A repeated attribute keeps its last value."""

    kind: str
    arguments: tuple[str, ...]
    attributes: dict[str, str] = field(default_factory=dict)
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)  # name (a, b, ...);
    groups: list[Group] = field(default_factory=list)

    def all(self, *kinds: str) -> Iterator[Group]:
        return (g for g in self.groups if g.kind in kinds)

    def first(self, *kinds: str) -> Group | None:
        return next(self.all(*kinds), None)


def read_text(path: Path) -> str:
    """The text of a liberty file, plain or .gz (by its content, not its name)."""
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error} (give the path of a liberty file)") from None
    except (EOFError, zlib.error) as error:
        raise BrokenFile(f"{path}: {error} (the .gz is damaged: copy it again)") from None
    return raw.decode("utf-8", errors="replace")


def parse(text: str, where: str = "liberty") -> Group:
    """The library group of a liberty file.

    >>> parse('library (l) { cell ("A") { area : 1.5; } }').groups[0]
    Group(kind='cell', arguments=('A',), attributes={'area': '1.5'}, lists={}, groups=[])
    """
    tokens = _tokens(_UNENDED.sub(r"\1;", text))
    try:
        kind = next(tokens)
        if kind != "library":
            raise BrokenFile(f"{where}: begins with {kind[:40]!r}, not with library (is it a liberty file?)")
        _expect(tokens, "(")
        library = Group(kind, _arguments(tokens))
        _expect(tokens, "{")
        _fill(library, tokens)
    except (StopIteration, _Unexpected) as error:
        found = f"unexpected {error}" if isinstance(error, _Unexpected) else "the file ends too early"
        raise BrokenFile(f"{where}: {found} (not a whole liberty file: copy it again)") from None
    return library


class _Unexpected(Exception):
    pass


def _tokens(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        token = match[0]
        if not token.isspace() and not token.startswith(_SKIPPED):
            yield token


def _expect(tokens: Iterator[str], wanted: str) -> None:
    found = next(tokens)
    if found != wanted:
        raise _Unexpected(f"{found[:40]!r} where {wanted!r} belongs")


def _arguments(tokens: Iterator[str]) -> tuple[str, ...]:
    """What stands before the closing parenthesis, without quotes."""
    found = []
    while (token := next(tokens)) != ")":
        if token in "{};":
            raise _Unexpected(repr(token))
        if token != ",":
            found.append(_plain(token))
    return tuple(found)


def _fill(group: Group, tokens: Iterator[str]) -> None:
    """Read statements until the group's closing brace."""
    token = next(tokens)
    while token != "}":
        if token == ";":
            token = next(tokens)
            continue
        name, mark = _plain(token), next(tokens)
        if mark == ":":
            group.attributes[name], token = _value(tokens)
            continue
        if mark != "(":
            raise _Unexpected(f"{mark[:40]!r} after {name[:40]!r}")
        arguments = _arguments(tokens)
        token = next(tokens)
        if token == "{":
            group.groups.append(Group(name, arguments))
            _fill(group.groups[-1], tokens)
            token = next(tokens)
        else:
            group.lists[name] = arguments


def _value(tokens: Iterator[str]) -> tuple[str, str]:
    """An attribute's value up to ; or }, and the token after it."""
    parts = []
    while (token := next(tokens)) not in (";", "}"):
        parts.append(_plain(token))
    return " ".join(parts), (next(tokens) if token == ";" else token)


def _plain(token: str) -> str:
    return token[1:-1].replace("\\\n", "") if token[0] == '"' else token
