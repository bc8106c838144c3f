"""docs/formats.md: what every format is, from the files that define it and the rows that name it."""

from __future__ import annotations

import importlib
import re
import textwrap
from typing import Any

import formats_table

from sartor.formats.codec import codec
from sartor.formats.grouped import Grouped
from sartor.formats.hardware import decoded
from sartor.formats.spec import SPARSE, formats

ROW = 4096
HEAD = ("format", "bits", "group", "stored beside the codes", "in the chip", "source")


def page(made: str, markdown: Any) -> str:
    """One section a file of sartor/formats that defines formats, in the order of formats.csv."""
    lines = [
        "# Number formats", "", made, "",
        "Every format is defined bit for bit: `codec(name)` of `sartor.formats.codec` encodes, decodes and packs it,",
        f"and `sartor quality` says what it costs a model. `bits`: of a weight in a row of {ROW:,}, scales included;",
        f"`in the chip`: the generated chip has a decoder. `{SPARSE}` behind any name keeps two weights of four. fl is",
        "one rounding to binary32, RNE to nearest with ties to even.",
        "[How to add one](how-to-add.md#a-number-format).", "",
        "Checkpoints of GPTQ, AWQ, compressed-tensors, DeepSeek (FP8), ModelOpt and BitNet are read as they are stored",
        "(`sartor/formats/layouts`), GGUF by `gguf_types.py`; a chip for the format takes the codes as they are, zero points",
        "of AWQ and GPTQ and FP8 scales of a tensor or a block too (in binary16), BitNet's ternary ones where it is made for",
        "integers of two bits (`int2-g32` to `-g128`; its head then wants a format of its own). Columns in act-order become real numbers,",
        "which a chip refuses, or rounds once more with `--requantize`. Of GGUF, types beyond those listed below are refused by name; Q4_0,",
        "Q4_1, Q5_0 and Q8_0 run on a chip as they are. Q6_K does not: 16 weights share a whole number of 8 bits times a binary16 number,",
        "up to 18 bits where the chip's scales have 11, and scales for 16 exist beside 5-bit multipliers alone, which take 6 bits in two",
        "cycles; rounded once more to `int6-g32` (`--requantize`) its bits run in one. Every format is encoded at more than 50 MB of BF16",
        "weights a second and core (`benchmarks/formats.py`; the slowest, binary codes of 4 planes, at 67).", "",
    ]  # fmt: skip
    lines += [*formats_table.text(), *markdown(formats_table.HEAD, formats_table.rows()), ""]
    lines += [*formats_table.cache_text(), *markdown(formats_table.CACHE_HEAD, formats_table.caches()), ""]
    files = dict.fromkeys(form.codec for form in formats().values())
    for name in [*files, "sparse"]:
        lines += _section(name, markdown)
    return "\n".join(lines).rstrip() + "\n"


def _section(name: str, markdown: Any) -> list[str]:
    title, _, rest = (importlib.import_module(f"sartor.formats.{name}").__doc__ or "").partition("\n")
    first, *more = re.split(r"[:;.] ", title, maxsplit=1)
    prose = "\n\n".join([*(f"{m[:1].upper()}{m[1:]}" for m in more), rest.strip("\n")])
    rows = [_row(form.name) for form in formats().values() if form.codec == name]
    table = [*markdown(HEAD, rows), ""] if rows else []
    return [f"## {first.rstrip('.')}", "", f"`sartor/formats/{name}.py`", "", *_text(prose), *table]


def _text(doc: str) -> list[str]:
    """Indented lines are tables of their own."""
    lines, inside = [], False
    for line in textwrap.dedent(doc).splitlines():
        if line.startswith("    ") != inside and line:
            inside = not inside
            if not inside:
                lines.pop()  # the empty line goes behind the block
            lines += ["```text"] if inside else ["```", ""]
        lines.append(line.removeprefix("    "))
    return [*lines, *(["```"] if inside else []), ""]


def _row(name: str) -> tuple[str, ...]:
    one = codec(name)
    parts = [f"{p.name} {p.bits} x {p.entry[0]}" if p.entry else f"{p.name} {p.bits}" for p in one.stored
             ] if isinstance(one, Grouped) else []  # fmt: skip
    group = str(one.form.group or "row") if parts else ""
    return (f"`{name}`", f"{one.bits_per_weight(ROW):.4g}", group, ", ".join(parts), "yes" if name in decoded() else "",
            formats()[name].source)  # fmt: skip
