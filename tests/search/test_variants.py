"""One format and one kind of memory at a time, and claims held against the chips found."""

import numpy as np
import pytest

from sartor.chip import presets
from sartor.errors import InputError, UnknownName
from sartor.families import priced
from sartor.search.evaluate import cache_token_bytes, weight_bytes
from sartor.search.parts import ClaimPart, VariantsPart
from sartor.search.problem import problem
from sartor.search.variants import Variant, decoded, held, variants

CLAIM = ClaimPart(text="half the bytes", quantity="bytes", factor=2, chip="h100-sxm", source="nobody")


@pytest.fixture
def varied(small):
    part = VariantsPart(weights=["q4_1", "int2-g32"], memory={"LPDDR": ["lpddr5"], "none": ["hbm3"]}, points=20_000,
                        batches=[1], contexts=[64, 2048])  # fmt: skip
    model = small.model.model_copy(update={"real_weights": False})
    search = small.search.model_copy(update={"generations": 2})
    return small.model_copy(update={"variants": part, "claims": [CLAIM], "model": model, "search": search})


def test_the_bytes_of_a_token_by_hand():
    from sartor.workload.find import find_model
    from sartor.workload.profiles import demand
    from sartor.workload.traffic import Slo
    from sartor.workload.workload import workload

    work = workload(find_model("llama-3.1-8b"), demand("chat", 95), Slo(1, 0.1, 95))
    chips = priced(presets.find("h100-sxm"), "bf16", "bf16")
    one, many = decoded(chips, work, 1, 1000), decoded(chips, work, 16, 1000)
    # 16.06 GB of weights less the embedding table's 1.05 GB, and 1000 tokens of 131 kB; 16 share the weights.
    assert one.chips == 1 and one.n_bytes == pytest.approx(16.06e9 - 1.05e9 + 131072e3, rel=0.02)
    assert many.n_bytes == pytest.approx((16.06e9 - 1.05e9) / 16 + 131072e3, rel=0.05)
    assert one.joules > 4 * many.joules
    large = workload(find_model("llama-3.1-70b"), demand("chat", 95), Slo(1, 0.1, 95))
    assert decoded(chips, large, 1, 1000, most=8).chips == 2
    assert decoded(chips, large, 1, 1000) is None  # on one


def test_each_has_a_search_and_what_nothing_keeps_has_no_chip(varied):
    made = variants(varied)
    assert [(v.memory, v.weights) for v in made] == [
        ("LPDDR", "q4_1"), ("LPDDR", "int2-g32"), ("none", "q4_1"), ("none", "int2-g32")]  # fmt: skip
    assert all(v.chip() is None for v in made[2:])  # no stack within 2 W
    chips = [v.chip() for v in made[:2]]
    assert [c.tile.weights for c in chips] == ["q4_1", "int2-g32"] and {c.memory.kind for c in chips} == {"lpddr5"}
    work = problem(varied).work
    rows = held(CLAIM, varied, made, work)
    assert len(rows) == 4 * 1 * 2 and all(r["factor"] is None for r in rows[4:])
    by_hand = [weight_bytes(priced(c), work) + 64 * cache_token_bytes(priced(c), work, 64, 1) for c in chips]
    assert rows[2]["factor"] / rows[0]["factor"] == pytest.approx(by_hand[0] / by_hand[1], rel=0.1)
    assert rows[0]["factor"] > rows[1]["factor"]  # a longer cache is not compressed as much
    assert np.isfinite([r["factor"] for r in rows[:4]]).all()
    joules = held(CLAIM.model_copy(update={"quantity": "joules"}), varied, made, work)
    theirs = decoded(priced(presets.find("h100-sxm"), "bf16", "bf16"), work, 1, 64)
    assert joules[0]["factor"] == pytest.approx(theirs.joules / decoded(priced(chips[0]), work, 1, 64).joules)


def test_bad_claims_are_refused(varied):
    with pytest.raises(UnknownName, match=r"\[\[claims\]\] chip.*'h100-smx'"):
        problem(varied.model_copy(update={"claims": [CLAIM.model_copy(update={"chip": "h100-smx"})]}))
    with pytest.raises(InputError, match=r"\[\[claims\]\] are checked on \[variants\]"):
        problem(varied.model_copy(update={"variants": VariantsPart()}))
    assert Variant("m", "w", None).chip() is None
