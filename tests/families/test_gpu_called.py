"""Family `gpu`: attention as serving stacks call it, by hand."""

import numpy as np
from gpu_runs import hopper
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from sartor.chip.presets import preset
from sartor.families.gpu import called
from sartor.families.gpu.machine import STACK, Machine
from sartor.tech.technology import Technology
from sartor.workload.operators import Attention
from sartor.workload.step import Step

H100, H200 = (Machine(preset(name), Technology(), STACK) for name in ("h100-sxm", "h200-sxm"))
OP = Attention("attention", heads=32, kv_heads=8, key_dim=128, value_dim=128, count=1, cached=2048)
NEAR = 132 * 1.83e9  # cores and clock


def stack(quantity: str) -> float:
    return hopper(f"stack_{quantity}")


def decode(batch: float, context: float, m: Machine = H100, op: Attention = OP) -> tuple[float, float]:
    moved = (batch * context + 2 * batch) * op.cached * 2.0 * op.count
    busy, call = called.decode_s(m, op, Step(batch, 1, context), moved, op.heads / op.kv_heads, op.kv_heads)
    return float(busy), float(call)


def test_a_short_context_is_a_call_and_little_else() -> None:
    # 8 programs on 132 cores, 98 kB out of the on-die memory.
    busy, call = decode(1, 22)
    assert call == approx(stack("attention_overhead") + 128 * stack("attention_overhead_element"))
    assert busy == approx(24 * 4096 / (stack("attention_near") * NEAR)) and busy < 0.01 * call


def test_many_short_sequences_are_programs_one_by_one() -> None:
    # 2048 x 8 programs on 132 cores: 123.1 after the first; 64 queries a KV head are four operands of 16.
    program_s = stack("attention_program") + 128 * stack("attention_program_element")
    assert decode(2048, 1)[0] == approx((2048 * 8 / 132 - 1) * program_s, rel=0.02)
    wide = Attention("attention", heads=512, kv_heads=8, key_dim=128, value_dim=128, count=1, cached=2048)
    more_s = 3 * 128 * stack("attention_program_element")
    grown = decode(2048, 1, op=wide)[0] - decode(2048, 1)[0]
    assert grown == approx((2048 * 8 / 132 - 1) * more_s, rel=0.02)


def test_a_large_cache_is_the_memory_s_time() -> None:
    # 2.1 GB; the H200's memory is 4.8 / 3.35 times as fast, and its calls are as long.
    (busy, call), (sheet, same) = decode(1, 2**19), decode(1, 2**19, H200)
    assert busy == approx((2**19 + 2) * 4096 / (stack("attention_efficiency") * 3.35e12))
    assert sheet == approx(busy * 3.35 / 4.8) and call == same
    parts = ("attention_overhead", "attention_merge", "attention_beyond")
    assert call == approx(sum(map(stack, parts)) + 128 * stack("attention_overhead_element"))


def test_caches_stay_on_the_die_up_to_its_size() -> None:
    # 50 MB of on-die memory: 30 MB stay whole, and of 60 nothing does.
    for n_bytes, rate in ((30e6, stack("attention_near") * NEAR), (60e6, stack("attention_efficiency") * 3.35e12)):
        assert decode(1, n_bytes / 4096 - 2)[0] == approx(n_bytes / rate)
    half = decode(1, 0.85 * 50e6 / 4096 - 2)[0]
    rates = stack("attention_near") * NEAR, stack("attention_efficiency") * 3.35e12
    assert half == approx(sum(0.425 * 50e6 / rate for rate in rates))


@given(st.integers(1, 512), st.integers(1, 65536), st.sampled_from((H100, H200)))
def test_more_sequences_and_longer_ones_never_take_less(batch: int, context: int, m: Machine) -> None:
    one = sum(decode(batch, context, m))
    assert one <= sum(decode(2 * batch, context, m)) and one <= sum(decode(batch, 2 * context, m))


def test_a_prompt_by_hand() -> None:
    # 4 prompts of 1024: 32 heads x 4096 rows of 512.5 keys each in the mean; keys and values pass three times.
    core, beside = called.prefill_s(H100, OP, Step(4, 1024, 0), 1)
    ops_per_s = stack("attention_compute_efficiency") * 989e12 / 132
    score_s = 4 * 128 / ops_per_s + stack("score_cycles") / 1.83e9
    row_s = stack("prefill_row") + 128 * stack("prefill_row_element")
    last_s = stack("last_tile") * 128 * 1024 * score_s
    assert core == approx(32 * 4096 * (512.5 * score_s + row_s) / 132 + last_s)
    assert beside == approx(3 * 4096 * 8 * 256 * 2 / 3.35e12 + stack("prefill_overhead"))


def test_on_several_chips_each_has_its_heads() -> None:
    one, eight = (called.prefill_s(H100, OP, Step(64, 1024, 0), chips) for chips in (1, 8))
    assert 7.5 < one[0] / eight[0] < 8 and one[1] > eight[1]


def test_only_kernels_of_stacks_are_called_so() -> None:
    plain, other = Machine(preset("h100-sxm"), Technology()), Machine(preset("mi300x"), Technology(), STACK)
    assert H100.called and not plain.called and not other.called
    assert H100.gen("attention_efficiency") == stack("attention_efficiency") != plain.gen("attention_efficiency")
    assert np.isclose(H100.on_die_bytes, 50e6)
