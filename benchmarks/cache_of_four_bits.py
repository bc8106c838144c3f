"""What a cache of 4 bits could be made of, and what each choice costs SmolLM2-135M: the table of docs/quality.md.

    python benchmarks/cache_of_four_bits.py [--only WORD]

Keys or values alone, weights as they are, the first 1,024 tokens of the English text; keys meet queries in the chip's
groups. Codes -7 to 7 with scales `power`: a power of two for the largest; `quarters`: two bits of fraction; `real`:
the largest over 7; `minimum`: the range over 15, beside a real minimum. Codes -8 to 7 with `signed` scales, of which
the largest is -8: two bits of fraction, as the chip has them (docs/numerics.md, section 3), or real. Two minutes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from sartor.compiler.balance import Balance
from sartor.families.tensor import float32
from sartor.families.tensor.cache_numerics import KEY_HIGH, KEY_LOW, power_scale, scale_value
from sartor.families.tensor.numerics import biased_exponent
from sartor.quality import attention, balance, rounding, text
from sartor.quality.find import model_of
from sartor.quality.forward import Forward
from sartor.quality.measure import last_states
from sartor.quality.metrics import compare
from sartor.quality.model import Model
from sartor.quality.recipe import Recipe

Rounding = Callable[[np.ndarray], np.ndarray]
MODEL = "smollm2-135m"


def scaled(group: int, scale: Callable[[np.ndarray], np.ndarray], most: int = 7) -> Rounding:
    """Codes of at most `most` times `scale` of the largest magnitude of `group` neighbors."""

    def round_trip(x: np.ndarray) -> np.ndarray:
        groups = x.reshape(*x.shape[:-1], -1, group)
        s = np.maximum(scale(np.abs(groups).max(-1, keepdims=True)), 1e-12).astype(np.float32)
        return np.asarray((np.clip(np.rint(groups / s), -most, most) * s).reshape(x.shape))

    return round_trip


def with_minimum(group: int) -> Rounding:
    def round_trip(x: np.ndarray) -> np.ndarray:
        groups = x.reshape(*x.shape[:-1], -1, group)
        low = groups.min(-1, keepdims=True)
        s = np.maximum((groups.max(-1, keepdims=True) - low) / 15, 1e-12)
        return np.asarray((np.rint((groups - low) / s) * s + low).reshape(x.shape))

    return round_trip


def power(largest: np.ndarray) -> np.ndarray:
    exponent = np.clip(biased_exponent(largest), KEY_LOW, KEY_HIGH)
    return np.asarray(scale_value(power_scale(exponent + 4)))


def quarters(largest: np.ndarray) -> np.ndarray:
    """The largest is 6 to 7.5 of it."""
    eighths = np.clip(float32.bits(largest).astype(np.int64) >> 20, 8 * KEY_LOW, 8 * KEY_HIGH + 7)
    return np.asarray(scale_value((eighths + 3 >> 1) - 12))


def signed(x: np.ndarray) -> np.ndarray:
    """As the chip has values."""
    codes, scale = rounding.chip_values(x, 4)
    return np.asarray(codes * scale[..., None])


def signed_keys(x: np.ndarray) -> np.ndarray:
    return rounding.chip_keys(x, 4)


def signed_real(x: np.ndarray) -> np.ndarray:
    largest = np.take_along_axis(x, np.abs(x).argmax(-1)[..., None], -1)
    s = (np.where(largest == 0, 1, largest) / -8).astype(np.float32)
    return np.asarray(np.clip(np.rint(x / s), -8, 7) * s)


def real(largest: np.ndarray) -> np.ndarray:
    return largest / 7


def turned(each: Rounding, size: int = 64) -> Rounding:
    """The same of heads that a Hadamard matrix turned: rows of attn_v and columns of attn_o, where weights are real."""
    matrix = np.ones((1, 1))
    while len(matrix) < size:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    matrix = (matrix / np.sqrt(size)).astype(np.float32)
    return lambda x: each(x @ matrix) @ matrix


class Halved:
    """Attention whose keys, or values, are rounded."""

    def __init__(self, model: Model, keys: Rounding | None, values: Rounding | None) -> None:
        self.keys, self.values, self.exact = keys, values, attention.Attention(model.shape)

    def __call__(self, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        if self.keys is not None:
            q, k = rounding.chip_groups(q), self.keys(k)
        return self.exact(q, k, v if self.values is None else self.values(v))


def rows(found: Balance) -> Iterator[tuple[str, Rounding | None, Rounding | None, Balance | None]]:
    """Names, keys, values, and by what keys are balanced."""
    scales = np.ldexp(np.float32(1), np.repeat(found.powers, 2, axis=-1))
    offsets = Balance(np.zeros_like(found.powers), found.offsets * scales)
    powers = replace(found, offsets=np.zeros_like(found.offsets))
    for name, scale in (("power", power), ("quarters", quarters), ("real", real)):
        yield f"keys, {name}", scaled(32, scale), None, None
    yield "keys, signed", signed_keys, None, None
    yield "keys, signed, powers of two alone", signed_keys, None, powers
    yield "keys, signed, offsets alone", signed_keys, None, offsets
    yield "keys, signed, both", signed_keys, None, found
    yield "keys, quarters, groups of 16", scaled(16, quarters), None, None
    yield "keys, minimum", with_minimum(32), None, None
    yield "keys of 8 bits, power", rounding.chip_keys, None, None
    for name, scale in (("power", power), ("quarters", quarters), ("real", real)):
        yield f"values, {name}", None, scaled(64, scale), None
    yield "values, signed", None, signed, None
    yield "values, signed, real", None, signed_real, None
    yield "values, quarters, groups of 32", None, scaled(32, quarters), None
    yield "values, signed, turned", None, turned(signed), None
    yield "values, minimum", None, with_minimum(64), None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="rows whose name contains this")
    only = parser.parse_args().only
    model, words = model_of(MODEL)
    windows = text.windows(words, text.read(None), text.TOKENS, True)
    reference = last_states(model, windows[:1], Recipe())
    for name, keys, values, how in rows(balance.fitted(model, windows[1:])):
        if only not in name:
            continue
        start = time.process_time()
        forward = Forward(model, Recipe(), how)
        forward.attention = Halved(model, keys, values)
        x = forward.begin(windows[:1])
        for i in range(model.layers):
            x = forward.layer(i, x)
        found = compare(reference, (forward.end(x), forward.linear.head), windows[0], model.vocabulary)
        took = time.process_time() - start
        print(f"{name:40} KL {found.kl:.4f} +- {found.kl_error:.4f}  {took:.1f} CPU s", flush=True)


if __name__ == "__main__":
    main()
