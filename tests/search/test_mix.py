"""Formats by part of the model, searched with the chip, under a bound on KL or with KL as an axis."""

import numpy as np
import pytest

from sartor.errors import InputError, UnknownName, Unsupported
from sartor.families.tensor.design import FORMATS
from sartor.formats import harm
from sartor.formats.parts import LINEAR
from sartor.search.explore import explore
from sartor.search.parts import QualityPart
from sartor.search.problem import problem
from sartor.search.quality import gate
from sartor.search.space import space
from sartor.search.store import from_table, to_table
from sartor.search.study import find_study
from sartor.tech.technology import NOMINAL

MODEL = "smollm2-135m-q4_1"
NAMES = ["int3-g32", "int4-g32", "mxint8"]


def study(weights, points=40_000, **quality):
    given = find_study("edge-smollm2")
    model = given.model.model_copy(update={"real_weights": False})
    search = given.search.model_copy(update={
        "points": points, "generations": 6, "population": 64, "space": {**given.search.space, "weights": weights}
    })  # fmt: skip
    slo = given.slo.model_copy(update={"ttft": 60.0, "tpot": 0.06})
    budget = given.budget.model_copy(update={"unit_cost": 60.0})
    compare = given.compare.model_copy(update={"chips": [], "weights": ["bf16"]})
    return given.model_copy(update={"model": model, "quality": QualityPart(**quality), "search": search, "others": [],
                                    "slo": slo, "budget": budget, "compare": compare})  # fmt: skip


def test_parts_cost_together_what_they_cost_together():
    parts, whole, together = harm.parts(MODEL), harm.uniform(MODEL).weights, harm.together(MODEL)
    for name in NAMES:
        total = sum(kl[name] for part, kl in parts.items() if part != "embedding")
        assert together.kl(total) == pytest.approx(whole[name])
        assert total == pytest.approx(harm.harm(MODEL).total(dict.fromkeys(LINEAR, name)))
    grid = np.geomspace(1e-4, 20, 200)
    assert np.all(np.diff(together.kl(grid)) >= 0) and together.kl(0.0) == 0


def test_the_kl_of_a_mix_by_hand():
    mixed = {"ffn_in": ["int4-g32"], "ffn_down": ["mxint8"], "attention": ["mxint8", "int3-g32"]}
    ready = problem(study(mixed, axis=True))
    genome = ready.space.sample(1, np.random.default_rng(1))
    genome[ready.space.names.index("attention")] = 1
    parts, chip = harm.parts(MODEL), harm.uniform(MODEL).chip_kl("int8-g32")
    by_hand = parts["ffn_in"]["int4-g32"] + parts["ffn_down"]["mxint8"] + parts["attn_qk"]["int3-g32"]
    by_hand += parts["attn_v"]["int3-g32"] + parts["attn_o"]["int3-g32"]  # the head is the checkpoint's
    assert ready.price(genome, NOMINAL).kl[0] == pytest.approx(harm.together(MODEL).kl(by_hand) + chip)
    words = ready.space.describe(genome[:, 0])
    assert (words["weights"], words["ffn_down"], words["attention"]) == ("int4-g32", "mxint8", "int3-g32")


def test_the_head_costs_where_it_is_no_checkpoints():
    free = gate(QualityPart(axis=True, measured_on=MODEL), MODEL, None, "here")
    fixed = gate(QualityPart(axis=True, measured_on=MODEL), MODEL, None, "here", ["head"])
    row = FORMATS.index("int4-g32")
    assert free.parts["embedding"][row] == harm.harm(MODEL).of("embedding", "int4-g32") > 0
    assert "embedding" not in fixed.parts


def front(weights, **quality):
    run = explore(study(weights, **quality))
    return run, run.found.points[:, [0, 3]]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["int4-g32", "int4-g32-asym"])
def test_a_mix_beats_every_format_between_the_ends(name):
    """Of a list whose ends can only be met: a mix that costs the model less and the chip less (docs/codesign.md)."""
    names = ["int4-g64", "int4-g32", "int4-g32-asym", "mxfp6-e2m3"]
    _, points = front({"ffn": [name], "attention": [name]}, points=100_000, axis=True)
    usd, kl = points[np.argmin(points[:, 0])]
    parts = ("attn_qkv", "attn_o", "ffn_in", "ffn_down")
    run = explore(study({part: names for part in parts}, points=300_000, kl=float(kl)))
    assert accuracy(run) < kl and run.result.usd_per_mtoken[run.pick] < usd
    words = run.problem.space.describe(run.found.genomes[:, run.pick])
    assert len({words[n] for n in ("weights", "attn_qkv", "attn_o", "ffn_down")}) > 1


def test_kl_as_an_axis_and_on_disk():
    run, points = front({"ffn": NAMES, "attention": NAMES}, axis=True)
    order = np.argsort(points[:, 0])
    assert points[order[0], 1] > points[order[-1], 1]  # what is dearer is truer
    assert run.row(0)["kl"] == pytest.approx(run.found.points[0, 3])
    again = from_table(to_table(run.found, run.problem))
    assert np.array_equal(again.points, run.found.points) and np.array_equal(again.genomes, run.found.genomes)
    chip = run.chip(int(order[-1]), "best")
    assert {chip.tile.weights, *chip.tile.mix.values()} == {"mxint8"}


def test_one_format_for_all_is_a_search_too():
    _, points = front({"ffn": ["int4-g32"], "attention": ["int4-g32"]}, points=20_000, axis=True)
    parts, chip = harm.parts(MODEL), harm.uniform(MODEL).chip_kl("int8-g32")
    total = sum(kl["int4-g32"] for part, kl in parts.items() if part != "embedding")
    assert points[:, 1] == pytest.approx(np.full(len(points), harm.together(MODEL).kl(total) + chip), rel=1e-5)


def test_a_bound_gives_the_cheapest_mix_within_it():
    weights = {"ffn": NAMES, "attention": NAMES}
    loose, tight = (explore(study(weights, kl=kl)) for kl in (5.0, 0.4))
    assert accuracy(tight) <= 0.4 < accuracy(loose)
    assert tight.result.usd_per_mtoken[tight.pick] > loose.result.usd_per_mtoken[loose.pick]
    words = tight.problem.space.describe(tight.found.genomes[:, tight.pick])
    # Neither INT4 (0.58) nor INT3 is within 0.4, and INT8 is dearer than a mix.
    assert words["weights"] != words["attention"]


def accuracy(run):
    designs, _ = run.problem.space.decode(run.found.genomes[:, [run.pick]], NOMINAL)
    return run.problem.accuracy(designs)["kl"]


@pytest.mark.parametrize(
    ("weights", "error", "words"),
    [({"attention": ["int8-g32"]}, InputError, r"weights: formats of the FFN once \(try ffn"),
     ({"ffn": ["int4-g32"], "ffn_in": ["int4-g32"]}, InputError, "formats of the FFN once"),
     ({"ffn_in": ["int4-g32"]}, InputError, r"ffn_in without ffn_down \(try ffn"),
     ({"ffn": ["int4-g32"], "atention": ["int8-g32"]}, UnknownName, "'atention'.*attention"),
     ({"ffn": ["int4-g32"], "attention": ["nf4"]}, InputError, r"attention: 'nf4' has no decoder in hardware"),
     ({"ffn": ["nvfp4"], "attention": ["mxint8", "fp8-e4m3"]}, Unsupported,
      r"weights: 'fp8-e4m3' beside 'nvfp4': FP8 takes multipliers that shift.*try mxint8 in place of the one")],
)  # fmt: skip
def test_what_is_no_mix(weights, error, words):
    with pytest.raises(error, match=words):
        space({"weights": weights})
