"""Calibrated rounding: the textbook in binary64, column by column, and what it must gain."""

import numpy as np
import pytest

from sartor.errors import InputError, Unsupported
from sartor.formats.codec import codec
from sartor.quality import gptq


def problem(n: int = 24, k: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Weights [n, k], and inputs [tokens, k] that go together."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, k)) @ rng.normal(size=(k, k)) * rng.gamma(1, size=k)
    return rng.normal(size=(n, k)).astype(np.float32), x.astype(np.float32)


def textbook(w: np.ndarray, h: np.ndarray, name: str, group: int) -> np.ndarray:
    """Optimal brain quantization in a fixed order: after each column the inverse loses it (Gauss)."""
    w, form, params = w.astype(np.float64), codec(name), {}
    left = np.linalg.inv(h + gptq.DAMPING * np.diagonal(h).mean() * np.eye(len(h)))
    for j in range(w.shape[1]):
        if j % group == 0:
            params = form.params(w[:, None, j : j + group].astype(np.float32), {})
        x = w[:, j].astype(np.float32)[:, None, None]
        fixed = form.values(form.codes(x, params), params)[:, 0, 0]
        w[:, j + 1 :] -= (w[:, j] - fixed)[:, None] * left[j, j + 1 :] / left[j, j]
        w[:, j] = fixed
        left = left - np.outer(left[:, j], left[j]) / left[j, j]
    return w.astype(np.float32)


@pytest.mark.parametrize(("name", "group"), [("int4-g32", 32), ("int4-g64-asym", 64), ("int8", 96), ("mxfp4", 32)])
def test_as_the_textbook(name: str, group: int) -> None:
    w, x = problem()
    h = gptq.moments(x)
    found, expected = gptq.rounded(w, name, h, "w"), textbook(w, h, name, group)
    # A tie that binary32 breaks otherwise changes what follows in its row.
    assert np.isclose(found, expected, rtol=1e-5, atol=1e-6).all(axis=1).mean() > 0.8
    errors = [np.square((w - y) @ x.T).sum() for y in (found, expected)]
    assert errors[0] == pytest.approx(errors[1], rel=0.02)


NAMES = ["int4-g32", "int4-g128-asym", "int3-g64", "nvfp4", "nf4", "mxint8", "bcq3-g64", "q4_0", "int8"]


@pytest.mark.parametrize("name", NAMES)
def test_outputs_come_closer(name: str) -> None:
    w, x = problem()
    found, plain = gptq.rounded(w, name, gptq.moments(x), "w"), codec(name).round_trip(w)
    errors = [np.square((w - y) @ x.T).sum() for y in (found, plain)]
    assert errors[0] < 0.8 * errors[1]


def test_inputs_that_do_not_go_together_change_nothing() -> None:
    w, _ = problem()
    assert np.array_equal(gptq.rounded(w, "int4-g32", np.eye(96), "w"), codec("int4-g32").round_trip(w))


def test_inputs_that_are_always_zero_do_no_harm() -> None:
    w, _ = problem()
    assert np.isfinite(gptq.rounded(w, "int4-g32", np.zeros((96, 96)), "w")).all()


def test_what_cannot_be_calibrated_is_refused() -> None:
    w, x = problem()
    h = gptq.moments(x)
    with pytest.raises(Unsupported, match="mxfp4-2:4-gptq: mxfp4-2:4 has no scales that are fixed"):
        gptq.rounded(w, "mxfp4-2:4", h, "w")
    with pytest.raises(InputError, match="w: activations on the calibration text are not finite"):
        gptq.rounded(w, "int8", h * np.inf, "w")
    w[3, 5] = np.nan
    with pytest.raises(InputError, match=r"w: the weight nan at \[3, 5\] is not a finite number"):
        gptq.rounded(w, "int8", h, "w")
