"""Weights for a chip: from a folder quantized to its format, from a GGUF file only in its format."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="pip install safetensors")
sys.path.insert(0, str(Path(__file__).parents[1] / "compiler"))
from hf_folder import folder

from sartor.api import networks
from sartor.errors import InputError, Unsupported
from sartor.formats.hardware import Coding, coding_of


def test_a_folder_takes_the_format_of_the_chip(tmp_path) -> None:
    path, said = folder(tmp_path / "m"), []
    found = {form: networks.weights_of(str(path), form, said.append) for form in ("q4_1", "int8-g64")}
    for form, weights in found.items():
        assert weights.network.layers[0].down.coding == coding_of(form) and weights.path == path
    # The same file in two formats are two images.
    assert found["q4_1"].key != found["int8-g64"].key
    assert said[:2] == ["reading and quantizing the weights", "quantizing weights: 0%"]
    for inside in ("config.json", "model.safetensors"):
        assert networks.weights_of(str(path / inside), "q4_1").key == found["q4_1"].key
    (path / "config.json").write_text((path / "config.json").read_text().replace("50000.0", "60000.0"))
    assert networks.weights_of(str(path), "q4_1").key != found["q4_1"].key


@pytest.fixture
def stored(monkeypatch):
    """A GGUF file that holds 8-bit weights."""
    from tests.families.tiny_network import tiny

    net = tiny(bits=8)
    monkeypatch.setattr(networks.gguf, "network", lambda path: net)
    return net


def test_a_gguf_file_in_another_format_is_refused(stored, tmp_path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF")
    assert networks.weights_of(str(path), "q8_0").network is stored
    message = (
        r"m\.gguf: its matrices are 8-bit codes with a scale, but the chip is made for int4-g128, 4-bit codes with a "
        r"scale for 128: rounding what is rounded already loses twice \(.*--requantize\)"
    )
    with pytest.raises(Unsupported, match=message):
        networks.weights_of(str(path), "int4-g128")
    again = networks.weights_of(str(path), "int4-g64", requantize=True)
    layer = again.network.layers[1]
    assert layer.qkv.coding == Coding(4, 64, False) and again.network.head is stored.head
    assert np.abs(layer.down.dequantized() - stored.layers[1].down.dequantized()).max() < 0.1
    assert again.key != networks.weights_of(str(path), "q8_0").key


def test_what_is_neither_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match=r"no weights are known to run it with .* or a folder with config\.json"):
        networks.weights_of("llama-3.1-8b", "q4_1")
    with pytest.raises(InputError, match=r"nowhere\.gguf: cannot be read"):
        networks.weights_of(str(tmp_path / "nowhere.gguf"), "q4_1")
    with pytest.raises(InputError, match=r"config\.json: cannot be read"):
        networks.weights_of(str(tmp_path), "q4_1")
