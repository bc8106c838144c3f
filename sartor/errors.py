"""The family tree of errors. Each message says where, the value, the limit and what to try.

* SartorError
  + InputError            the user's input cannot be used (exit 2)
    - UnknownName         a name or key that is not known; the closest match is named
    - BrokenFile          a file that is damaged, truncated or of another kind
    - Unsupported         well-formed, but of a kind that is not modeled: refused by name
    - Infeasible          no design keeps the constraints; says what was nearest
  + CheckFailed           the input was fine, a check was not passed (exit 1)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MANY = 12  # names: more are not read
# What `sartor list` shows of each kind of name.
LISTED = {
    "number format": "formats", "chip": "chips, sartor list studies", "model": "models", "study": "studies",
    "node": "nodes", "memory": "memories", "link": "links", "traffic": "traffic", "traffic profile": "traffic",
}  # fmt: skip


class SartorError(Exception):
    """Anything Sartor raises on purpose."""

    exit_code = 1


class InputError(SartorError):
    """The user's input cannot be used."""

    exit_code = 2


class UnknownName(InputError):
    """A name that is not known.

    >>> str(UnknownName("chip", "h100-sxn", ["h100-sxm", "rngd"]))
    "unknown chip 'h100-sxn': did you mean 'h100-sxm'? (known: h100-sxm, rngd)"
    """

    def __init__(self, what: str, name: object, known: Iterable[str], where: str = "") -> None:
        names = sorted(known)
        spelt = {n.lower(): n for n in names}
        near = [spelt[n] for n in difflib.get_close_matches(str(name).lower(), spelt, n=4, cutoff=0.5)]
        hint = f": did you mean {near[0]!r}?" if near else ""
        place = f"{where}: " if where else ""
        super().__init__(f"{place}unknown {what} {str(name)!r}{hint} ({_known(what, names, near[1:])})")


def _known(what: str, names: list[str], near: list[str]) -> str:
    """All names where they are few; of many, those that are near, and where all are."""
    if len(names) <= MANY:
        return f"known: {', '.join(names)}"
    all_of_them = f"all {len(names)}: sartor list {LISTED[what]}" if what in LISTED else ", ".join(names)
    return f"or {', '.join(near)}; {all_of_them}" if near else all_of_them


class BrokenFile(InputError):
    """A file that is damaged, truncated or of another kind."""


class Unsupported(InputError):
    """Well-formed input of a kind that is not modeled: refused by name, never approximated."""


class Infeasible(InputError):
    """No design keeps the constraints; the message says what was nearest and by how much it misses."""


class CheckFailed(SartorError):
    """The input was fine, a check was not passed."""
