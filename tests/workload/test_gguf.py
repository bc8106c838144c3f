"""GGUF headers: against the gguf package on the real file, on small files written here, and damaged ones."""

import struct

import pytest
from gguf_samples import F32, Q8_0, gguf, metadata, tensors

from sartor.errors import BrokenFile, InputError, Unsupported
from sartor.workload import fetch, sizes
from sartor.workload.find import find_model
from sartor.workload.readers import gguf_header, gguf_model

ARCHITECTURES = {
    "llama": (metadata("llama"), tensors()),
    "llama-experts": (metadata("llama", expert_count=4, expert_used_count=2), tensors(experts=4)),
    "qwen2": (metadata("qwen2"), tensors(bias=True)),
    "qwen3": (metadata("qwen3"), tensors(qk_norm=True)),
    "qwen3moe": (
        metadata("qwen3moe", expert_count=4, expert_used_count=2, expert_feed_forward_length=96),
        tensors(qk_norm=True, experts=4),
    ),
    "gemma3": (metadata("gemma3", attention__sliding_window=32), tensors(qk_norm=True, post_norms=True)),
}


@pytest.fixture(scope="module")
def smollm2():
    try:
        return fetch.smollm2()
    except InputError as error:
        pytest.skip(f"needs the real weights: {error}")


def parse(meta, infos, **more):
    return gguf_model.model(gguf_header.parse(gguf(meta, infos, **more), "m.gguf"), "m.gguf")


def test_the_real_file_as_the_gguf_package_reads_it(smollm2):
    oracle = pytest.importorskip("gguf", reason="pip install gguf").GGUFReader(smollm2)
    header = gguf_header.read(smollm2)
    ours = {t.name: (t.shape, t.kind.name, t.offset, t.elements, t.nbytes) for t in header.tensors}
    assert ours == {
        t.name: (tuple(map(int, t.shape)), t.tensor_type.name, t.data_offset, t.n_elements, t.n_bytes)
        for t in oracle.tensors
    }
    scalars = {k: v for k, v in header.metadata.items() if not isinstance(v, gguf_header.List)}
    assert scalars == {k: oracle.fields[k].contents() for k in scalars}
    lists = {k: v.length for k, v in header.metadata.items() if isinstance(v, gguf_header.List)}
    assert lists == {k: len(oracle.fields[k].data) for k in lists}
    assert len(scalars) + len(lists) == len([k for k in oracle.fields if not k.startswith("GGUF.")])


def test_the_real_file_as_a_model(smollm2):
    model, bundled = find_model(smollm2), find_model("smollm2-135m-q4_1")
    assert (model.layers, model.tied, model.max_context) == (
        bundled.layers,
        bundled.tied,
        bundled.max_context,
    )
    assert sizes.parameters(model) == 134_515_008
    assert (model.weights, model.formats["head"], model.formats["norm"]) == ("q4_1", "q8_0", "fp32")
    # Every byte of weights in the file is accounted for.
    assert sizes.weight_bytes(model) == sum(t.nbytes for t in gguf_header.read(smollm2).tensors)
    assert sizes.weight_bytes(model) == sizes.weight_bytes(bundled)


def test_types_are_those_of_the_gguf_package():
    constants = pytest.importorskip("gguf.constants", reason="pip install gguf")
    for kind, (block, size) in constants.GGML_QUANT_SIZES.items():
        if int(kind) in gguf_header.kinds():
            ours = gguf_header.kinds()[int(kind)]
            assert (ours.name, ours.block, ours.block_bytes) == (kind.name, block, size)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architectures(name):
    meta, infos = ARCHITECTURES[name]
    model = parse(meta, infos)
    stored = sum(t.nbytes for t in gguf_header.parse(gguf(meta, infos), "m").tensors)
    assert sizes.weight_bytes(model) == stored
    assert sum(layer.count for layer in model.layers) == 2


def test_an_untied_head_is_its_own_tensor():
    model = parse(metadata("llama"), tensors() | {"output.weight": ((64, 50), F32)})
    assert not model.tied
    assert model.formats["head"] == "fp32"


def test_computed_tables_are_no_parameters():
    infos = tensors() | {"rope_freqs.weight": ((8,), F32)}
    assert parse(metadata("llama"), infos) == parse(metadata("llama"), tensors())


def test_mixed_formats_are_said():
    infos = tensors() | {"blk.0.ffn_down.weight": ((96, 64), F32)}
    # One of six equal matrices.
    assert parse(metadata("llama"), infos).note == "ffn is 83% q8_0, 17% fp32, counted as q8_0"


META, INFOS = metadata("llama"), tensors()
REFUSED = {
    "an architecture": (
        metadata("rwkv"),
        INFOS,
        Unsupported,
        "architecture 'rwkv' is not modeled (known: llama, qwen2",
    ),
    "no architecture": ({}, INFOS, BrokenFile, "missing field 'general.architecture'"),
    "a split file": (
        META | {"split.count": 3},
        INFOS,
        Unsupported,
        "is one of 3 parts (merge them with gguf-split)",
    ),
    "a tensor type": (
        META,
        INFOS | {"output.weight": ((256, 50), 10)},
        Unsupported,
        "'output.weight' is Q2_K, a format not modeled",
    ),
    "a tensor name": (
        META,
        INFOS | {"blk.0.ssm_in.weight": ((64, 1), F32)},
        Unsupported,
        "'blk.0.ssm_in.weight' is not part of",
    ),
    "a missing tensor": (
        META,
        {k: v for k, v in INFOS.items() if k != "blk.1.attn_k.weight"},
        BrokenFile,
        "its 19 tensors hold 62912 elements, but its metadata ask for 64960",
    ),
    "another hidden size": (
        metadata("llama", embedding_length=32),
        INFOS,
        BrokenFile,
        "expected (32, vocabulary)",
    ),
    "heads": (
        metadata("llama", attention__head_count_kv=3),
        INFOS,
        InputError,
        "does not divide head_count = 4",
    ),
    "no layers": (
        metadata("llama", block_count=0),
        INFOS,
        InputError,
        "llama.block_count = 0 must be between 1",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what):
    meta, infos, error, message = REFUSED[what]
    with pytest.raises(error) as caught:
        parse(meta, infos, data_bytes=2**20)
    assert message in str(caught.value)


GOOD = gguf(META, INFOS)
DAMAGED = {
    "empty": (b"", "m.gguf: byte 0: magic needs 4 bytes, but 0 are left (truncated: fetch it again)"),
    "magic": (b"GGML" + GOOD[4:], "m.gguf: byte 0: starts with b'GGML', not b'GGUF': not a GGUF file"),
    "version 1": (
        GOOD[:4] + struct.pack("<I", 1) + GOOD[8:],
        "has version 1 (little-endian versions 2 and 3",
    ),
    "big-endian": (GOOD[:4] + struct.pack(">I", 3) + GOOD[8:], "m.gguf: byte 4: is big-endian"),
    "tensor count": (
        GOOD[:8] + struct.pack("<Q", 2**63) + GOOD[16:],
        "tensor count is 9223372036854775808, but only",
    ),
    "metadata count": (
        GOOD[:16] + struct.pack("<Q", 10**9) + GOOD[24:],
        "metadata count is 1000000000, but only",
    ),
    "key length": (
        GOOD[:24] + struct.pack("<Q", 2**40) + GOOD[32:],
        "length of metadata key is 1099511627776",
    ),
    "in the metadata": (GOOD[:100], "(truncated: fetch it again)"),
    "in the weights": (GOOD[:-1], "but the file has"),
    "value type": (GOOD[:52] + struct.pack("<I", 99) + GOOD[56:], "has the unknown value type 99"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_damaged(what):
    data, message = DAMAGED[what]
    with pytest.raises(InputError) as caught:
        gguf_header.parse(data, "m.gguf")
    assert message in str(caught.value)


def test_odd_tensors_are_damage():
    for infos, message in [
        ({"a": ((33, 2), Q8_0)}, r"tensor 'a': \(33, 2\) is not whole blocks of 32 \(Q8_0\)"),
        ({"a": ((0,), F32)}, "is not whole blocks"),
        ({"a": ((1, 1, 1, 1, 1), F32)}, "tensor 'a' has 5 dimensions"),
        ({"a": ((32,), 77)}, "tensor 'a' has the unknown type 77"),
    ]:
        with pytest.raises(InputError, match=message):
            gguf_header.parse(gguf({}, infos), "m.gguf")


def test_a_file_that_is_not_there_or_empty(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        gguf_header.read(tmp_path / "none.gguf")
    (tmp_path / "empty.gguf").touch()
    with pytest.raises(BrokenFile, match="is empty, not a GGUF file"):
        gguf_header.read(tmp_path / "empty.gguf")
