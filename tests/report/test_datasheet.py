"""The data sheet: every port, register, field and counter; bits as the encoder has them; golden text."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from test_html import NASTY, Outline

from sartor.chip import toml
from sartor.families.tensor.isa import COUNTERS, FIELDS, Op, encode, make
from sartor.families.tensor.memory_map import memory_map
from sartor.families.tensor.rtl import top_ports
from sartor.families.tensor.sizing import core_of
from sartor.report.datasheet import Model, markdown, page, sheet
from sartor.report.datasheet.instructions import instructions, pieces
from sartor.report.datasheet.words import words

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
from tiny_chip import CHIP as TINY
from tiny_network import tiny

GOLDEN = Path(__file__).parent / "datasheet.md"
EDGE = toml.loads("""
name = "edge"
family = "tensor"
node = "22FDX"
clock = "450 MHz"
package = "fccsp"

[tile]
rows = 8
lanes = 32
columns = 4
vector_lanes = 16
weights = "q4_1"
kv = "int8-g32"
scratchpad = "192 KiB"
fifo = "64 KiB"

[memory]
kind = "lpddr4x"
units = 4
capacity = "2 GB"
bandwidth = "34 GB/s"
""")


@pytest.fixture(scope="module")
def told():
    core = core_of(EDGE)
    model = Model("tiny", memory_map(core, tiny(), 128, 500, 600), 220, 0, 73, 140, 0.004)
    return sheet(EDGE, core, "edge", model)


def test_golden(told):
    assert markdown(told) == GOLDEN.read_text(encoding="utf-8"), f"if meant, write it to {GOLDEN.name}"


def test_rates_by_hand(told):
    r = told["rates"]
    # 8 x 32 x 4 at 450 MHz; 8 blocks of 32 x 5 bits; 34 GB/s over 450 MHz.
    assert r["macs_per_s"] == 460.8e9 and r["tile_bytes_per_cycle"] == 160
    assert r["memory_bytes_per_cycle"] == pytest.approx(75.56, abs=0.01) and r["port_bytes_per_cycle"] == 128
    assert "waits for the memory: 75.6 bytes a cycle" in page(told)


def test_two_cycles_for_an_8_bit_code_on_4_bit_multipliers():
    chip = toml.loads(toml.dumps(TINY).replace('"q4_0"', '"q8_0"'))
    assert core_of(chip).multiplier_bits == 8  # a q8_0 chip has wide multipliers: one cycle
    assert sheet(chip, core_of(chip), "t")["rates"]["macs_per_cycle"] == 2 * 32 * 2


@pytest.mark.parametrize("operation", instructions(), ids=lambda o: o["name"])
def test_bits_are_those_of_the_encoder(operation):
    op = Op[operation["name"]]
    assert [f["name"] for f in operation["fields"]] == ["opcode", *(n for n, _ in FIELDS[op])]
    for field in operation["fields"][1:]:
        for bit in range(field["low"], field["high"] + 1):
            assert encode(make(op, **{field["name"]: 1 << bit - field["low"]})) == op | 1 << bit
    drawn = sum(high - low + 1 for word in pieces(operation["fields"]) for _, low, high in word)
    assert drawn == 4 + sum(width for _, width in FIELDS[op])


def test_every_port_register_counter_and_field_is_said_in_both(told):
    ports = {*top_ports.host(), *top_ports.memory(core_of(EDGE)), "clk", "rst"}
    assert {p["name"] for p in told["ports"]} == ports
    html = " ".join(Outline(page(told)).text)
    for text in (markdown(told), html):
        for name in (*ports, *COUNTERS, *(n for fields in FIELDS.values() for n, _ in fields), "ARGMAX_INDEX"):
            assert re.search(rf"\b{name}\b", text), name


def test_no_sentence_stands_there_for_nothing(told):
    used = {f["name"] for o in told["instructions"] for f in o["fields"]} - {"opcode"}
    assert set(words()["fields"]) == used
    assert set(words()["operations"]) == {op.name for op in Op}
    assert set(words()["counters"]) == set(COUNTERS)


def test_the_page_closes_fetches_nothing_and_repeats_no_id(told):
    outline = Outline(page(told))
    assert outline.open == [] and outline.fetched == [] and outline.scripts == 0
    assert len(outline.ids) == len(set(outline.ids))


def test_names_are_text():
    core = core_of(TINY)
    text = page({**sheet(TINY, core, "t"), "chip": NASTY})
    assert "<script>alert" not in text and Outline(text).scripts == 0
    assert "Memory map" not in text  # there is no model


def test_the_tile_is_drawn_to_its_shape(told):
    assert page(told).count('class="cell"') == 8 * 4
    assert page(sheet(TINY, core_of(TINY), "t")).count('class="cell"') == 2 * 2


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_in_a_real_browser(told, tmp_path, width):
    import shutil

    sync = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("apt-get install chromium")
    path = tmp_path / "datasheet.html"
    path.write_text(page(told), encoding="utf-8")
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": width, "height": 900})
        complaints = []
        tab.on("console", lambda m: complaints.append(m.text))
        tab.goto(path.as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert complaints == []
        browser.close()


def test_a_chip_for_a_mix_says_so(told):
    assert "format of their own" not in markdown(told)
    assert "Parts of the model with a format of their own: attn_qkv int8-g32" in markdown(
        {**told, "mix": {"attn_qkv": "int8-g32"}}
    )
