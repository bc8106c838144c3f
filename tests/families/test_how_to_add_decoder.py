"""The decoder that docs/how-to-add.md adds, taken out of a copy of the house and added again as it stands there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to-add.md"
USE = """
import numpy as np
from sartor.chip.spec import Chip, Memory, Tile
from sartor.families.tensor.golden_matrix import decoded
from sartor.families.tensor.layout import pack_matrix
from sartor.families.tensor.sizing import core_of
from sartor.families.tensor.stream_shape import Shape
from sartor.formats.codec import codec
from sartor.formats.floats import Floats
from sartor.formats.hardware import coding_of
from sartor.formats.quantize import as_stored, quantize

name = NAME
coding = coding_of(name)
tile = Tile(4, 32, 1, 4, name, kv="int8-g32", scratchpad_bytes=65536, fifo_bytes=16384)
core = core_of(Chip("example", "tensor", "N7", 450e6, Memory("lpddr4x", 1, 4e9, 64 * 450e6), tile=tile))
w = Floats("F32", np.random.default_rng(0).normal(size=(8, 96)).astype(np.float32))
encoded = codec(name).encode(w)
blocks = as_stored(encoded, coding, "w")
assert np.array_equal(blocks.dequantized(), encoded.dequantized())
stream = pack_matrix(core, blocks.codes, blocks.scale, None, coding.element)
found = decoded(Shape(core, 8, 96, coding.element, coding.scale), stream, 15)
assert np.array_equal(found.codes.transpose(0, 3, 1, 2).reshape(8, 96), blocks.integers)
print(coding, core.multiplier_bits, core.steps(coding.element), stream.size)
"""


def hunks() -> list[tuple[str, str, str]]:
    """File, text before and text after of each piece of the example."""
    block = PAGE.read_text(encoding="utf-8").split("```diff\n", 1)[1].split("```", 1)[0]
    found: list[tuple[str, str, str]] = []
    for line in block.splitlines(keepends=True):
        kind, text = line[0], line[1:]
        if kind not in " +-":
            found.append((line.strip(), "", ""))
            continue
        file, before, after = found[-1]
        found[-1] = file, before + text * (kind != "+"), after + text * (kind != "-")
    return found


def changed(house: Path, back: bool) -> None:
    for name, *texts in hunks():
        old, new = texts[::-1] if back else texts
        file = house / name
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name}: {old!r}"
        file.write_text(text.replace(old, new), encoding="utf-8")


def used(house: Path, name: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", USE.replace("NAME", repr(name))]
    return subprocess.run(command, cwd=house, env={"PYTHONPATH": str(house)}, capture_output=True, text=True)


@pytest.mark.slow
def test_the_example_adds_a_decoder(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sartor", tmp_path / "sartor", ignore=shutil.ignore_patterns("__pycache__", "measured"))
    changed(tmp_path, back=True)
    refused = used(tmp_path, "int5-g32")
    assert "unknown number format 'int5-g32'" in refused.stderr, refused.stderr
    assert used(tmp_path, "int6-g32").stdout.startswith("6-bit codes with a scale 8 1"), "the house stands without it"
    changed(tmp_path, back=False)
    # 6 beats of 4 x 32 weights in words of 64 bytes: one of scales for 8 beats, one of fifth bits for 4, one a beat.
    assert used(tmp_path, "int5-g32").stdout == f"5-bit codes with a scale 5 1 {64 * (1 + 2 + 6)}\n"
    assert used(tmp_path, "q5_0").stdout == used(tmp_path, "int5-g32").stdout
