"""Parts of a model with number formats of their own on one chip."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sartor.chip import toml
from sartor.chip.spec import Chip, Memory, Tile
from sartor.errors import InputError, UnknownName, Unsupported
from sartor.families.tensor import multipliers
from sartor.families.tensor.datapath import NAMES, datapath_of
from sartor.families.tensor.design import FORMATS
from sartor.families.tensor.family import Tensor
from sartor.families.tensor.sizing import core_of
from sartor.families.tensor.spec import from_chip, to_chip
from sartor.formats.decode import Element
from sartor.formats.group_scale import Scale
from sartor.formats.hardware import coding_of, decoded
from sartor.formats.parts import GROUPS, PARTS, by_part
from sartor.search.evaluate import weight_bytes
from sartor.workload.find import find_model
from sartor.workload.profiles import demand
from sartor.workload.step import Step
from sartor.workload.traffic import Slo
from sartor.workload.workload import workload
from tests.families.random_designs import random_designs

WORK = workload(find_model("smollm2-135m"), demand("chat", 95), Slo(12, 0.02, 95))
TILE = Tile(8, 32, 1, 32, "int4-g32", kv="int8-g32", mix={"attn_qkv": "int8-g32", "embedding": "int4-g32"})
CHIP = Chip("mixed", "tensor", "N7", 450e6, Memory("lpddr4x", 1, 4e9, 12e9), tile=TILE)
formats = st.sampled_from(["int8-g32", "int4-g32", "int3-g32", "mxfp4", "mxfp6-e2m3"])


def row(name: str) -> int:
    return FORMATS.index(name)


def test_bytes_by_hand() -> None:
    # SmolLM2: 30 layers of 576 x 960 (queries, keys, values), 576 x 576, 2 x 576 x 1536, 1536 x 576; head 49152 x 576.
    bits = 30 * (576 * 960 * 8.5 + (576 * 576 + 3 * 576 * 1536) * 4.5) + 49152 * 576 * 4.5 + 61 * 576 * 16
    assert weight_bytes(Tensor(from_chip(CHIP)), WORK) == pytest.approx(bits / 8)


def test_a_mix_of_one_format_is_that_format() -> None:
    designs = replace(random_designs(64, seed=3), weights=np.full(64, row("int4-g32")))
    same = replace(designs, mix={part: designs.weights for part in PARTS})
    a, b = Tensor(designs), Tensor(same)
    assert weight_bytes(a, WORK) == pytest.approx(weight_bytes(b, WORK))
    assert np.array_equal(a.physical.total_mm2, b.physical.total_mm2)
    phases = [chips.replica(1, {}).phase(WORK.decode, Step(1, 1, 500)) for chips in (a, b)]
    assert phases[0].latency_s == pytest.approx(phases[1].latency_s)
    assert phases[0].dynamic_j == pytest.approx(phases[1].dynamic_j)


@settings(max_examples=25, deadline=None)
@given(base=formats, part=st.sampled_from(list(PARTS)), form=formats)
def test_more_bits_anywhere_are_more_bytes(base: str, part: str, form: str) -> None:
    designs = replace(random_designs(4, seed=7), weights=np.full(4, row(base)))
    mixed = replace(designs, mix={part: np.full(4, row(form))})
    plain, changed = weight_bytes(Tensor(designs), WORK), weight_bytes(Tensor(mixed), WORK)
    wider = bits(form) - bits(base)
    assert np.all(np.sign(changed - plain) == np.sign(wider)) or part == "embedding"
    for chips in (Tensor(designs), Tensor(mixed)):
        phase = chips.replica(1, {}).phase(WORK.decode, Step(1, 1, 500))
        assert np.all(np.isfinite(phase.latency_s)) and np.all(phase.dynamic_j > 0)


def bits(name: str) -> float:
    designs = replace(random_designs(1, seed=1), weights=np.array([row(name)]))
    return float(Tensor(designs).weight_bits(None)[0])


def test_codes_in_two_parts_are_multiplied_twice() -> None:
    # INT8 through multipliers of 4 bits: queries, keys and values of one token count twice.
    plain = replace(CHIP, tile=replace(TILE, mix={}))
    step = Step(1, 1, 0)
    phases = [Tensor(from_chip(chip)).replica(1, {}).phase(WORK.decode, step) for chip in (CHIP, plain)]
    one, macs = [phase.energy_j["compute"] for phase in phases], WORK.decode.macs(step)
    assert one[0] / one[1] == pytest.approx(1 + 30 * 576 * 960 / macs)


@pytest.mark.parametrize(
    ("base", "other", "expected"),
    [("int4-g32", "int8-g32", "int4"), ("int4-g32", "bcq2-g64", "int4"), ("bcq3-g64", "int8-g32", "int4"),
     ("int8-g32", "int4-g32", "int8"), ("int4-g32", "mxfp4", "fp4"),
     ("mxfp4", "int3-g32", "fp4"), ("int8-g32", "int4-g32-zp", "fp4"), ("int4-g64-zp", "mxfp6-e2m3", "fp4"),
     ("int4-g32", "fp8-e4m3", "fp8"), ("fp8-e4m3", "int8-g32", "fp8"), ("bcq2-g64", "mxfp8-e4m3", "fp8"),
     ("mxfp4", "nvfp4", "nvfp4"), ("nvfp4", "int4-g32", "nvfp4"), ("int4-g32", "nvfp4", "nvfp4"),
     ("int8-g32", "nvfp4", "nvfp4"), ("nvfp4", "int8-g32", "nvfp4"), ("ternary", "int4-g32", "int4")],
)  # fmt: skip
def test_multipliers_that_take_both(base: str, other: str, expected: str) -> None:
    designs = replace(random_designs(2, seed=1), weights=np.full(2, row(base)), mix={"attn_o": np.full(2, row(other))})
    assert [NAMES[i] for i in datapath_of(designs)] == [expected] * 2


BITS = {"int4": 4, "fp4": 5, "nvfp4": 5, "int8": 8, "fp8": 9}  # of the multipliers that a datapath of the estimate is


def test_the_estimate_has_the_multipliers_and_steps_that_the_chip_has() -> None:
    # All pairs of formats that have a decoder, the FFN's and that of what attention gives.
    refused = 0
    for base, other in itertools.product(decoded(), repeat=2):
        chip = replace(CHIP, tile=replace(TILE, weights=base, mix={"attn_o": other}))
        try:
            core = core_of(chip)
        except Unsupported as error:
            refused += 1
            assert {9, 5} == {multipliers.alone(coding_of(name)) for name in (base, other)}, error
            continue
        machine = Tensor(from_chip(chip)).machine
        assert BITS[NAMES[machine.datapath]] == core.multiplier_bits, (base, other)
        for name, form in ((base, machine.weights), (other, machine.mix["attn_o"])):
            assert form.steps == core.steps(coding_of(name).element) * coding_of(name).planes, (base, other, name)
    singles = [multipliers.alone(coding) for coding in decoded().values()]
    strict = sum(coding.scale in multipliers.SIGNED_ONLY for coding in decoded().values())
    assert refused == 2 * strict * singles.count(9) > 0


def test_fp8_goes_with_no_zero_points_and_no_nvfp4() -> None:
    tile = replace(TILE, weights="int4-g32", mix={"attn_v": "fp8-e4m3", "attn_o": "int4-g32-zp"})
    with pytest.raises(Unsupported, match=r"mixed: \[tile\].*'fp8-e4m3' beside 'int4-g32-zp': FP8 .* a zero point"):
        core_of(replace(CHIP, tile=tile))
    tile = replace(TILE, weights="mxint8", mix={"attn_v": "fp8-e4m3", "attn_o": "bcq3-g64"})
    mixed = core_of(replace(CHIP, tile=tile))
    assert mixed.multiplier_bits == 9 and mixed.steps(Element.INT8) == 2 and mixed.steps(Element.E4M3) == 1


def test_another_kind_of_codes_is_another_decoder() -> None:
    designs = replace(random_designs(8, seed=2), weights=np.full(8, row("int4-g32")))
    area = {other: Tensor(replace(designs, mix={"attn_o": np.full(8, row(other))})).physical.area_mm2["tile"]
            for other in ("int4-g64", "int8-g32", "int3-g32")}  # fmt: skip
    assert np.array_equal(area["int4-g64"], area["int8-g32"])  # every chip decodes INT8: its cache is stored so
    assert np.all(area["int3-g32"] > area["int8-g32"])


def test_a_chip_and_its_file() -> None:
    assert toml.loads(toml.dumps(CHIP)) == CHIP
    assert "[tile.mix]\nattn_qk = \"int8-g32\"\nattn_v = " in toml.dumps(CHIP)
    assert TILE.formats == {"attn_qk": "int8-g32", "attn_v": "int8-g32", "attn_o": "int4-g32", "ffn_in": "int4-g32",
                            "ffn_down": "int4-g32", "embedding": "int4-g32"}  # fmt: skip
    again = to_chip(from_chip(CHIP), "mixed", device=True)
    assert again.tile is not None
    assert again.tile.mix == {"attn_qk": "int8-g32", "attn_v": "int8-g32"}  # the head's is that of all
    with pytest.raises(UnknownName, match=r"\[tile.mix\].*unknown part of a model 'ffn_dwn'"):
        toml.loads(toml.dumps(CHIP).replace("attn_qk", "ffn_dwn"))
    with pytest.raises(InputError, match=r"mix = 3 must be a table of text"):
        toml.loads(toml.dumps(CHIP).split("\n[tile.mix]")[0].replace("[tile]", "[tile]\nmix = 3"))


def test_the_core_has_all_decoders() -> None:
    core = core_of(replace(CHIP, tile=replace(TILE, mix={"attn_o": "int3-g64", "ffn_down": "mxfp4"})))
    assert set(core.elements) == {Element.INT4, Element.INT8, Element.INT3, Element.E2M1}
    assert core.multiplier_bits == 5 and core.scales == (Scale.POWER,)
    with pytest.raises(InputError, match=r"mix attn_o = 'nf4' has no decoder"):
        core_of(replace(CHIP, tile=replace(TILE, mix={"attn_o": "nf4"})))


def test_names_by_hand() -> None:
    assert by_part({"attention": 1, "attn_o": 2, "embedding": 3}) == {
        "attn_qk": 1, "attn_v": 1, "attn_o": 2, "embedding": 3,
    }  # fmt: skip
    assert set(GROUPS["linear"]) | {"embedding"} == set(PARTS)
    of = {g.name: g.part for whole in WORK.decode.gemms for g in whole.apart()}
    assert of == {"qkv": "attn_qk", "values": "attn_v", "out": "attn_o", "gate_up": "ffn_in", "down": "ffn_down",
                  "head": "embedding"}  # fmt: skip
