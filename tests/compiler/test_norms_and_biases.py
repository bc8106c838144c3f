"""Models with a norm on queries and keys, or with biases, have no program: none is compiled as if it had not."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors", reason="pip install safetensors")
pytest.importorskip("gguf", reason="pip install gguf")
sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
import gguf
from hf_folder import CONFIG, folder, weights
from tiny_chip import CHIP

from sartor.api.build import build
from sartor.api.generate import place
from sartor.api.networks import weights_of
from sartor.errors import Unsupported
from sartor.families.tensor.sizing import core_of

HEAD, DIM, FFN = CONFIG["head_dim"], CONFIG["hidden_size"], CONFIG["intermediate_size"]
NORMS = {"self_attn.q_norm.weight": HEAD, "self_attn.k_norm.weight": HEAD}
BIASES = {
    "self_attn.q_proj.bias": 4 * HEAD, "self_attn.k_proj.bias": 2 * HEAD, "self_attn.v_proj.bias": 2 * HEAD,
    "self_attn.o_proj.bias": DIM, "mlp.gate_proj.bias": FFN, "mlp.up_proj.bias": FFN, "mlp.down_proj.bias": DIM,
    "input_layernorm.bias": DIM,
}  # fmt: skip
GGUF = {
    "attn_q_norm.weight": HEAD, "attn_k_norm.weight": HEAD, "attn_q.bias": 4 * HEAD, "attn_output.bias": DIM,
    "ffn_down.bias": DIM,
}  # fmt: skip
NO_PLACE = "tensor {!r} has no place in the network that is lowered"


def refused(path: Path) -> str:
    with pytest.raises(Unsupported) as caught:
        build(CHIP, str(path))
    return str(caught.value)


def test_without_them_there_is_a_program(tmp_path) -> None:
    found = weights_of(str(folder(tmp_path / "m")), CHIP.tile.formats)
    assert place(core_of(CHIP), found).program.instructions


@pytest.mark.parametrize(("name", "size"), {**NORMS, **BIASES}.items())
def test_a_folder_is_refused_by_the_tensor(tmp_path, name, size) -> None:
    """Norms of ones and biases of zeros, too: what they hold is not looked at."""
    for value, layer in ((0.5, 0), (float("norm.weight" in name), 1)):
        tensor = f"model.layers.{layer}.{name}"
        path = folder(tmp_path / "m", {**weights(CONFIG), tensor: np.full(size, value, np.float32)})
        assert refused(path) == f"m: {NO_PLACE.format(tensor)}"


@pytest.mark.parametrize("family", ["qwen2", "qwen3", "gemma3", "olmo2"])
def test_their_families_are_refused_by_name(tmp_path, family) -> None:
    known = f"model_type = '{family}' is not modeled (known: llama, mistral)"
    assert known in refused(folder(tmp_path / "m", model_type=family))
    assert refused(gguf_file(tmp_path, family)) == f"m.gguf: architecture '{family}' is not lowered (llama is)"


@pytest.mark.parametrize(("name", "size"), GGUF.items())
def test_a_gguf_file_is_refused_by_the_tensor(tmp_path, name, size) -> None:
    path = gguf_file(tmp_path, "llama", **{f"blk.1.{name}": size})
    assert refused(path) == f"m.gguf: {NO_PLACE.format(f'blk.1.{name}')}"


def gguf_file(folder: Path, architecture: str, **tensors: int) -> Path:
    """Metadata and, of tensors, those alone: names are looked at before all else."""
    path = folder / "m.gguf"
    writer = gguf.GGUFWriter(path, architecture)
    for name, size in tensors.items():
        writer.add_tensor(name, np.ones(size, np.float32))
    for write in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
        write()
    writer.close()
    return path
