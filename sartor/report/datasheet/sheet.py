"""Everything a data sheet says about one core, as one plain dictionary."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import wiring

from ...chip.spec import Chip
from ...families.tensor.core import (
    ACCUMULATOR_BITS,
    BOUNDS,
    CONSTANTS,
    GROUP,
    MOST_COLUMNS,
    PROGRAM_WORDS,
    REGISTERS,
    SCALARS,
    Core,
)
from ...families.tensor.isa import INSTRUCTION_BITS
from ...families.tensor.memory_map import MemoryMap
from ...families.tensor.rtl import top_ports
from ...families.tensor.sizing import BUFFER_GROUP_BYTES, SCRATCH_GROUP_BYTES
from ...formats.spec import format_named
from ...version import VERSION
from .instructions import instructions
from .registers import register_map
from .words import phrase, words


@dataclass(frozen=True)
class Model:
    """A network on the core: where it lies, how long its program is, and the estimate's time of a token."""

    name: str
    memory: MemoryMap
    instructions: int
    prefill: int  # first instruction of each body
    decode: int
    batch: int
    token_s: float | None = None


def sheet(chip: Chip, core: Core, module: str, model: Model | None = None) -> dict[str, Any]:
    """What `page` and `markdown` say. `module`: the name of the Verilog module."""
    tile = chip.tile
    assert tile is not None
    return {
        "sartor": VERSION, "chip": chip.name, "module": module, "node": chip.node, "clock_hz": chip.clock_hz,
        "cores": chip.cores, "memory": asdict(chip.memory), "weights": tile.weights, "cache": tile.kv,
        "mix": tile.mix,
        "bits_per_weight": format_named(tile.weights).bits(),
        "core": asdict(core), "dot_units": core.dot_units, "granule": core.granule,
        "parameters": [_parameter(core, name) for name in phrases("parameters")],
        "memories": _memories(core), "rates": rates(chip, core), "ports": _ports(core),
        "register_map": register_map(core), "instructions": instructions(), "contract": words()["contract"],
        "limits": words()["limits"], "bounds": _bounds(), "model": None if model is None else _model(core, model),
    }  # fmt: skip


def phrases(section: str) -> list[str]:
    """Names in a section of sentences, in its order."""
    return list(words()[section])


def _parameter(core: Core, name: str) -> dict[str, Any]:
    low, high, power = BOUNDS.get(name, (4, 8, True))
    return {
        "name": name, "value": getattr(core, name), "low": low, "high": high, "power_of_two": power,
        "description": phrase("parameters", name),
    }  # fmt: skip


def _memories(core: Core) -> list[dict[str, Any]]:
    """On-chip memories in bytes."""
    sizes = {
        "buffer": core.columns * core.buffer_groups * BUFFER_GROUP_BYTES,
        "scratchpad": core.scratch_groups * SCRATCH_GROUP_BYTES,
        "weight_fifo": core.weight_fifo_words * core.port_bytes,
        "cache_fifo": core.cache_fifo_words * core.port_bytes,
        "program": PROGRAM_WORDS * INSTRUCTION_BITS // 8,
    }
    return [
        {"name": name, "bytes": size, "description": phrase("memories", name, program=PROGRAM_WORDS)}
        for name, size in sizes.items()
    ]


def rates(chip: Chip, core: Core) -> dict[str, float]:
    """What the core does in a cycle and in a second, all parts busy. A decode beat takes D blocks of weights,
    codes with their scales, whatever the number of columns.

    By hand, 8 x 32 x 4 with q4_1 at 450 MHz: 1,024 MACs, 460.8 GMAC/s; 8 blocks x 20 bytes a cycle.
    """
    tile = chip.tile
    assert tile is not None
    macs = core.rows * core.lanes * core.columns
    share = chip.memory.bandwidth_bytes_per_s / chip.cores
    form = format_named(tile.weights)
    cycles = form.planes if form.element_bits / form.planes <= core.multiplier_bits else 2
    return {
        "macs_per_cycle": macs / cycles, "macs_per_s": macs / cycles * chip.clock_hz,
        "tile_bytes_per_cycle": core.dot_units * form.bits() * GROUP / 8 / cycles,
        "port_bytes_per_cycle": core.port_bytes, "port_bytes_per_s": core.port_bytes * chip.clock_hz,
        "memory_bytes_per_cycle": share / chip.clock_hz, "memory_bytes_per_s": share,
        "vector_per_cycle": core.vector_lanes, "vector_per_s": core.vector_lanes * chip.clock_hz,
    }  # fmt: skip


def _ports(core: Core) -> list[dict[str, Any]]:
    """Clock, reset, and the top's own ports."""
    rows = [_port(core, name, "in", 1) for name in ("clk", "rst")]
    members = wiring.Signature({**top_ports.host(), **top_ports.memory(core)}).members
    for path, member in members.items():
        way = "in" if member.flow == wiring.In else "out"
        rows.append(_port(core, path, way, Shape.cast(member.shape).width))
    return rows


def _port(core: Core, name: str, way: str, width: int) -> dict[str, Any]:
    return {
        "name": name, "way": way, "width": width, "description": phrase("ports", name, port_bytes=core.port_bytes)
    }  # fmt: skip


def _bounds() -> list[tuple[str, str]]:
    """Limits of the family, in words."""
    return [
        ("length of a summed row (K)", f"{511 * GROUP:,}: {ACCUMULATOR_BITS} bits cannot overflow"),
        ("columns", f"{MOST_COLUMNS}"),
        ("program", f"{PROGRAM_WORDS} instructions, loops three deep"),
        ("registers, scalars, constants", f"{REGISTERS}, {SCALARS}, {CONSTANTS}"),
        ("memory", "2^32 words of the port"),
        ("head dimension", "a power of two, at least rows and lanes"),
        ("networks", "RMSNorm, RoPE on neighboring pairs, grouped-query attention, SiLU-gated FFN"),
    ]


def _model(core: Core, model: Model) -> dict[str, Any]:
    m = model.memory
    parts = (
        ("weight stream", m.weights, m.stream_words), ("embedding", m.embedding, m.rope - m.embedding),
        ("rope table", m.rope, m.cache - m.rope), ("KV cache", m.cache, m.cache_words),
    )  # fmt: skip
    return {
        "name": model.name, "context": m.context, "bytes": m.nbytes, "instructions": model.instructions,
        "prefill": model.prefill, "decode": model.decode, "batch": model.batch, "token_s": model.token_s,
        "parts": [
            {"name": name, "first": first, "words": count, "bytes": count * core.port_bytes}
            for name, first, count in parts
        ],
        "layer_words": m.layer_words, "row_words": m.row_words, "rope_words": 1 << m.rope_shift,
        "head_words": m.head.head_words, "head": asdict(m.head),
    }  # fmt: skip
