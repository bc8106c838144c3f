"""A chip by name: one that exists, one in a file, or the one that a study's last `design` chose."""

from __future__ import annotations

from pathlib import Path

from ..chip import presets, toml
from ..chip.spec import Chip
from ..errors import InputError, UnknownName
from ..families.tensor.possible import check_possible
from ..search import study as studies
from ..search.store import NOT_IN_PRICES, PRICES, write_text
from ..version import code
from ..workload.fetch import cache_folder
from ..workload.find import exists

# What decides which chip a study has: the study, what prices designs, and what sends requests through the best of them.
CHOOSES = (*PRICES, "serve", "api/design.py")
CHOOSES_NOT = tuple(part for part in NOT_IN_PRICES if part != "data/studies")


def find_chip(name: str) -> Chip:
    """`name`: a chip that exists, a TOML file, or a study whose chip this code has designed."""
    if name.endswith(".toml") or name in presets.names():
        found = presets.find(name)
        if found.tile is not None:
            check_possible(found)
        return found
    if name in studies.names():
        if not _designed(name).exists():
            raise InputError(f"study {name!r} has no chip yet (try: sartor design {name})")
        return presets.find(str(_designed(name)))
    if name and exists(Path(name)):
        raise InputError(f"{name}: a chip's file is a TOML file, its name ending in .toml (docs/start.md shows one)")
    raise UnknownName("chip", name, [*presets.names(), *studies.names()])


def remember(chip: Chip) -> None:
    """Keep a study's chosen chip where `find_chip` looks for it."""
    write_text(_designed(chip.name), toml.dumps(chip))


def _designed(study: str) -> Path:
    return cache_folder() / "designs" / f"{study}-{code(CHOOSES, CHOOSES_NOT)}.toml"
