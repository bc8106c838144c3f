"""`synth`: components that are the same hardware count as often as they stand there."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from pytest import approx
from tiny_chip import CHIP, TINY
from typer.testing import CliRunner

from sartor import api
from sartor.api import token
from sartor.api.alike import merged
from sartor.cli import app
from sartor.errors import BrokenFile, InputError
from sartor.tables import table

pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")

from sartor.flow import gate_count, to_rtlil

MODULE = sys.modules["sartor.api.synth"]
# Liberty file: how to get it, um2 of a NAND of two inputs, joules of a MAC at least and at most.
LIBRARIES = {
    Path(__file__).parents[2] / ".." / "shared" / "data" / "pdk" / "asap7_rvt_tt.lib.gz":
        ("no liberty files at ../shared/data/pdk", 0.058, 10e-15, 100e-15),
    # 180 nm, 1.8 V: (1.8 / 0.7)^2 of the voltage and 10 to 25 times the capacitance of a gate.
    Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib"): ("apt install qflow-tech-osu018", 24.0, 1e-12, 50e-12),
}  # fmt: skip


class Product(wiring.Component):
    def __init__(self, bits: int) -> None:
        super().__init__({"a": In(bits), "b": In(bits), "out": Out(2 * bits)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.out.eq(self.a * self.b)
        return m


class Pair(wiring.Component):
    """Two products, and a register each."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__({"a": In(bits), "b": In(bits), "out": Out(4 * bits)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.one, m.submodules.two = one, two = Product(self.bits), Product(self.bits)
        m.d.comb += [one.a.eq(self.a), one.b.eq(self.b), two.a.eq(self.a), two.b.eq(self.b)]
        m.d.sync += self.out.eq(one.out | two.out << 2 * self.bits)
        return m


class Top(wiring.Component):
    """Two pairs alike and a third that is not."""

    def __init__(self) -> None:
        super().__init__({"a": In(4), "b": In(4), "out": Out(40)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.first, m.submodules.again, m.submodules.small = parts = Pair(4), Pair(4), Pair(2)
        for part in parts:
            m.d.comb += [part.a.eq(self.a), part.b.eq(self.b)]
        total = 0
        for part in parts:
            total = total ^ part.out
        m.d.comb += self.out.eq(total)
        return m


def test_alike_components_are_merged_and_nothing_else_changes():
    rtlil = to_rtlil(Top(), "top")
    small, saved = merged(rtlil, "top")
    # Of 10 modules: one pair of the two, one product of the first four, one of the last two.
    assert saved == 1 + 3 + 1 and small.count("\nmodule ") + small.startswith("module ") == 10 - saved
    for name in ("first.one", "again.two", "small.one"):
        whole, part = ({c.name: c for c in gate_count(text, "top").components} for text in (rtlil, small))
        assert whole[name].registers == part[name].registers
    # 4 products of 8 registers and 2 of 4; 2 sums of 16 registers and one of 8.
    assert gate_count(small, "top").whole.registers == 4 * 8 + 2 * 4 + 2 * 16 + 8
    assert gate_count(small, "top").whole == gate_count(rtlil, "top").whole


def test_no_copy_is_merged_with_another_kind():
    """The same module twice, but with other wires inside: it stays."""
    rtlil = to_rtlil(Top(), "top")
    changed = rtlil.replace("$mul", "$add", 1)
    assert merged(changed, "top")[1] < merged(rtlil, "top")[1]


def test_readable_names():
    assert MODULE.readable("matrix.decoder.codes$59") == "matrix.decoder.codes"


def test_bad_liberty(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.lib: there is no such liberty file"):
        api.synth(CHIP, "nowhere.lib")
    (tmp_path / "broken.lib").write_text("library (x) {")
    with pytest.raises(BrokenFile):
        api.synth(CHIP, tmp_path / "broken.lib")
    with pytest.raises(InputError, match="only chips of family tensor"):
        api.synth("h100-sxm")


def test_an_area_by_density():
    # 1,000 gates at N7 are what our cells on ASAP7 take; 22FDX has 18.5 of the 91.2 million transistors a mm2.
    each, density = table("silicon").fact("gate", "area"), table("nodes")
    found, there = MODULE.by_density(1000, "N7"), MODULE.by_density(1000, "22FDX")
    assert found["um2"] == approx(1000 * each.value * 1e6)
    assert found["low_um2"] < found["um2"] < found["high_um2"]
    ratio = density.fact("N7", "logic_density").value / density.fact("22FDX", "logic_density").value
    assert there["um2"] == approx(ratio * found["um2"])


def test_the_energy_of_a_token_by_hand():
    chip = replace(CHIP, memory=replace(CHIP.memory, capacity_bytes=1e9))
    found = token.energy(chip, mac_j=1e-12, lane_j=0.0, byte_j=0.0, leakage_w=0.0)
    # SmolLM2-135M: 134.5 million weights in its matrices, each for one token; attention comes on top.
    assert found["context"] == 1024 and 1.34e-4 < found["j"] < 2.2e-4
    assert found["j"] == approx(found["macs"] * 1e-12) and found["high_j"] > 2 * found["j"]
    more = token.energy(chip, mac_j=1e-12, lane_j=1e-12, byte_j=2e-12, leakage_w=1e-3)
    want = found["j"] + 1e-12 * found["lane_ops"] + 2e-12 * found["bytes"] + 1e-3 * found["latency_s"]
    assert more["j"] == approx(want) and sum(more["parts_j"].values()) == approx(more["j"])


@pytest.mark.slow
@pytest.mark.parametrize("liberty", LIBRARIES, ids=["asap7", "osu018"])
def test_the_tiny_core_on_cells(liberty):
    absent, nand_um2, least_j, most_j = LIBRARIES[liberty]
    if not liberty.is_file():
        pytest.skip(absent)
    found = api.synth(CHIP, liberty)
    cells = found["liberty"]
    assert cells["slack_s"] >= 0 and cells["tile_um2"] == approx(4 * cells["unit_um2"])
    assert cells["core_um2"] == approx(cells["tile_um2"] + cells["lanes_um2"] + cells["rest_um2"])
    assert cells["rest_um2"] > 0 and cells["low_core_um2"] < cells["core_um2"] < cells["high_core_um2"]
    # A gate equivalent takes no more than a NAND: gates of several inputs and full adders are cells of their own.
    assert nand_um2 / 3 < cells["gate_um2"] < nand_um2
    assert least_j < cells["j_per_mac"] < most_j and cells["j_per_mac"] < cells["j_per_lane_op"]
    assert cells["token"]["parts_j"]["tile"] == approx(cells["token"]["macs"] * cells["j_per_mac"])


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("liberty", LIBRARIES, ids=["asap7", "osu018"])
def test_the_verb_on_cells(liberty, tmp_path):
    """What a user reads, and the same as one object."""
    if not liberty.is_file():
        pytest.skip(LIBRARIES[liberty][0])
    (tmp_path / "tiny.toml").write_text(TINY)
    command = ["synth", str(tmp_path / "tiny.toml"), "--liberty", str(liberty)]
    read = " ".join(CliRunner().invoke(app, command, catch_exceptions=False).stdout.split())
    facts = json.loads(CliRunner().invoke(app, [*command, "--json"], catch_exceptions=False).stdout)
    cells, found = facts["liberty"], facts["liberty"]["token"]
    assert f"of logic on {cells['library']}, {cells['um2_per_mac']:.3g} um2 a MAC" in read
    assert f"{1e15 * cells['j_per_mac']:.3g} fJ a MAC" in read and "keeps 100 MHz" in read
    assert f"J a token of {found['model']} with 1,024 in the cache (tile " in read and found["note"] in read


@pytest.mark.slow
def test_the_tiny_core():
    found = api.synth(CHIP)
    parts = {c["name"]: c["gate_equivalents"] for c in found["components"]}
    assert found["dot_units"] == 2 * 2 and found["macs"] == 128 and found["liberty"] is None
    assert 100_000 < found["gate_equivalents"] < 300_000
    top = sum(v for name, v in parts.items() if "." not in name)
    assert 0.95 * found["gate_equivalents"] < top <= found["gate_equivalents"]
    assert parts["matrix.tile"] > parts["vector.lanes"] and found["modules_shared"] >= 10
    # 512 x 128 bits of program, and the FIFOs of 128 words of 16 bytes.
    assert found["memory_bits"] > 512 * 128 + 128 * 128
    json.dumps(found)
