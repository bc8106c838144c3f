"""KL as llama.cpp finds it, which shares no code with ours: real weights turned, and rounded to each format it has.

Both read the same file. Turned (docs/quality.md), since the weights are Q4_1 already.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from llama_cpp import LlamaCpp

from sartor.compiler.tokenizer import tokenizer
from sartor.formats.codec import codec
from sartor.quality import gguf_reader, rounding, text
from sartor.quality.classes import LINEAR, STORED
from sartor.quality.measure import last_states
from sartor.quality.model import Model
from sartor.quality.recipe import Recipe
from sartor.quality.rotation import orthogonal

gguf = pytest.importorskip("gguf")

NEAR = 0.05  # of KL, of an independent implementation
# Below 0.02 nats most is the rounding of what weights multiply: both round alike, but a sum with another last bit
# gives another code here and there, after a few layers other errors, and their mean over few prompts is luck.
FINE, LUCK = ("q8_0", "q6_k"), 0.35
LENGTHS = range(16, 240, 16)  # of the prompts after which the next token is compared
NAMES = dict(zip(LINEAR, ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"), strict=True))
WRITES = ("attn_o", "ffn_down")  # to the residual stream
OfType = Callable[[str, np.ndarray], tuple[str, np.ndarray]]
SUPER = 256  # weights of a superblock: here rows of ffn_down alone are whole ones

# As llama.cpp writes a type that Sartor only reads. Its library and that of pyosys cannot live in one process.
QUANTIZE = """
import ctypes, sys, numpy as np
library, kind, source, target, size = sys.argv[1:]
w = np.load(source)
out = np.empty((len(w), int(size)), np.uint8)
chunk = ctypes.CDLL(library).ggml_quantize_chunk
chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 3, ctypes.c_void_p]
chunk.restype = ctypes.c_size_t
assert chunk(int(kind), w.ctypes.data, out.ctypes.data, 0, *w.shape, None) == out.nbytes
np.save(target, out)
"""


def ours(form: str, w: np.ndarray) -> np.ndarray:
    """Rows of bytes, as our codec rounds."""
    return codec(form).encode(w).packed().reshape(len(w), -1)


def mxfp4(w: np.ndarray) -> np.ndarray:
    """Likewise; in GGUF a block is its scale, then codes j and 16 + j in a byte."""
    parts = codec("mxfp4").encode(w).parts
    codes = parts["codes"].reshape(len(w), -1, 32)
    packed = codes[..., :16] | codes[..., 16:] << 4
    return np.concatenate([parts["scale"].reshape(*packed.shape[:2], 1), packed], axis=-1).reshape(len(w), -1)


def theirs(form: str, w: np.ndarray, folder: Path) -> np.ndarray:
    found = importlib.util.find_spec("xllamacpp")
    if found is None or found.origin is None:
        pytest.skip("pip install xllamacpp")
    library = next(Path(found.origin).parent.glob("xllamacpp*.so"))
    kind = gguf.GGMLQuantizationType[form.upper()]
    block, size = gguf.GGML_QUANT_SIZES[kind]
    np.save(folder / "w.npy", np.ascontiguousarray(w))
    given = [library, kind.value, folder / "w.npy", folder / "q.npy", w.shape[1] // block * size]
    subprocess.run([sys.executable, "-c", QUANTIZE, *map(str, given)], check=True)
    return np.load(folder / "q.npy")


def written(source: Path, path: Path, model: Model, of_type: OfType) -> Path:
    """The model in the file at `source`, turned; `of_type`: of a class and its matrix, ggml's name of a type and the
    bytes of rows. The tables stay in binary32."""
    reader, writer = gguf.GGUFReader(source), gguf.GGUFWriter(path, "llama")
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            kind = field.types[0]
            writer.add_key_value(field.name, field.contents(), kind, field.types[-1] if kind == 9 else None)
    turn, table = orthogonal(model.shape.dim), model.reader.head(0, model.vocabulary)
    one = np.ones(model.shape.dim, np.float32)
    writer.add_tensor("token_embd.weight", table @ turn)
    writer.add_tensor("output.weight", (table * model.reader.final_norm()) @ turn)
    writer.add_tensor("output_norm.weight", one)
    for i in range(model.layers):
        norms = dict(zip(("attn_norm", "ffn_norm"), model.reader.norms(i), strict=True))
        for name in norms:
            writer.add_tensor(f"blk.{i}.{name}.weight", one)
        for part, name in NAMES.items():
            w = model.reader.matrix(i, part)
            w = turn.T @ w if part in WRITES else (w * norms["attn_norm" if "attn" in part else "ffn_norm"]) @ turn
            kind, data = of_type(part, np.ascontiguousarray(w))
            writer.add_tensor(f"blk.{i}.{name}.weight", data, raw_dtype=gguf.GGMLQuantizationType[kind.upper()])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def its_activations(form: str) -> Callable[[np.ndarray], np.ndarray]:
    """What matrices of blocks multiply is rounded to Q8_0, of superblocks to Q8_K: one scale for 256."""
    to_blocks = rounding.weights("q8_0", "activations")

    def rounded(x: np.ndarray) -> np.ndarray:
        flat = x.reshape(-1, x.shape[-1]).astype(np.float32)
        if not (form.endswith("_k") and flat.shape[1] % SUPER == 0):
            return to_blocks(flat).reshape(x.shape)
        groups = flat.reshape(-1, SUPER)
        scale = np.maximum(np.abs(groups).max(-1, keepdims=True), np.float32(1e-30)) / np.float32(127)
        return (np.rint(groups / scale) * scale).reshape(x.shape)

    return rounded


def their_logs(path: Path, tokens: list[int], vocabulary: int) -> np.ndarray:
    """float64 [prompts, vocabulary]: logarithms of the next token's probabilities."""
    server = LlamaCpp(path)
    try:
        found = np.full((len(LENGTHS), vocabulary), -np.inf)
        for row, length in zip(found, LENGTHS, strict=True):
            logs = server.logprobs(tokens[:length], vocabulary)
            row[list(logs)] = list(logs.values())
        return found
    finally:
        server.close()


def our_logs(path: Path, tokens: np.ndarray, activations: str) -> np.ndarray:
    model = gguf_reader.model(path, path.stem, path.stem)
    states, head = last_states(model, tokens[None], Recipe(activations=activations))
    logits = (states[[n - 1 for n in LENGTHS]] @ head(0, model.vocabulary).T).astype(np.float64)
    logits -= logits.max(-1, keepdims=True)
    return np.asarray(logits - np.log(np.exp(logits).sum(-1, keepdims=True)))


def kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Nats [prompts]; tokens of no probability at all are left out."""
    seen = np.isfinite(p) & np.isfinite(q)
    return np.where(seen, np.exp(p) * np.where(seen, p - q, 0), 0).sum(-1)


@pytest.fixture(scope="module")
def references(weights, tmp_path_factory) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The scored tokens, and both programs' logarithms with weights in binary32."""
    model = gguf_reader.model(weights, "smollm2", "smollm2")
    tokens = text.windows(tokenizer(weights), text.read("en"), 1024, False)[0, : max(LENGTHS)]
    path = tmp_path_factory.mktemp("turned") / "f32.gguf"
    written(weights, path, model, lambda part, w: ("f32", w))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SARTOR_CACHE", str(path.parent / "cache"))
        found = tokens, their_logs(path, tokens.tolist(), model.vocabulary), our_logs(path, tokens, STORED)
    path.unlink()
    return found


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("form", ["q4_0", "q4_1", "q5_0", "q8_0", "mxfp4", "q4_k", "q6_k"])
def test_the_harm_of_a_format_is_theirs(weights, references, tmp_path, monkeypatch, form: str) -> None:
    tokens, *exact = references
    model = gguf_reader.model(weights, "smollm2", "smollm2")

    def of_type(part: str, w: np.ndarray) -> tuple[str, np.ndarray]:
        if form.endswith("_k"):
            return (form, theirs(form, w, tmp_path)) if w.shape[1] % SUPER == 0 else ("q8_0", ours("q8_0", w))
        return form, mxfp4(w) if form == "mxfp4" else ours(form, w)

    path = written(weights, tmp_path / f"{form}.gguf", model, of_type)
    monkeypatch.setattr(rounding, "activations", lambda name: its_activations(form))
    found = their_logs(path, tokens.tolist(), model.vocabulary), our_logs(path, tokens, "q8_0")
    path.unlink()
    they, we = (kl(before, after) for before, after in zip(exact, found, strict=True))
    assert we.mean() == pytest.approx(they.mean(), rel=LUCK if form in FINE else NEAR)
    assert np.corrcoef(they, we)[0, 1] > (0.9 if form in FINE else 0.98)
