"""The study's bound on what formats cost a model in accuracy."""

import csv
from pathlib import Path

import numpy as np
import pytest

from sartor.errors import Infeasible, InputError, Unsupported
from sartor.families.tensor.design import FORMATS
from sartor.formats import harm
from sartor.search.explore import explore
from sartor.search.parts import QualityPart
from sartor.search.problem import problem
from sartor.search.quality import gate
from sartor.search.study import find_study
from sartor.tech.technology import NOMINAL

MODEL = "smollm2-135m-q4_1"
SPACE = {"weights": ["int4-g128", "int8"], "cache": ["int8-g32"]}


def study(kl=None, space=None, compare=None, **quality):
    """The car's, with formats judged by the measurements on SmolLM2."""
    given = find_study("car")
    part = QualityPart(kl=kl, **{"measured_on": MODEL, **quality})
    search = given.search.model_copy(update={
        "points": 60000, "generations": 0, "space": {**given.search.space, **SPACE, **(space or {})}
    })  # fmt: skip
    rivals = given.compare.model_copy(update={"weights": compare or ["bf16", "int8", "int4-g128"]})
    budget = given.budget.model_copy(update={"power": 120.0})
    return given.model_copy(update={"quality": part, "search": search, "compare": rivals, "budget": budget})


def uniform(**found):
    rows = [r for r in harm.measured() if r.model == MODEL and r.smooth is None]
    return next(r.kl for r in rows if all(getattr(r, k) == v for k, v in found.items()))


def test_the_sum_by_hand():
    # Turned weights in INT8 per channel, and the chip's own arithmetic with its own cache, each as measured.
    found = gate(QualityPart(kl=0.1, measured_on=MODEL), MODEL, None, "here")
    weights = uniform(weights="int8", activations="none", kv="none", rotate=True)
    chip = uniform(weights="none", activations="chip", kv="chip")
    row = FORMATS.index("int8"), FORMATS.index("int8-g32")
    assert found.weights[row[0]] == weights and found.cache[row[1]] == chip
    assert found.weights[FORMATS.index("bf16")] == 0
    assert found.bearable(["bf16", "int8", "int4-g128"]) == ["bf16", "int8"]


def test_a_design_costs_its_weights_and_its_cache():
    ready = problem(study(0.1, space={"weights": ["int8"]}))
    designs, _ = ready.space.decode(ready.space.sample(3, np.random.default_rng(1)), NOMINAL)
    whole = uniform(weights="int8", activations="none", kv="none", rotate=True) + uniform(
        weights="none", activations="chip", kv="chip"
    )
    assert np.ravel(ready.gate.kl(designs)) == pytest.approx(whole)
    assert ready.accuracy(designs) == {"kl": pytest.approx(whole), "bound": 0.1, "measured_on": MODEL}


def test_values_are_turned_where_weights_are_real_numbers():
    # The chip's arithmetic as measured without a cache, and the cache with its values turned; 8 bits are as they were.
    part = QualityPart(kl=0.1, measured_on=MODEL, turned_values=True)
    asis = part.model_copy(update={"turned_values": False})
    found, plain = (gate(one, MODEL, None, "here").cache for one in (part, asis))
    arithmetic = uniform(weights="none", activations="chip", kv="none")
    for cache, measured in (("int4-g32", "chip-int4-turned"), ("k8v4-g32", "chip-k8v4-turned")):
        kl = arithmetic + uniform(weights="none", activations="none", kv=measured)
        row = FORMATS.index(cache)
        assert found[row] == pytest.approx(kl) and kl < plain[row]
    eight = FORMATS.index("int8-g32")
    assert found[eight] == plain[eight]
    assert np.isfinite(gate(part, MODEL, "bf16", "here").cache[eight])
    with pytest.raises(InputError, match=r"here: .quality. turned_values: weights that are q4_1 would be rounded once"):
        gate(part, MODEL, "q4_1", "here")


def test_a_cache_is_bounded_by_itself():
    space = {"weights": ["int4-g128", "bcq3-g128"], "cache": ["int8-g32", "int4-g32"]}
    chip, four = (uniform(weights="none", activations="chip", kv=kv) for kv in ("chip", "chip-int4"))
    assert chip < 0.02 < four
    ready = problem(study(space=space, cache_kl=0.02))
    genomes = ready.space.sample(500, np.random.default_rng(1))
    designs, _ = ready.space.decode(genomes, NOMINAL)
    broken = ready.price(genomes, NOMINAL).violations["quality"] > 1
    assert np.array_equal(broken, np.asarray(designs.cache) == FORMATS.index("int4-g32"))
    assert 0 < broken.sum() < len(broken)
    assert ready.accuracy(designs)["bound"] == 0.02 and ready.accuracy(designs)["part"] == "cache"
    # Weights may be what they like, and rivals': nothing is bounded of them.
    assert ready.rival_weights == ["bf16", "int8", "int4-g128"]
    # Beside a bound on all of it the nearer one counts.
    both = gate(QualityPart(kl=10.0, cache_kl=0.02, measured_on=MODEL), MODEL, None, "here")
    assert np.ravel(both.ratio(designs)).max() == pytest.approx(four / 0.02)
    assert np.ravel(both.ratio(designs)).min() == pytest.approx(max(chip / 0.02, both.kl(designs).min() / 10))


def test_a_bound_that_no_cache_keeps_says_so():
    message = r"\[quality\] cache_kl = 0.001: .*cache in int8-g32.*\(try cache_kl = 0.0078\)"
    with pytest.raises(Infeasible, match=message):
        problem(study(cache_kl=0.001))


def test_a_cache_that_nobody_measured_is_refused_where_it_is_bounded():
    with pytest.raises(Unsupported, match="cache in mxfp4: its KL was not measured"):
        problem(study(space={"cache": ["int8-g32", "mxfp4"]}, cache_kl=0.1))


def test_stored_weights_cost_nothing_whatever_they_are_called():
    found = gate(QualityPart(kl=0.1), MODEL, "q4_1", "here")
    assert found.weights[FORMATS.index("q4_1")] == found.weights[FORMATS.index("int4-g32-asym")] == 0


def test_what_costs_more_is_no_design():
    ready = problem(study(0.05))
    genomes = ready.space.sample(500, np.random.default_rng(1))
    designs, _ = ready.space.decode(genomes, NOMINAL)
    broken = ready.price(genomes, NOMINAL).violations["quality"] > 1
    assert np.array_equal(broken, np.asarray(designs.weights) == FORMATS.index("int4-g128"))
    assert 0 < broken.sum() < len(broken)
    assert ready.rival_weights == ["bf16", "int8"]


def test_the_bound_decides_the_format():
    loose, tight = (explore(study(kl)) for kl in (None, 0.05))
    picks = [run.problem.space.describe(run.found.genomes[:, run.pick])["weights"] for run in (loose, tight)]
    assert picks == ["int4-g128", "int8"]
    assert tight.result.usd_per_mtoken[tight.pick] > loose.result.usd_per_mtoken[loose.pick]


def test_a_bound_that_nothing_keeps_names_the_nearest_formats():
    # INT8 by channel 0.0034, the chip's arithmetic and cache 0.0078: 0.0111, before anything is searched.
    words = r"^car: .* kl = 0.001: the nearest is weights in int8, cache in int8-g32, 0.0111 nats \(try kl = 0.012\)"
    with pytest.raises(Infeasible, match=words):
        problem(study(0.001))
    words = r"kl = 0.012: the nearest is weights in int4-g128.*; with all weights in .*int8.* it would be kept"
    with pytest.raises(Infeasible, match=words):
        problem(study(0.012, space={"weights": ["int4-g128"]}))
    assert problem(study(0.0113)).gate.bound == 0.0113


def rows_of(tmp_path, *changes):
    """Rows of a model that the package does not know: those of SmolLM2 under another name."""
    with (Path(__file__).parents[2] / "sartor/data/measured/quality.csv").open(encoding="utf-8") as file:
        given = list(csv.DictReader(file))
    path = tmp_path / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, given[0])
        writer.writeheader()
        writer.writerows({**row, "model": "mine", **dict(changes)} for row in given)
    return str(path)


def test_rows_of_a_users_own(tmp_path):
    own = rows_of(tmp_path, ("kl", "0.01"))
    ready = problem(study(0.1, measured_on="mine", rows=own))
    designs, _ = ready.space.decode(ready.space.sample(3, np.random.default_rng(1)), NOMINAL)
    assert np.ravel(ready.gate.kl(designs)) == pytest.approx(0.02)  # weights, and the chip's arithmetic
    with pytest.raises(InputError, match=r"\[quality\] measured_on: unknown model.*'mine'.*sartor quality --rows FILE"):
        problem(study(0.1, measured_on="mine"))


@pytest.mark.parametrize(
    ("text", "words"),
    [("", r"rows.csv: no column 'model' \(sartor quality --rows writes model,text"),
     ("model,text,tokens,weights,activations,kv,rotate,smooth,bits_per_weight,kl,kl_error,perplexity,"
      "reference_perplexity,top1_agreement\nmine,en,1024,int8,none,none,true,,8,much,0,0,0,0\n",
      r"rows.csv: line 2: could not convert string to float: 'much'"),
     (None, r"rows.csv: No such file.*sartor quality --rows .*rows.csv makes it")],
)  # fmt: skip
def test_rows_that_cannot_be_read(tmp_path, text, words):
    path = tmp_path / "rows.csv"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        problem(study(0.1, rows=str(path)))


@pytest.fixture(scope="module")
def unknown():
    """A format that was never measured with the stream turned."""
    found = gate(QualityPart(kl=1.0, measured_on=MODEL), MODEL, None, "here")
    return next(name for name, kl in zip(FORMATS, found.weights, strict=True) if np.isinf(kl))


def test_formats_that_were_not_measured_are_refused(unknown):
    words = rf"weights in {unknown}: its KL was not measured on {MODEL} \(measured: .*int8"
    with pytest.raises(Unsupported, match=rf"car: \[search.space\]: {words}"):
        problem(study(0.1, space={"weights": ["int8", unknown]}))
    with pytest.raises(Unsupported, match=rf"car: \[compare\]: {words}"):
        problem(study(0.1, compare=["int8", unknown]))


def test_a_model_that_was_not_measured_is_refused():
    with pytest.raises(InputError, match=r"car: \[quality\] measured_on: .*'gpt-5'"):
        problem(study(0.1, measured_on="gpt-5"))
