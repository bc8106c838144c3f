"""Classes of tensors that may each have a format of their own, and what a user writes to give them one."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import InputError, UnknownName
from ..formats import parts
from ..formats.parts import EMBEDDING, LINEAR, PARTS

HEAD = "head"
WEIGHTS = (*LINEAR, EMBEDDING, HEAD)
# Several classes at once.
GROUPS = {name: sum((PARTS[part] for part in held), ()) for name, held in parts.GROUPS.items()} | {
    name: held for name, held in PARTS.items() if len(held) > 1
}
STORED = "none"  # weights as they are stored; activations and cache in binary32


def parsed(text: str) -> dict[str, str]:
    """The format of each class: a name for all linear layers, `class=name` for one class or group; what is said of
    fewer classes wins. A class that is not named stays as it is stored.

    >>> parsed("ffn_down=int8,int4-g32")["ffn_down"], parsed("ffn_down=int8,int4-g32")["attn_q"]
    ('int8', 'int4-g32')
    """
    wanted: dict[str, str] = {}
    for part in text.lower().split(","):
        where, equals, name = (piece.strip() for piece in part.rpartition("="))
        where = where if equals else "linear"
        if where not in GROUPS and where not in WEIGHTS:
            raise UnknownName("class of tensors", where, (*GROUPS, *WEIGHTS), "--weights")
        if not name or where in wanted:
            wrong = "two formats" if name else "no format"
            raise InputError(f"--weights {text!r}: {where} has {wrong} (try int8, or ffn_down=int8,int4-g32)")
        wanted[where] = name
    found: dict[str, str] = {}
    for where in sorted(wanted, key=lambda w: -len(_of(w))):
        found |= dict.fromkeys(_of(where), wanted[where])
    return {c: name for c, name in found.items() if name != STORED}


def shown(formats: Mapping[str, str]) -> str:
    """The shortest that `parsed` reads as `formats`.

    >>> shown(parsed("attn_v=int8,int4-g32")), shown({})
    ('int4-g32,attn_v=int8', 'none')
    """
    linear = [formats.get(c, STORED) for c in LINEAR]
    most = max(dict.fromkeys(linear), key=linear.count)
    odd = [f"{c}={name}" for c, name in zip(LINEAR, linear, strict=True) if name != most]
    return ",".join([most, *odd, *(f"{c}={formats[c]}" for c in (EMBEDDING, HEAD) if c in formats)])


def _of(where: str) -> tuple[str, ...]:
    return GROUPS.get(where, (where,))

