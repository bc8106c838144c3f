"""The decoder that docs/how-to-add.md adds, taken out of a copy of the house and added again as it stands there."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to-add.md").read_text(encoding="utf-8")
FILE = Path("sartor/formats/codebook.py")
USE = """
import numpy as np
from matrix_case import random_case, run, unit, written
from sartor.chip.spec import Chip, Memory, Tile
from sartor.families.tensor.golden_matrix import decoded
from sartor.families.tensor.layout import pack_matrix
from sartor.families.tensor.sizing import core_of
from sartor.families.tensor.stream_shape import Shape
from sartor.formats.codec import codec
from sartor.formats.floats import Floats
from sartor.formats.hardware import coding_of
from sartor.formats.quantize import as_stored

name = NAME
coding = coding_of(name)
tile = Tile(4, 32, 1, 4, name, kv="int8-g32", scratchpad_bytes=65536, fifo_bytes=16384)
core = core_of(Chip("example", "tensor", "N7", 450e6, Memory("lpddr4x", 1, 4e9, 64 * 450e6), tile=tile))
w = Floats("F32", np.random.default_rng(0).normal(size=(8, 128)).astype(np.float32))
encoded = codec(name).encode(w)
blocks = as_stored(encoded, coding, "w")
assert np.array_equal(blocks.dequantized(), encoded.dequantized())
share = blocks.share(core.lanes)
stream = pack_matrix(core, blocks.codes, blocks.scale, None, coding.element, share)
found = decoded(Shape(core, 8, 128, coding.element, coding.scale, share), stream, 15)
assert np.array_equal(found.codes.transpose(0, 3, 1, 2).reshape(8, 128), blocks.integers)
sim, rng = unit(core), np.random.default_rng(0)
for seed in range(20):
    case = random_case(core, rng, element=coding.element, scale=coding.scale, rows=8, groups=4)
    got = written(run(sim, case, 0.3, seed), case)
    assert np.array_equal(got.view(np.uint32), case.results().view(np.uint32)), case.command()
print(coding, core.multiplier_bits, core.steps(coding.element), stream.size)
"""


def section() -> str:
    return PAGE[PAGE.index("## A decoder of a number format") : PAGE.index("## A model\n")]


def blocks(kind: str) -> list[str]:
    return [textwrap.dedent(part.split("```", 1)[0]) for part in section().split(f"```{kind}\n")[1:]]


def lines() -> list[tuple[str, str, str]]:
    """File of each line that is added, the line before it, and the line."""
    found = []
    for block in blocks("diff"):
        file, before, added = block.splitlines(keepends=True)
        assert before[0] == " " and added[0] == "+"
        found.append((file.strip(), before[1:], added[1:]))
    return found


def changed(house: Path, back: bool) -> None:
    for name, before, added in lines():
        file = house / name
        text, old, new = file.read_text(encoding="utf-8"), before, before + added
        old, new = (new, old) if back else (old, new)
        assert text.count(old) == 1, f"{name}: {old!r}"
        file.write_text(text.replace(old, new), encoding="utf-8")
    if back:
        (house / FILE).unlink()
    else:
        (house / FILE).write_text(blocks("python")[0], encoding="utf-8")


def used(house: Path, name: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", USE.replace("NAME", repr(name))]
    path = f"{house}:{ROOT / 'tests/families/rtl_matrix'}:{ROOT}"
    return subprocess.run(command, cwd=house, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)


def test_the_page_shows_the_file_as_it_is() -> None:
    assert blocks("python") == [(ROOT / FILE).read_text(encoding="utf-8")]


@pytest.mark.slow
def test_the_example_adds_a_decoder(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sartor", tmp_path / "sartor", ignore=shutil.ignore_patterns("__pycache__", "measured"))
    changed(tmp_path, back=True)
    refused = used(tmp_path, "cb4-g64")
    assert "unknown number format 'cb4-g64'" in refused.stderr, refused.stderr
    changed(tmp_path, back=False)
    # 8 beats of 4 x 32 weights, each a word of 64 bytes; 16 scales of 2 bytes are padded to a word.
    found = used(tmp_path, "cb4-g64")
    assert found.stdout == f"CB4 codes with a scale for 64 5 1 {64 * (1 + 8)}\n", found.stderr
