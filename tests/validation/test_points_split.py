"""Serving points: what splits leave out, and their errors on record."""

import functools

import numpy as np
import pytest
from serving_points import FILE, INPUTS, needs_file

from sartor.tables import table
from sartor.validation import validation
from sartor.validation.kind import Row
from sartor.validation.points_alike import architecture_of, chip_of, shape_of
from sartor.validation.points_fit import FITTED_CHIPS, fit, pairs, points_on
from sartor.validation.points_split import BY_MODEL, SPLITS, Split, folds, left_out, splits
from sartor.validation.record import band, by_quantity, grown


def row_of(model, stack="vllm", chip="h100_sxm", where=""):
    asked = {**INPUTS, "form": "point", "model": model, "stack": stack, "chip": chip}
    return Row(where, asked, {"tpot": 0.01, "ttft": 1.0}, {})


def test_models_of_one_shape_are_left_out_together():
    # Three names of two shapes: nothing that tells a model's time may be fitted to it under another name.
    names = ("deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-V3", "moonshotai/Kimi-K2.5")
    rows = [row_of(name, where=str(i)) for i, name in enumerate(names)]
    found = {tuple(r.where for r in mine): [r.where for r in others] for mine, others, _ in folds(rows, rows, BY_MODEL)}
    assert found == {("0", "1"): ["2"], ("2",): ["0", "1"]}
    assert shape_of(row_of("meta-llama/Llama-3.3-70B-Instruct")) == shape_of(row_of("meta-llama/Llama-3.1-70B"))


def test_architectures_are_what_layers_are_made_of():
    same = [("llama-3.1-8b", "llama-3.1-70b"), ("deepseek-r1", "kimi-k2"), ("deepseek-r1", "glm-5"),
            ("minimax-m2.5", "qwen3-235b-a22b")]  # fmt: skip
    assert all(architecture_of(row_of(a)) == architecture_of(row_of(b)) for a, b in same)
    apart = ("llama-3.1-8b", "deepseek-r1", "minimax-m2.5", "gpt-oss-120b", "qwen3.5-397b-a17b")
    assert len({architecture_of(row_of(name)) for name in apart}) == len(apart)


def test_a_stack_that_is_left_out_has_the_others_figures():
    rows = [row_of("llama-3.1-8b", stack, chip) for stack in ("vllm", "trtllm") for chip in ("h100_sxm", "b200_sxm")]
    by_stack, by_chip = ([(s, {(r.inputs["stack"], r.inputs["chip"]) for r in others}) for _, others, s in
                          folds(rows, rows, split)] for split in SPLITS[2:])  # fmt: skip
    assert by_stack == [("trtllm", {("vllm", "h100_sxm"), ("vllm", "b200_sxm")}),
                        ("vllm", {("trtllm", "h100_sxm"), ("trtllm", "b200_sxm")})]  # fmt: skip
    assert ("vllm", {("vllm", "h100_sxm")}) in by_chip and all(len(told) == 1 for _, told in by_chip)
    # Of whom nobody else is there, nothing can be said.
    assert list(folds(rows[:1], rows[:1], Split("", shape_of))) == []


@functools.cache
def points():
    return points_on(FILE, ())


@functools.cache
def known():
    return [row for row in points() if chip_of(row) in FITTED_CHIPS]


@functools.cache
def unseen():
    return [row for row in points() if chip_of(row) not in FITTED_CHIPS]


@functools.cache
def held():
    return left_out(known())


@functools.cache
def never_fitted():
    return pairs(unseen())


@needs_file
@pytest.mark.slow
def test_no_error_of_points_has_grown():
    assert grown(by_quantity("serving", "fitted", pairs(known()))) == []
    assert grown(by_quantity("serving", "unseen", never_fitted())) == []
    assert grown(by_quantity("serving", "held_out", held())) == []


@needs_file
@pytest.mark.long
def test_no_error_of_any_split_has_grown():
    assert grown(splits(known(), unseen())) == []


@needs_file
@pytest.mark.slow
def test_the_figures_are_what_the_fit_gives():
    found = fit([row for row in known() if row.inputs["stack"] == "vllm"], "vllm")
    assert {name: table("serving_stacks").fact("vllm", name).value for name in found} == pytest.approx(found, rel=0.01)


@needs_file
@pytest.mark.slow
def test_points_of_models_left_out_and_of_gpus_never_fitted_are_as_near_as_they_have_to_be():
    for found in (held(), never_fitted()):
        apes = {q: np.median([p.ape for p in found if p.quantity == q]) for q in ("tpot", "ttft")}
        assert apes["tpot"] <= 0.12 and apes["ttft"] <= 0.30


@needs_file
@pytest.mark.long
def test_all_points_together():
    found = validation("serving", [FILE])
    apes = {q: [p.ape for p in found.pairs if p.quantity == q] for q in ("tpot", "ttft")}
    assert np.median(apes["tpot"]) <= 0.12 and np.median(apes["ttft"]) <= 0.30
    coverage = found.facts()["coverage"]
    assert sum(row["n"] for row in coverage["refused"]) == 591 and coverage["excluded_n"] == 1


def inside(pairs):
    """The share of `pairs` that lie within the band of the other models' errors."""
    found = []
    for model in {p.labels["model"] for p in pairs}:
        wide = band([p for p in pairs if p.labels["model"] != model])
        found += [abs(np.log(p.measured / p.predicted)) <= wide for p in pairs if p.labels["model"] == model]
    return np.mean(found)


@needs_file
@pytest.mark.slow
@pytest.mark.parametrize("quantity", ["tpot", "ttft"])
def test_a_stated_band_holds_four_in_five_of_models_it_was_not_made_from(quantity):
    assert 0.75 <= inside([p for p in held() if p.quantity == quantity]) <= 0.85


@needs_file
@pytest.mark.slow
@pytest.mark.parametrize("quantity", ["tpot", "ttft"])
def test_a_stated_band_holds_four_in_five_on_gpus_that_were_never_fitted(quantity):
    found = [p for p in never_fitted() if p.quantity == quantity]
    assert len(found) > 500 and 0.75 <= inside(found) <= 0.85
