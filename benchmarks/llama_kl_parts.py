"""llama.cpp as a judge of KL: files that both programs read, its raw logits, and what it does to what weights multiply.

Logits come from its C interface (the library of package xllamacpp), so that none of its own figures is taken on trust:
`llama-perplexity --kl-divergence` keeps its reference in 16 bits.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
from llama_kl_process import LOGITS, QUANTIZE, run

from sartor.formats import gguf_types
from sartor.formats.codec import codec
from sartor.quality import gguf_reader, rounding
from sartor.quality.classes import LINEAR, STORED
from sartor.quality.forward import Forward
from sartor.quality.model import Model
from sartor.quality.recipe import Recipe
from sartor.quality.rotation import orthogonal

NAMES = dict(
    zip(LINEAR, ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"), strict=True)
)
WRITES = ("attn_o", "ffn_down")  # to the residual stream
OfType = Callable[[str, np.ndarray], tuple[str, np.ndarray]]
SUPER = 256  # weights of a superblock: in SmolLM2-135M rows of ffn_down alone are whole ones
OWN = ("q4_0", "q4_1", "q5_0", "q8_0")  # that our codecs write to the byte


def written_rows(form: str, w: np.ndarray) -> np.ndarray:
    """Rows of bytes of a type of ggml: by our codec where it writes them, else by llama.cpp."""
    if form in OWN:
        return codec(form).encode(w).packed().reshape(len(w), -1)
    if form == "mxfp4":  # in GGUF a block is its scale, then codes j and 16 + j in a byte
        parts = codec("mxfp4").encode(w).parts
        codes = parts["codes"].reshape(len(w), -1, 32)
        packed = codes[..., :16] | codes[..., 16:] << 4
        return np.concatenate([parts["scale"].reshape(*packed.shape[:2], 1), packed], axis=-1).reshape(
            len(w), -1
        )
    kind = gguf.GGMLQuantizationType[form.upper()]
    block, size = gguf.GGML_QUANT_SIZES[kind]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "w.npy"), Path(folder, "q.npy")
        np.save(source, np.ascontiguousarray(w))
        run(QUANTIZE, kind.value, source, target, w.shape[1] // block * size)
        return np.load(target)


def of_type(form: str, exact: bool = False) -> OfType:
    """Matrices in `form`, those that are no whole superblocks in Q8_0; `exact`: the same numbers in binary32, so that
    nothing that they multiply is rounded."""

    def made(part: str, w: np.ndarray) -> tuple[str, np.ndarray]:
        name = "q8_0" if form.endswith("_k") and w.shape[1] % SUPER else form
        if name == "f32":
            return name, w
        rows = written_rows(name, w)
        if not exact:
            return name, rows
        return "f32", gguf_types.read(
            name.upper(), np.ascontiguousarray(rows).reshape(-1), *w.shape
        ).dequantized()

    return made


def written(source: Path, path: Path, model: Model, kind: OfType) -> Path:
    """The model in the file at `source`, its first `model.layers` layers, turned (docs/quality.md), since its weights
    are Q4_1 already; `kind`: of a class and its matrix, ggml's name of a type and the bytes of rows. The tables stay in
    binary32."""
    reader, writer = gguf.GGUFReader(source), gguf.GGUFWriter(path, "llama")
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            of = field.types[0]
            value = model.layers if field.name.endswith(".block_count") else field.contents()
            writer.add_key_value(field.name, value, of, field.types[-1] if of == 9 else None)
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
            w = (
                turn.T @ w
                if part in WRITES
                else (w * norms["attn_norm" if "attn" in part else "ffn_norm"]) @ turn
            )
            type_name, data = kind(part, np.ascontiguousarray(w))
            writer.add_tensor(
                f"blk.{i}.{name}.weight", data, raw_dtype=gguf.GGMLQuantizationType[type_name.upper()]
            )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def logits(
    path: Path, tokens: np.ndarray, vocabulary: int, cache: str = "f32", flash: bool = False
) -> np.ndarray:
    """float32 [tokens, vocabulary] as llama.cpp finds them; `cache`: the type of keys and values."""
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder, "tokens.npy"), Path(folder, "logits.npy")
        np.save(given, tokens.astype(np.int32))
        run(
            LOGITS, path, given, found, gguf.GGMLQuantizationType[cache.upper()].value, int(flash), vocabulary
        )
        return np.load(found)


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


def our_logits(path: Path, tokens: np.ndarray, activations: str = STORED) -> np.ndarray:
    """float32 [tokens, vocabulary]; `activations`: the type of weights whose inputs are rounded as llama.cpp does."""
    model = gguf_reader.model(path, path.stem, path.stem)
    forward = Forward(model, Recipe(activations="q8_0" if activations != STORED else STORED))
    if activations != STORED:
        forward.linear.activations = its_activations(activations)
    x = forward.begin(tokens[None])
    for i in range(model.layers):
        x = forward.layer(i, x)
    return np.asarray(forward.end(x) @ forward.linear.head(0, model.vocabulary).T)


def kl(reference: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Nats [positions], of logits [positions, vocabulary]."""
    found = []
    for p, q in zip(reference.astype(np.float64), other.astype(np.float64), strict=True):
        p, q = p - np.logaddexp.reduce(p), q - np.logaddexp.reduce(q)
        found.append(np.exp(p) @ (p - q))
    return np.array(found)
