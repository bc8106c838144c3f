"""`synth`: components that are the same hardware count as often as they stand there."""

import json
import sys

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from tiny_chip import CHIP

from sartor import api
from sartor.api.alike import merged
from sartor.errors import BrokenFile, InputError

pytest.importorskip("pyosys", reason="needs Yosys: pip install pyosys")

from sartor.flow import gate_count, to_rtlil

MODULE = sys.modules["sartor.api.synth"]


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
