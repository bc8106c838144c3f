"""What the chip in service costs too much under other traffic, and when a new one pays."""

from dataclasses import replace

import numpy as np
import pytest
from pytest import approx

from sartor.families.tensor.family import Tensor
from sartor.search.explore import explore
from sartor.search.redesign import DAY_S, redesign
from sartor.search.refine import REFINE_TECH
from sartor.search.robust import redeployed
from sartor.search.study import find_study
from sartor.tech.technology import NOMINAL

STUDY = find_study("cloud-llama70b").with_points(20_000)
STUDY = STUDY.model_copy(update={"search": STUDY.search.model_copy(update={"generations": 3, "population": 32})})


@pytest.fixture(scope="module")
def runs():
    return explore(STUDY), explore(STUDY.under("reasoning"))


def test_the_chip_made_for_the_traffic_regrets_nothing(runs):
    chat, _ = runs
    found = redesign(chat, chat, 1e9)
    assert found["regret"] == approx(0, abs=1e-9) and found["saved_usd_per_day"] == approx(0, abs=1e-6)
    assert found["pays_after_days"] is None and not found["pays"]


def test_another_traffic_by_hand(runs):
    chat, reasoning = runs
    ready = reasoning.problem
    tokens = 1e12
    found = redesign(chat, reasoning, tokens)
    kept = redeployed(ready, chat.found.genomes[:, chat.pick])
    load = ready.space.names.index("load")
    kept[load] = min(kept[load], reasoning.found.genomes[load, reasoning.pick])
    old = ready.price(kept[:, None], REFINE_TECH)
    assert bool(np.all(old.feasible)) and found["old_usd"] == approx(float(np.ravel(old.usd_per_mtoken)[0]))
    assert found["regret"] == approx(found["old_usd"] / found["new_usd"] - 1) and found["regret"] > 0
    # What is paid once: the same designs a hundred times the volume cost less by that share of it.
    genome = reasoning.found.genomes[:, [reasoning.pick]]
    more = replace(ready, economy=replace(ready.economy, volume=ready.economy.volume * 100))
    chips = [float(np.ravel(r.price(genome, REFINE_TECH).chip_usd)[0]) for r in (ready, more)]
    assert found["nre_usd"] * 0.99 / ready.economy.volume == approx(chips[0] - chips[1], rel=1e-6)
    assert found["nre_usd"] == approx(
        float(np.ravel(Tensor(ready.space.decode(genome, REFINE_TECH)[0], REFINE_TECH).nre_usd(
            ready.economy.once(NOMINAL)))[0]))  # fmt: skip
    # Ten times the traffic pays ten times as soon.
    assert redesign(chat, reasoning, 10 * tokens)["pays_after_days"] == approx(found["pays_after_days"] / 10)
    assert found["pays"] == (found["pays_after_days"] * DAY_S < found["lifetime_s"])


def test_a_chip_that_cannot_keep_the_limits_must_go(runs):
    chat, _ = runs
    strict = replace(chat, problem=replace(chat.problem, work=replace(
        chat.problem.work, slo=replace(chat.problem.work.slo, ttft_s=1e-6))))  # fmt: skip
    found = redesign(chat, strict, 1e9)
    assert found["old_usd"] is None and found["pays"] and found["saved_usd_per_day"] is None


def test_a_chip_that_is_there_needs_no_margin(runs):
    # Its die is between the limit with the margin of 10 % and the limit.
    chat, _ = runs
    genome = chat.found.genomes[:, chat.pick]
    own = float(np.ravel(chat.problem.price(genome[:, None], REFINE_TECH).violations["die area"])[0]) * 800 * 0.9
    tight = replace(chat.problem, budget=replace(chat.problem.budget, die_mm2=own * 1.02))
    assert redeployed(tight, genome) is None
    found = redesign(chat, replace(chat, problem=tight), 1e9)
    assert found["regret"] == approx(0, abs=1e-9)


def test_the_old_chip_is_no_busier_than_the_new_one(runs):
    # The new one was planned for less, because requests waited: the same chip then costs as much as itself.
    chat, _ = runs
    lower = chat.with_genome(chat.at_lower_loads(chat.pick)[1])
    calm = replace(chat, chosen=lower)
    assert calm.row(lower)["usd_per_mtoken"] > chat.row(chat.pick)["usd_per_mtoken"]
    assert redesign(chat, calm, 1e9)["regret"] == approx(0, abs=1e-9)
