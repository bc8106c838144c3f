"""The block diagram of one core, with its own numbers."""

from __future__ import annotations

from typing import Any

from ..numbers import plain, size_bytes
from ..tags import Html, tag
from .drawing import arrow, box, heads, svg, write

Sheet = dict[str, Any]
WIDTH, HEIGHT = 980, 560
_MOST_CELLS = 16  # of the tile's picture, each way


def diagram(sheet: Sheet) -> Html:
    """Host, sequencer, matrix unit, vector unit, memory block, and the memory outside."""
    parts = (_core, _outside, _sequencer, _matrix, _vector, _memory)
    drawn = [heads(), *(part(sheet) for part in parts), _wires()]
    return svg(WIDTH, HEIGHT, *drawn, label=f"block diagram of {sheet['chip']}")


def _size(sheet: Sheet, name: str) -> str:
    """An on-chip memory's size."""
    size = next(m["bytes"] for m in sheet["memories"] if m["name"] == name)
    return size_bytes(size) if size % 1024 == 0 else f"{plain(size / 1024)} KiB"


def _core(sheet: Sheet) -> Html:
    cores = sheet["cores"]
    title = sheet["module"] if cores == 1 else f"{sheet['module']} (one core of {cores})"
    frame = tag("rect", x="120", y="14", width="700", height="532", rx="10", cls="frame")
    return frame + write(136, 36, title, "name")


def _outside(sheet: Sheet) -> Html:
    memory = sheet["memory"]
    share = sheet["rates"]["memory_bytes_per_s"] / 1e9
    lines = [f"{memory['units']} × {memory['kind'].upper()}", f"{plain(share)} GB/s", "for this core"]
    return box(4, 66, 86, 60, "Host", ["32-bit bus"], "outside") + box(
        876, 226, 100, 92, "Memory", lines, "outside"
    )


def _sequencer(sheet: Sheet) -> Html:
    program = next(m for m in sheet["memories"] if m["name"] == "program")
    lines = [f"program {program['bytes'] // 16} × 128 bits", "16 registers, loops 3 deep", "counters"]
    return box(140, 52, 200, 92, "Sequencer", lines)


def _matrix(sheet: Sheet) -> Html:
    c, r = sheet["core"], sheet["rates"]
    frame = box(140, 190, 450, 186, cls="unit") + write(154, 209, "MatrixUnit", "left")
    lines = [f"INT8, {c['columns']} × {c['buffer_groups']}", _size(sheet, "buffer")]
    buffer = box(154, 222, 118, 78, "Activations", lines)
    decoder = box(
        462, 222, 114, 78, "Decoder", [sheet["weights"], f"{plain(r['tile_bytes_per_cycle'])} B/cycle"]
    )
    sums = box(292, 330, 150, 36, "", ["scale, 40-bit sums"]) + box(154, 330, 118, 36, "", ["drain, argmax"])
    return frame + buffer + _tile(sheet) + decoder + sums


def _tile(sheet: Sheet) -> Html:
    """Rows by columns, each cell a dot product of all lanes."""
    c, left, top, width, height = sheet["core"], 292.0, 222.0, 150.0, 62.0
    rows, columns = min(c["rows"], _MOST_CELLS), min(c["columns"], _MOST_CELLS)
    w, h = width / columns, height / rows
    cells = "".join(
        tag("rect", x=f"{left + w * x + 0.6:.2f}", y=f"{top + h * y + 0.6:.2f}", width=f"{w - 1.2:.2f}",
            height=f"{h - 1.2:.2f}", cls="cell")
        for y in range(rows) for x in range(columns)
    )  # fmt: skip
    words = f"{c['rows']} × {c['lanes']} × {c['columns']} MAC"
    return cells + write(left + width / 2, top + height + 15, words, "title")


def _vector(sheet: Sheet) -> Html:
    c = sheet["core"]
    frame = box(140, 412, 450, 122, cls="unit") + write(154, 431, "VectorUnit", "left")
    scratch = box(154, 442, 118, 80, "Scratchpad", ["binary32", _size(sheet, "scratchpad")])
    lanes = box(292, 442, 150, 80, f"{c['vector_lanes']} lanes", ["multiply, add, 2^x,", "1/x, 1/√x, reduce"])
    return frame + scratch + lanes + box(462, 442, 114, 80, "Quantizer", ["INT8 by groups", "cache writer"])


def _memory(sheet: Sheet) -> Html:
    c = sheet["core"]
    frame = box(636, 52, 170, 482, cls="unit") + write(650, 72, "Memory", "left")
    weights = box(650, 222, 142, 78, "Weight FIFO", [f"{c['weight_fifo_words']} × {c['port_bytes']} B",
                                                    _size(sheet, "weight_fifo")])  # fmt: skip
    cache = box(650, 320, 142, 64, "Cache FIFO", [f"{c['cache_fifo_words']} × {c['port_bytes']} B"])
    queues = box(
        650, 86, 142, 116, "Queues", ["1. stores", "2. KV cache", "3. weights", f"port {c['port_bytes']} B"]
    )
    return frame + weights + cache + queues + box(650, 442, 142, 80, "Stores", ["bytes masked"])


def _wires() -> Html:
    return "".join([
        arrow((90, 98), (138, 98), both=True),
        arrow((340, 98), (648, 98)) + write(490, 91, "STREAM, FETCH", "small"),
        arrow((240, 144), (240, 188)) + write(262, 170, "MM", "small"),
        arrow((145, 144), (145, 166), (130, 166), (130, 470), (138, 470)) + write(166, 160, "VEC", "small"),
        arrow((650, 261), (578, 261)) + write(614, 254, "weights", "small"),
        arrow((650, 352), (606, 352), (606, 286), (578, 286)) + write(629, 345, "keys,", "small")
        + write(629, 366, "values", "small"),
        arrow((462, 261), (444, 261)), arrow((272, 261), (290, 261)),
        arrow((367, 300), (367, 328)), arrow((292, 348), (274, 348)),
        arrow((250, 366), (250, 440)) + write(224, 398, "results", "small"),
        arrow((272, 482), (290, 482), both=True), arrow((442, 482), (460, 482)),
        arrow((519, 442), (519, 394), (282, 394), (282, 284), (274, 284)) + write(400, 390, "codes", "small"),
        arrow((576, 482), (648, 482)) + write(613, 475, "cache", "small"),
        arrow((806, 262), (874, 262), both=True) + write(840, 254, "port", "small"),
    ])  # fmt: skip
