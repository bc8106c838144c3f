"""What keys are balanced by: fitted to their own offsets and loud channels, and found again."""

import os
from pathlib import Path

import numpy as np
import pytest
from tiny_model import SHAPE, reordered, tiny, windows

from sartor.quality import balance
from sartor.quality.balance import _Head, fitted
from sartor.quality.measure import measure
from sartor.quality.recipe import Recipe

WINDOWS = windows(3, 128)


def head(offset: float = 0.0, loud: int = 0) -> _Head:
    """Normal keys, `offset` in channel 5, and a pair that is 2^loud times as large and asked for as much less."""
    rng = np.random.default_rng(0)
    q, k = rng.normal(0, 1, (2, 128, 2, 32)), rng.normal(0, 1, (2, 128, 32))
    k[..., 5] += offset
    k[..., 8:10] *= 2.0**loud
    q[..., 8:10] /= 2.0**loud
    return _Head(q.astype(np.float32), k.astype(np.float32))


def loss(one: _Head) -> float:
    errors = one._errors(slice(0, 32), one.power, one.offset)
    return one._loss(errors, errors @ one.moments)


def test_an_offset_is_found() -> None:
    one, plain = head(30.0), head()
    powers, offsets = one.fit()
    # Up to what quantizing likes better, and in the numbers of balanced keys.
    assert np.ldexp(offsets, np.repeat(powers, 2))[5] == pytest.approx(30, abs=2)
    plain.fit()
    assert loss(one) == pytest.approx(loss(plain), rel=0.2)


def test_a_loud_pair_is_made_quiet() -> None:
    one, same = head(loud=4), head(loud=0)
    before = loss(one)
    powers, _ = one.fit()
    assert powers[4] == powers.max() >= 2
    same.fit()
    assert loss(one) < before / 4 and loss(one) < 2 * loss(same)


def test_no_step_makes_it_worse(monkeypatch) -> None:
    found = []
    for sweeps in (0, 1, 3):
        monkeypatch.setattr(balance, "SWEEPS", sweeps)
        one = head(3.0, 1)
        one.fit()
        found.append(loss(one))
    assert found[0] > found[1] >= found[2]


def test_the_first_keys_count_as_much_as_they_are_attended_to() -> None:
    rng = np.random.default_rng(1)
    q, k = rng.normal(0, 1, (1, 128, 1, 32)), rng.normal(0, 1, (1, 128, 32))
    q[..., 0], k[:, 0, 0] = 3, 10  # all look at key 0
    one = _Head(q.astype(np.float32), k.astype(np.float32))
    other = _Head((q * 0).astype(np.float32), k.astype(np.float32))  # nobody looks anywhere
    assert one.counts[0] > 5 * other.counts[0]


def test_keys_of_four_bits_do_less_harm_balanced() -> None:
    model = tiny()
    for i in range(model.layers):  # a loud pair of keys
        model.reader.matrices[i, "attn_k"][8:10] *= 16
        model.reader.matrices[i, "attn_q"][8:10] /= 16
    plain, found = (measure(model, WINDOWS, Recipe(kv=kv))["kl"] for kv in ("chip-int4-plain", "chip-int4"))
    assert 0 < found < plain


def test_it_is_the_same_in_whatever_order_sums_are_taken() -> None:
    assert fitted(tiny(), WINDOWS[1:]).key == fitted(reordered(tiny()), WINDOWS[1:]).key


def test_it_is_fitted_once(monkeypatch) -> None:
    first = fitted(tiny(), WINDOWS[1:])
    assert first.powers.shape == (3, SHAPE.kv_heads, 16) and first.offsets.shape == (3, SHAPE.kv_heads, 32)
    monkeypatch.setattr(balance, "Forward", None)
    again = fitted(tiny(), WINDOWS[1:])
    assert again.key == first.key and np.array_equal(again.powers, first.powers)
    with pytest.raises(TypeError):
        fitted(tiny(), WINDOWS[:1])  # another text


def test_a_run_that_dies_goes_on_after_its_last_layer(monkeypatch) -> None:
    ran, layer = [], balance.Forward.layer

    def dying(self, i, x):
        ran.append(i)
        if len(ran) == 2:
            raise KeyboardInterrupt
        return layer(self, i, x)

    model, other = tiny(seed=5), windows(2, 64)
    monkeypatch.setattr(balance.Forward, "layer", dying)
    with pytest.raises(KeyboardInterrupt):
        fitted(model, other)
    found = fitted(model, other)
    assert ran == [0, 1, 1, 2]
    monkeypatch.setenv("SARTOR_CACHE", str(Path(os.environ["SARTOR_CACHE"]) / "other"))
    assert fitted(model, other).key == found.key and ran[4:] == [0, 1, 2]
