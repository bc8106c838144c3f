"""`build`: the files of a core, whole or not at all; once the real Verilog, read by another tool."""

import json
import re
import sys
from dataclasses import replace

import pytest
from tiny_chip import CHIP, MODEL, weights

from sartor import api
from sartor.api.generate import found_chip, module_name
from sartor.chip import toml
from sartor.errors import InputError, UnknownName
from sartor.sim import host_bus

MODULE = sys.modules["sartor.api.build"]
TEXTS = {"tiny.v", "registers.md", "registers.json", "datasheet.md", "datasheet.html"}
WITH_MODEL = {"memory.md", "memory.json", "tiny.program.txt"}


@pytest.fixture
def built(monkeypatch):
    """Builds with a tiny network, and without Yosys."""
    monkeypatch.setattr(MODULE, "weights_for", lambda *given: weights())
    monkeypatch.setattr(MODULE, "verilog", lambda chip, core, say: "module tiny; endmodule\n")
    return lambda chip=CHIP, **options: api.build(chip, **options)


def test_files_without_and_with_a_model(built):
    assert set(built().files) == TEXTS
    assert set(built(model=MODEL).files) == TEXTS | WITH_MODEL


def test_the_register_map_is_what_the_simulator_writes_to(built):
    found = json.loads(built().files["registers.json"])
    first = {r["name"]: r["first"] for r in found["registers"]}
    assert first == {
        "START": host_bus.START, "BUSY": host_bus.START, "BATCH": host_bus.BATCH, "POSITION": host_bus.POSITIONS,
        "ARGMAX_INDEX": host_bus.ARGMAX_INDEX, "ARGMAX_VALUE": host_bus.ARGMAX_VALUE, "ROW": host_bus.ROWS,
        "CACHE": host_bus.CACHES,
        "CONSTANT": host_bus.CONSTANT, "COUNTER": host_bus.COUNTER, "PROGRAM": host_bus.PROGRAM,
    }  # fmt: skip
    assert [c["low"] for c in found["counters"]] == [host_bus.COUNTER + 2 * i for i in range(12)]
    of_columns = {r["name"] for r in found["registers"] if r["last"] - r["first"] + 1 == CHIP.tile.columns}
    assert of_columns == {"POSITION", "CACHE", "ROW", "ARGMAX_INDEX", "ARGMAX_VALUE"}


def test_the_memory_map_has_no_gap_and_the_listing_every_instruction(built):
    done = built(model=MODEL, context=128)
    memory = json.loads(done.files["memory.json"])
    ends = [p["first"] + p["words"] for p in memory["parts"]]
    assert [p["first"] for p in memory["parts"]] == [0, *ends[:-1]]
    assert ends[-1] * 16 == memory["bytes"] and memory["context"] == 128
    # The network's 64 rows of 64 numbers: 256 bytes, 16 words each.
    assert memory["row_words"] == 16 and memory["parts"][1]["words"] == 64 * 16
    listing = done.files["tiny.program.txt"].splitlines()
    numbered = [line for line in listing if re.match(r" *\d+  \w", line)]
    assert len(numbered) == memory["instructions"] and "decode:" in listing
    assert listing.index("decode:") == listing.index("prefill:") + memory["decode"] + 1
    assert listing.index("batch:") == listing.index("prefill:") + memory["batch"] + 2


def test_several_cores_say_so(built):
    files = built(replace(CHIP, cores=2)).files
    for name in ("datasheet.md", "datasheet.html"):
        assert "one core of 2" in files[name]
        assert "one core of" not in built().files[name]


def test_all_files_or_none(built, tmp_path, monkeypatch):
    done = built()
    written = api.save(done, tmp_path / "a")
    assert {p.name for p in written} == {p.name for p in (tmp_path / "a").iterdir()} == TEXTS
    broken = replace(done, files={**done.files, "registers.md": "\ud800"})  # cannot be written as UTF-8
    with pytest.raises(UnicodeEncodeError):
        api.save(broken, tmp_path / "b")
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chip": "h100-sxm"}, "only chips of family tensor are generated, this is gpu"),
        ({"chip": replace(CHIP, tile=replace(CHIP.tile, lanes=16))}, "lanes = 16 is outside 32 to 128"),
        ({"model": MODEL, "context": 0}, "context = 0 must be at least 1"),
        ({"model": MODEL, "context": 4000}, "a context of 4000 needs|needs 125 groups|4000"),
    ],
)
def test_bad_input(built, options, message):
    with pytest.raises(InputError, match=message):
        built(**options)


def test_a_model_without_weights_names_those_that_have():
    with pytest.raises(InputError, match=f"'llama-3.1-8b': no weights are known .*{MODEL}"):
        api.build(CHIP, model="llama-3.1-8b")
    with pytest.raises(InputError, match=r"nowhere.gguf: cannot be read: No such file"):
        api.build(CHIP, model="nowhere.gguf")


def test_a_study_without_a_chip_is_explored_first(own_cache, monkeypatch):
    class Found:
        pick = 5

        def chip(self, row, name):
            assert row == 5
            return replace(CHIP, name=name)

    said = []
    module = sys.modules["sartor.api.generate"]
    monkeypatch.setattr(module, "explore", lambda name, resume: Found())
    assert found_chip("edge-smollm2", said.append).tile == CHIP.tile
    assert said == ["exploring edge-smollm2: it has no chip yet"]
    monkeypatch.setattr(module, "explore", lambda *a, **k: pytest.fail("it is kept"))
    assert toml.dumps(found_chip("edge-smollm2")) == toml.dumps(replace(CHIP, name="edge-smollm2"))
    with pytest.raises(UnknownName):
        found_chip("edge-smolm2")


@pytest.mark.slow
def test_the_verilog_reads_elsewhere_and_has_the_ports_of_the_data_sheet(own_cache):
    pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")
    pyslang = pytest.importorskip("pyslang", reason="pip install pyslang")
    done = api.build(CHIP)
    text = done.files["tiny.v"]
    assert text.startswith("// tiny: a core of family tensor, made by Sartor") and "/work" + "/" not in text
    tree = pyslang.syntax.SyntaxTree.fromText(text)
    assert [d for d in tree.diagnostics if d.isError()] == []
    top = re.search(r"^module \\?tiny ?\(.*?^endmodule", text, re.M | re.S)[0]
    assert "tile_unit" in text and text.count("\nmodule ") < 60
    declared = {
        name: int(high or 0) + 1
        for high, name in re.findall(r"^  (?:input|output) (?:\[(\d+):0\] )?(\w+);$", top, re.M)
    }
    told = re.findall(r"^\| (\w+) \| (?:in|out) \| ([\d,]+) \|", done.files["datasheet.md"], re.M)
    assert declared == {name: int(bits.replace(",", "")) for name, bits in told}
    assert api.build(CHIP).files["tiny.v"] == text  # from the cache
    assert module_name(CHIP.name) == done.facts["module"]
