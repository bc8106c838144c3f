"""What a design is priced at does not depend on the designs that are priced with it."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sartor.search.problem import problem
from sartor.search.result import Deployment, Result
from sartor.search.study import find_study, names
from sartor.tech.technology import NOMINAL

TOGETHER, ALONE = 12, 4
BESIDE = "violations", "phases"


def figures(result: Result) -> dict[str, np.ndarray]:
    """All that pricing gives, the limits' too, and time, bytes and joules of each phase."""
    named = {f.name: getattr(result, f.name) for f in fields(Result) if f.name not in BESIDE}
    phases = {f"{name}: {f}": getattr(phase, f) for name, phase in result.phases.items()
              for f in ("latency_s", "dram_bytes", "dynamic_j")}  # fmt: skip
    found = {**named, **result.violations, **phases}
    return {name: np.asarray(values) for name, values in found.items() if values is not None}


def at(how: Deployment, row: int) -> Deployment:
    return Deployment(*(np.broadcast_to(getattr(how, f.name), TOGETHER)[row].item() for f in fields(Deployment)))


@settings(max_examples=25, deadline=None)
@given(name=st.sampled_from(names()), seed=st.integers(0, 2**32 - 1), joined=st.sampled_from(["attn_qk", "weights"]))
@example("edge-smollm2-mixed", 1, "attn_qk")
@example("cloud-llama70b", 2, "weights")
def test_a_design_costs_alone_what_it_costs_among_others(name: str, seed: int, joined: str) -> None:
    study = problem(find_study(name))
    designs, how = study.space.decode(study.space.sample(TOGETHER, np.random.default_rng(seed)), NOMINAL)
    if "attn_v" in designs.mix:  # values of half the designs are in the format of their neighbors
        other = designs.weights if joined == "weights" else designs.mix[joined]
        values = np.where(np.arange(TOGETHER) % 2, other, designs.mix["attn_v"])
        designs = replace(designs, mix={**designs.mix, "attn_v": values})
    together = figures(study.price_designs(designs, how, NOMINAL, keep=True))
    assert {"tpot_s", "power_w", "usd_per_mtoken", "decode: dynamic_j"} < together.keys()
    for row in range(ALONE):
        alone = figures(study.price_designs(designs.one(row), at(how, row), NOMINAL, keep=True))
        among = {figure: np.broadcast_to(values, TOGETHER)[row] for figure, values in together.items()}
        assert among == pytest.approx({figure: values.item() for figure, values in alone.items()}, rel=1e-9)
