"""SmolLM2 as BF16 safetensors (its 4-bit weights unpacked), quantized to a chip's format: it still speaks sense."""

import pytest

pytest.importorskip("safetensors", reason="pip install safetensors")
from hf_folder import folder, unpacked, unpacked_config
from tokenizers import decoders

from sartor.api.networks import tokenizer_of, weights_of
from sartor.compiler import gguf, tokenizer
from sartor.compiler.binary import compile_network
from sartor.compiler.session import Session
from sartor.families.tensor.core import Core
from sartor.families.tensor.golden import Golden

CORE = Core(columns=5)


@pytest.fixture(scope="module")
def path(smollm2, tmp_path_factory):
    net = gguf.network(smollm2)
    where = folder(tmp_path_factory.mktemp("hf") / "smollm2", unpacked(net), **unpacked_config(net))
    text = tokenizer.tokenizer(smollm2)._bpe
    text.decoder = decoders.ByteLevel()
    text.save(str(where / "tokenizer.json"))
    return where


@pytest.mark.slow
@pytest.mark.parametrize("form", ["int8-g64", "int4-g32-asym"])
def test_it_speaks_sense(path, form: str) -> None:
    weights = weights_of(str(path), form)
    text, net = tokenizer_of(weights.path), weights.network
    assert (net.heads, net.kv_heads, net.head_dim, len(net.layers)) == (9, 3, 64, 30)
    binary = compile_network(CORE, net, 128)
    golden = Golden(CORE, binary.image, binary.program.instructions, binary.program.constants)
    prompt = text.encode("The capital of South Korea is")
    said = text.decode(list(Session(binary, golden).generate(prompt, 6)))
    assert said.startswith(" Seoul"), said
