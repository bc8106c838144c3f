"""Values turned by a Hadamard matrix and turned back: the same network, in a checkpoint of real numbers alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("safetensors", reason="pip install safetensors")
from hf_folder import CONFIG, folder, weights

from sartor.api.networks import weights_of
from sartor.compiler import turned
from sartor.compiler.reference import Reference


def test_a_matrix_by_hand() -> None:
    # 12 = 3 x 4: three Hadamard matrices of four, halved.
    four = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
    assert np.array_equal(turned.turn(12), np.kron(np.eye(3), four).astype(np.float32))


@given(st.sampled_from([1, 3, 32, 48, 64, 80, 128]))
def test_a_turn_is_its_own_inverse(size: int) -> None:
    assert np.allclose(turned.turn(size) @ turned.turn(size), np.eye(size), atol=1e-6)


def test_attention_gives_what_it_did() -> None:
    """Two query heads a head of values, in binary64."""
    rng, size, kv_heads, dim = np.random.default_rng(0), 32, 2, 48
    w, o = rng.normal(size=(kv_heads * size, dim)), rng.normal(size=(dim, 2 * kv_heads * size))
    x, p = rng.normal(size=(7, dim)), rng.random((2 * kv_heads, 7, 7))

    def gives(w: np.ndarray, o: np.ndarray) -> np.ndarray:
        values = (x @ w.T).reshape(7, kv_heads, size).repeat(2, axis=1)
        return np.einsum("hts,shd->thd", p, values).reshape(7, -1) @ o.T

    assert np.allclose(gives(turned.of_values(w, size), turned.of_output(o, size)), gives(w, o), atol=1e-4)


def test_a_folder_of_real_numbers_is_turned(tmp_path) -> None:
    path = str(folder(tmp_path / "m", weights(CONFIG)))
    plain, other = (weights_of(path, "int8-g32", turned_values=t) for t in (False, True))
    assert plain.key != other.key
    for a, b in zip(plain.network.layers, other.network.layers, strict=True):
        assert not np.array_equal(a.output.dequantized(), b.output.dequantized())
        assert np.array_equal(a.down.dequantized(), b.down.dequantized())
    tokens = list(range(20))
    logits = [Reference(w.network).logits(tokens) for w in (plain, other)]
    assert 0 < np.abs(logits[0] - logits[1]).max() < 0.02 * np.abs(logits[0]).max()
