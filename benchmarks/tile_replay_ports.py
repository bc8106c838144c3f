"""What goes into a tile for a layer of a model: matrices and activations as the golden model has them, cycle by cycle
at the ports of the tile (tile_replay.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sartor.chip.spec import Chip, Memory, Tile
from sartor.compiler import store
from sartor.compiler.gguf import network
from sartor.compiler.requantize import requantized
from sartor.families.tensor import golden_matrix
from sartor.families.tensor.core import GROUP, HALF, Core
from sartor.families.tensor.golden import Golden
from sartor.families.tensor.isa import Instruction, Op, Scale
from sartor.families.tensor.layout import unpack
from sartor.families.tensor.rtl.tile import latency
from sartor.families.tensor.sizing import core_of
from sartor.families.tensor.stream_shape import Shape
from sartor.formats.decode import Element
from sartor.formats.hardware import coding_of
from sartor.workload import fetch

TOKENS, RUNS, STEPS = (504, 253), 64, 18
IDLE = 10  # cycles before the first step: what registers held at first has left
SHIFT_MOST = 31


@dataclass(frozen=True)
class Matrix:
    """What one MM takes: codes [n, k] as stored, scales and minimums [n, k / 32], x [columns, groups, 32], E - e
    [columns, groups], and the accumulators [columns, n] that it leaves."""

    instruction: Instruction
    codes: np.ndarray
    d: np.ndarray
    m: np.ndarray
    x: np.ndarray
    shift: np.ndarray
    sums: np.ndarray


def chip(form: str, engine: str = "mac") -> Chip:
    tile = Tile(4, 32, 2, 4, form, kv="int8-g32", scratchpad_bytes=128 * 1024, fifo_bytes=16 * 1024, engine=engine)
    return Chip("small", "tensor", "22FDX", 4e8, Memory("lpddr4x", 1, 2e9, 8.5e9), tile=tile)


def matrices(form: str) -> dict[str, Matrix]:
    """Of the first layer, by what they are multiplied with, in the prefill of two tokens."""
    net = network(fetch.smollm2()).slice(1, 1024)
    net = net if form == "q4_1" else requantized(net, coding_of(form))
    binary, _ = store.compiled(core_of(chip(form)), net, f"smollm2-slice {form}", 256)
    golden = Golden(binary.core, binary.image, binary.program.instructions, binary.program.constants)
    found: dict[str, Matrix] = {}

    def retired(_: int, i: Instruction, s: Any) -> None:
        if i.op == Op.MM and not i.cache:
            found[f"{len(found)} {i.label}".strip()] = taken(s, i)

    golden.run(binary.program.prefill, 0, [binary.row(token) for token in TOKENS], retired)
    return found


def taken(s: Any, i: Instruction) -> Matrix:
    n, k = i.tiles * s.core.rows, i.folds * s.core.lanes
    shape = Shape(s.core, n, k, Element(i.element), Scale(i.scale), i.share, i.planes + 1)
    raw = s.memory[s.weights_at - shape.words * s.core.port_bytes : s.weights_at]
    codes, d, m = (each if each is None else each.copy() for each in unpack(shape, raw))
    groups = k // GROUP
    d, m = (np.zeros((n, groups), int) if p is None else np.repeat(p, 1 << i.share, axis=1)[:, :groups] for p in (d, m))
    x, top, exponent = (p[:, : i.columns].copy() for p in (s.codes[:, :, :groups], s.top, s.exponents[:, :, :groups]))
    sums = golden_matrix.product(golden_matrix.decoded(shape, raw, i.exponent), x, top, exponent)
    return Matrix(i, codes, d, m, x[0], np.minimum(top[0][:, None] - exponent[0], SHIFT_MOST), sums[0][:, :n])


def as_bits(values: Any, width: int) -> np.ndarray:
    """[..., width] of integers, the lowest first."""
    return (np.asarray(values, np.int64)[..., None] >> np.arange(width) & 1).astype(np.uint8)


def flat(parts: np.ndarray, kept: int = 2) -> np.ndarray:
    return parts.reshape(*parts.shape[:kept], -1)


def lanes(core: Core, codes: np.ndarray, element: Element) -> np.ndarray:
    """[..., bits] of blocks [..., 32], as the decoder hands them to a dot unit."""
    if core.shifting:
        field, low = codes >> 3 & 15, codes & 7
        magnitude = low | (field > 0) << 3
        number = np.where(codes >> 7 & 1, -magnitude, magnitude) & 31 | np.maximum(field - 1, 0) << 5
        return flat(as_bits(number, 9), -2)
    if element == Element.INT8:
        return flat(as_bits(codes & 255 ^ 128, 8), -2)
    return flat(as_bits(codes[..., :HALF] | codes[..., HALF:] << 4, 8), -2)


def driven(core: Core, of: Matrix) -> tuple[dict[str, np.ndarray], np.ndarray, set[int]]:
    """What goes into the ports in each cycle, [cycles, bits, 1] of 64 runs; the row tiles [runs, tiles] that each works
    on, and the cycles in which their accumulators are full."""
    i, count = of.instruction, max(1, STEPS // of.instruction.folds)
    tiles = np.arange(RUNS * count).reshape(RUNS, count) * max(1, i.tiles // (RUNS * count)) % i.tiles
    rows = tiles[..., None] * core.rows + np.arange(core.rows)  # [runs, tiles, rows]
    steps = count * i.folds

    def by_fold(values: np.ndarray, size: int) -> np.ndarray:
        """[n, folds size] to [steps, runs, rows, size]."""
        each = values.reshape(len(values), i.folds, size)[rows]  # [runs, tiles, rows, folds, size]
        return each.transpose(1, 3, 0, 2, 4).reshape(steps, RUNS, core.rows, size)

    codes = lanes(core, by_fold(of.codes.astype(np.int64), GROUP), Element(i.element))
    fold = np.tile(np.arange(i.folds), count)
    x, shift = of.x.astype(np.int64)[:, fold], of.shift[:, fold]  # [columns, steps, 32]
    groups = np.concatenate([flat(as_bits(x & 255, 8)), as_bits(x.sum(-1), 13), as_bits(shift, 5)], -1)
    values = np.repeat(groups.transpose(1, 0, 2).reshape(steps, 1, -1), RUNS, axis=1)
    yes, no, first, last = np.ones(steps), np.zeros(steps), fold == 0, fold == i.folds - 1
    flags = np.stack([yes, no, yes, first, last, no], -1).astype(np.uint8)  # matrix_ports.step_layout
    late = {"codes": flat(codes), "d": flat(as_bits(by_fold(of.d, 1), 16)), "m": flat(as_bits(by_fold(of.m, 1), 16)),
            "fold": values}  # fmt: skip
    cycles = IDLE + steps + latency(core) + 1
    ports = {"step": np.broadcast_to(flags[:, None], (steps, RUNS, flags.shape[1])), **late}
    found = {}
    for name, bits in ports.items():
        whole = np.zeros((cycles, bits.shape[2], RUNS), np.uint8)
        begin = IDLE + (name != "step")
        whole[begin : begin + steps] = bits.transpose(0, 2, 1)
        found[name] = np.packbits(whole, axis=-1, bitorder="little").view(np.uint64)
        found[name][begin + steps :] = found[name][begin + steps - 1] * (name != "step")  # registers keep what they had
    return found, tiles, {IDLE + int(step) + latency(core) for step in np.flatnonzero(last)}
