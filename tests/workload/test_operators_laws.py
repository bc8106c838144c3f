"""Laws that hold for every model: symbolic, and over random shapes and steps."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx

from sartor.workload import sizes
from sartor.workload.derive import operators
from sartor.workload.find import find_model, names
from sartor.workload.gemm import Gemm
from sartor.workload.model import (
    Experts,
    FeedForward,
    GroupedAttention,
    LatentAttention,
    Layer,
    LinearAttention,
    Model,
    StateSpace,
)
from sartor.workload.step import Step

B, T, S = sympy.symbols("B T S", positive=True)
unhurried = settings(deadline=None)  # a busy machine is no failure
small = st.integers(1, 9)
flags = st.booleans()


@st.composite
def grouped(draw):
    kv = draw(st.integers(1, 4))
    window = draw(st.none() | st.integers(1, 64))
    return GroupedAttention(kv * draw(small), kv, draw(small), window, *(draw(flags) for _ in range(6)))


mixers = st.one_of(
    st.none(),
    grouped(),
    st.builds(LatentAttention, small, st.none() | small, small, small, small, small),
    st.builds(StateSpace, small, small, small, small, small, flags),
    st.builds(LinearAttention, small, small, small, small, small),
)
feed_forwards = st.builds(FeedForward, small, flags, flags)
experts = st.builds(
    Experts, st.integers(4, 9), st.integers(1, 4), small, flags, flags, flags, st.none() | feed_forwards,
    st.none() | small, flags,
)  # fmt: skip
layers = st.builds(Layer, mixers, st.none() | feed_forwards | experts, small, st.integers(0, 4))
models = st.builds(
    Model, st.just("m"), st.just("f"), small, small, st.lists(layers, min_size=1, max_size=3).map(tuple),
    flags, small, flags, st.integers(0, 9),
)  # fmt: skip
phases = st.sampled_from(["prefill", "decode"])
steps = st.builds(Step, st.integers(1, 8), st.integers(1, 70), st.integers(0, 200))


def test_macs_of_smollm2_as_a_polynomial():
    # A layer: 576 x (960 + 576 + 3072) + 1536 x 576 = 3,538,944, 30 of them; head 576 x 49,152 a sequence;
    # scores and mix 2 x 64 x 9 x 30 = 34,560 for each of T (S + (T + 1) / 2) pairs.
    macs = operators(find_model("smollm2-135m"), "prefill").macs(Step(B, T, S))
    expected = 106_168_320 * B * T + 28_311_552 * B + 34_560 * B * T * (S + (T + 1) / 2)
    assert sympy.expand(macs - expected) == 0


def test_macs_of_a_hybrid_do_not_depend_on_context_but_in_attention():
    ops = operators(find_model("nemotron-h-56b"), "decode")
    slope = sympy.diff(sympy.expand(ops.macs(Step(B, T, S))), S)
    # 10 layers of 64 heads with 128 + 128 a head.
    assert sympy.expand(slope - B * T * 10 * 64 * 256) == 0


def test_macs_of_mla_decode():
    slope = sympy.diff(sympy.expand(operators(find_model("deepseek-v3"), "decode").macs(Step(B, 1, S))), S)
    # 61 layers of 128 heads, each 576 for the score and 512 for the mix.
    assert sympy.expand(slope - B * 61 * 128 * (576 + 512)) == 0


@unhurried
@given(models, phases, steps)
def test_doubling_the_batch_doubles_the_macs(model, phase, step):
    ops = operators(model, phase)
    assert ops.macs(Step(2 * step.batch, step.tokens, step.context)) == approx(2 * ops.macs(step))


@unhurried
@given(models, phases, steps)
def test_arrays_give_what_scalars_give(model, phase, step):
    ops, columns = operators(model, phase), Step(*(np.array([v, v + 1.0]) for v in vars(step).values()))
    for op in ops.all:
        for name in ("macs", "rows", "lane_ops", "matrices", "cache_elements_read", "cache_elements_written"):
            if callable(getattr(op, name, None)):
                many = np.broadcast_to(getattr(op, name)(columns), 2)
                assert many[0] == approx(getattr(op, name)(step))


@unhurried
@given(models, steps)
def test_a_step_in_two_chunks_costs_the_same(model, step):
    # Attention and everything else but the head's vectors is a sum over tokens, whatever the chunks.
    ops = [op for op in operators(model, "decode").all if not getattr(op, "last_token_only", False)]
    first = Step(step.batch, step.tokens, step.context)
    second = Step(step.batch, step.tokens, step.context + step.tokens)
    both = Step(step.batch, 2 * step.tokens, step.context)
    for name in ("macs", "lane_ops", "cache_elements_written"):
        having = [op for op in ops if hasattr(op, name)]
        apart = sum(getattr(op, name)(s) for op in having for s in (first, second))
        assert sum(getattr(op, name)(both) for op in having) == approx(apart)


@unhurried
@given(models)
def test_both_phases_store_the_same_weights(model):
    stored = [sum(g.weight_elements for g in operators(model, p).gemms) for p in ("prefill", "decode")]
    assert stored[0] == stored[1]


@unhurried
@given(models, phases)
def test_merging_keeps_names_apart_and_counts_whole(model, phase):
    ops = operators(model, phase).all
    assert len(set(ops)) == len(ops)
    assert all(getattr(op, "count", 1) >= 1 for op in ops)


@unhurried
@given(models)
def test_active_parameters_are_some_of_all(model):
    assert 0 < sizes.active_parameters(model) <= sizes.parameters(model)


@unhurried
@given(models, st.sampled_from(["int4-g128", "q8_0", "mxfp4"]))
def test_fewer_bits_are_fewer_bytes(model, fmt):
    assert sizes.weight_bytes(model, fmt) < sizes.weight_bytes(model, "fp32")


@unhurried
@given(models, st.integers(0, 300))
def test_windows_never_hold_more_than_all(model, tokens):
    assert sizes.cache_bytes(model, "bf16", tokens) <= tokens * sizes.cache_bytes_per_token(model, "bf16")


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4096))
def test_touched_experts_grow_from_active_to_all(tokens):
    gemm = Gemm("e", 1, 1, 1, "expert", experts=64, active=4)
    touched = gemm.matrices(Step(tokens, 1, 0))
    assert 4 - 1e-9 <= touched <= 64
    assert touched <= gemm.matrices(Step(tokens + 1, 1, 0))


@pytest.mark.parametrize("name", names())
def test_every_bundled_model_has_operators(name):
    model = find_model(name)
    for phase in ("prefill", "decode"):
        ops = operators(model, phase)
        assert ops.macs(Step(1, 1, 16)) >= sizes.active_parameters(model) * 0.55
        assert ops.gemms and ops.vectors and ops.lookups
