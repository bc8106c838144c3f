"""Measured KL by class of tensors, and its sum."""

from dataclasses import replace

import pytest

from sartor.errors import UnknownName
from sartor.formats import harm as module
from sartor.formats.harm import Harm, Row, harm, measured, parts, together, uniform
from sartor.formats.parts import LINEAR

FIGURES = (4.5, 0.3, 0.01, 30.0, 22.0, 0.7)
MODEL = "smollm2-135m-q4_1"


def row(weights: str, activations: str = "none", kv: str = "none", smooth: float | None = None) -> Row:
    return Row("m", "en", 1024, weights, activations, kv, True, smooth, *FIGURES)


def test_which_rows_are_of_one_class() -> None:
    assert row("none,ffn_down=int8").alone == ("ffn_down", "int8")
    assert row("none", kv="int4").alone == ("kv", "int4")
    assert row("none", activations="chip").alone == ("activations", "chip")
    for several in (row("int8"), row("int8,ffn_down=int4-g32"), row("none,ffn_up=int8,ffn_down=int8"), row("none"),
                    row("none,ffn_up=int8", kv="int8"), row("none,embedding=int8", smooth=0.5)):  # fmt: skip
        assert several.alone is None


def test_the_sum_by_hand() -> None:
    table = Harm("m", {("attn_v", "int8"): 0.25, ("kv", "int4"): 0.5, ("attn_v", "nvfp4"): 1.0})
    assert table.total({"attn_v": "int8", "kv": "int4", "ffn_up": "none"}) == 0.75
    with pytest.raises(UnknownName, match="sensitivity of m: unknown measured format of attn_v 'int9'"):
        table.total({"attn_v": "int9"})
    with pytest.raises(UnknownName, match="unknown model with measured sensitivities 'llama'"):
        harm("llama")


def test_calibration_counts_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(weights: str, kl: float) -> Row:
        return replace(row(weights), kl=kl)

    alone = {"int4-g32": 0.1, "int4-g32-gptq": 0.02, "int8": 0.001, "int8-gptq": 0.002}
    rows = [of(f"none,{one}={form}", kl) for form, kl in alone.items() for one in LINEAR]
    rows += [of("int4-g32", 1.4), of("int4-g32-gptq", 0.07), of("int8", 0.007), of("int8-gptq", 0.014)]
    monkeypatch.setattr(module, "measured", lambda file="": tuple(rows))
    assert parts("m")["attn_qk"] == {"int4-g32": 0.2, "int8": 0.002}
    assert parts("m", calibrated=True)["attn_qk"] == {"int4-g32": 0.04, "int8": 0.002}  # the lesser of both
    assert uniform("m").weights == {"int4-g32": 1.4, "int8": 0.007}
    assert uniform("m", calibrated=True).weights == {"int4-g32": 0.07, "int8": 0.007}
    # Seven classes: to nearest 0.7 alone and 1.4 together; calibrated 0.14 and 0.07.
    assert together("m").kl(0.7) == pytest.approx(1.4) and together("m").kl(0.14) > 0.14
    assert together("m", calibrated=True).kl(0.14) == pytest.approx(0.07)


def test_what_is_measured_makes_sense() -> None:
    names = [(r.model, r.text, r.tokens, r.weights, r.activations, r.kv, r.rotate, r.smooth) for r in measured()]
    assert len(set(names)) == len(names)
    for r in measured():
        assert 0 <= r.kl < 50 and r.kl_error <= max(r.kl, 1e-6) and 0 <= r.top1_agreement <= 1 and r.tokens == 1024
        assert r.reference_perplexity == pytest.approx(22.0, abs=0.01) and 1 < r.bits_per_weight <= 32
    for rotate in (False, True):
        kl = {r.weights: r.kl for r in measured() if r.rotate == rotate and r.activations == r.kv == "none"}
        assert kl["int8"] < kl["int4-g32"] < kl["int4-g128"] and kl["int8"] < kl["nvfp4"] < kl["mxfp4"]
