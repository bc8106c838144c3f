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
        close = difflib.get_close_matches(str(name).lower(), [n.lower() for n in names], n=1, cutoff=0.5)
        match = next((n for n in names if close and n.lower() == close[0]), None)
        hint = f": did you mean {match!r}?" if match else ":"
        shown = ", ".join(names[:40]) + (", ..." if len(names) > 40 else "")
        place = f"{where}: " if where else ""
        super().__init__(f"{place}unknown {what} {str(name)!r}{hint} (known: {shown})")


class BrokenFile(InputError):
    """A file that is damaged, truncated or of another kind."""


class Unsupported(InputError):
    """Well-formed input of a kind that is not modeled: refused by name, never approximated."""


class Infeasible(InputError):
    """No design keeps the constraints; the message says what was nearest and by how much it misses."""


class CheckFailed(SartorError):
    """The input was fine, a check was not passed."""
