"""From a chip to its hardware: Verilog of a core, register map, memory map, program listing, data sheet."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..chip.spec import Chip
from ..errors import InputError
from ..families.tensor.core import Core
from ..families.tensor.sizing import core_of
from ..search import study as studies
from ..search.store import whole
from ..workload.fetch import WEIGHTS
from .balance import weights_for
from .estimate import estimate
from .generate import Placed, found_chip, model_of, module_name, one_core, place
from .say import Say, silent
from .verilog import verilog

PROGRAM = "{name}.program.txt"


@dataclass(frozen=True)
class Built:
    """A core's files by name, and facts about them."""

    chip: Chip
    core: Core
    facts: dict[str, Any]
    files: dict[str, str]


def build(
    chip: str | Chip,
    model: str | None = None,
    context: int | None = None,
    say: Say = silent,
    requantize: bool = False,
) -> Built:
    """Generate one core of `chip`, at its real parameters.

    With a `model`, a memory map and the program's listing come along, for `context` tokens (None: the longest
    that fits). A study's chip takes the study's model where its weights are known. `model` and `requantize` as in
    `verify`.
    """
    start = time.monotonic()
    chip = found_chip(chip, say)
    core = core_of(chip)
    compiled = _compiled(chip, core, model, context, say, requantize)
    sheet = _sheet(chip, core, compiled)
    files = {f"{sheet['module']}.v": verilog(chip, core, say), **_texts(sheet), **_program(sheet, compiled)}
    facts = {
        "chip": chip.name, "module": sheet["module"], "cores": chip.cores, "core": asdict(core),
        "model": sheet["model"], "rates": sheet["rates"], "memories": sheet["memories"],
        "bytes": {name: len(text.encode()) for name, text in files.items()}, "build_s": time.monotonic() - start,
    }  # fmt: skip
    return Built(chip, core, facts, files)


def save(built: Built, out: Path) -> list[Path]:
    """All files of `built` in `out`, or none of them."""
    with contextlib.ExitStack() as stack:
        fresh = {name: stack.enter_context(whole(out / name)) for name in built.files}
        for name, temporary in fresh.items():
            temporary.write_text(built.files[name], encoding="utf-8")
    return [out / name for name in built.files]


def _compiled(
    chip: Chip, core: Core, model: str | None, context: int | None, say: Say, requantize: bool
) -> Placed | None:
    """`model` on `core`; the study's own model only where it can be run."""
    assert chip.tile is not None  # core_of checked it
    if model is None:
        if chip.name not in studies.names() or model_of(chip) not in WEIGHTS:
            return None
        with contextlib.suppress(InputError):
            return place(core, weights_for(core, model_of(chip), chip.tile.formats, say), context)
        return None
    return place(core, weights_for(core, model, chip.tile.formats, say, requantize), context)


def _sheet(chip: Chip, core: Core, compiled: Placed | None) -> dict[str, Any]:
    from ..report.datasheet import Model, sheet

    if compiled is None:
        return sheet(chip, core, module_name(chip.name))
    memory, program, name = compiled.memory, compiled.program, compiled.weights.model
    token_s = _token_s(chip, name, memory.context // 2)
    entries = program.prefill, program.decode, program.batch
    model = Model(name, memory, len(program.instructions), *entries, token_s)
    return sheet(chip, core, module_name(chip.name), model)


def _token_s(chip: Chip, model: str, context: int) -> float | None:
    """The estimate of a decoded token; None for a model that the estimate does not take."""
    with contextlib.suppress(InputError):
        return float(estimate(one_core(chip), model, "decode", 1, max(context, 1))["latency_s"])
    return None


def _texts(sheet: dict[str, Any]) -> dict[str, str]:
    from ..report import datasheet

    found = {
        "registers.md": datasheet.registers_markdown(sheet), "registers.json": _json(sheet["register_map"]),
        "datasheet.md": datasheet.markdown(sheet), "datasheet.html": datasheet.page(sheet),
    }  # fmt: skip
    if sheet["model"]:
        found |= {"memory.md": datasheet.memory_markdown(sheet), "memory.json": _json(sheet["model"])}
    return found


def _program(sheet: dict[str, Any], compiled: Placed | None) -> dict[str, str]:
    return {} if compiled is None else {PROGRAM.format(name=sheet["module"]): f"{compiled.program}\n"}


def _json(value: Any) -> str:
    return json.dumps(value, indent=1) + "\n"
