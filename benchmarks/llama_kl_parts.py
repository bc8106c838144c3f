"""llama.cpp as a judge of KL: files that both programs read, its raw logits, and what it does to what weights multiply.

Logits come from its C interface (the library of package xllamacpp), so that none of its own figures is taken on trust:
`llama-perplexity --kl-divergence` keeps its reference in 16 bits. It runs in a process of its own: its library and that
of pyosys cannot live in one.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np

from sartor.errors import InputError
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

# llama.h says how its parameters lie in memory, and they move between versions: they are found by what they are set to.
LOGITS = """
import ctypes, sys, numpy as np
library, path, tokens, out, cache, flash, vocabulary = sys.argv[1:]
tokens, cache, flash, vocabulary = np.load(tokens), int(cache), int(flash), int(vocabulary)
lib, pointer, whole, n = ctypes.CDLL(library), ctypes.c_void_p, ctypes.c_int32, len(tokens)
class Opaque(ctypes.Structure):
    _fields_ = [("words", whole * 128)]
class Batch(ctypes.Structure):
    _fields_ = [("n", whole), ("token", ctypes.POINTER(whole)), ("embd", pointer), ("pos", ctypes.POINTER(whole)),
                ("n_seq", ctypes.POINTER(whole)), ("seq", ctypes.POINTER(ctypes.POINTER(whole))),
                ("logits", ctypes.POINTER(ctypes.c_int8))]
def function(name, gives, *takes):
    found = getattr(lib, name)
    found.restype, found.argtypes = gives, takes
    return found
said = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, pointer)
quiet = said(lambda *what: None)
function("llama_log_set", None, said, pointer)(quiet, None)
load = function("llama_model_load_from_file", pointer, ctypes.c_char_p, Opaque)
model = load(path.encode(), function("llama_model_default_params", Opaque)())
given = function("llama_context_default_params", Opaque)()
words = given.words
assert list(words[:4]) == [512, 2048, 512, 1], "tokens of the context, of a batch, computed at once; sequences"
threads = next(i for i in range(4, 12) if words[i] == words[i + 1] == 4)
flashes = next(i for i in range(threads, 24) if list(words[i : i + 4]) == [-1] * 4) + 3  # behind other choices
kinds = next(i for i in range(flashes + 8, 40) if list(words[i : i + 2]) == [1, 1])  # binary16, of keys and values
words[0] = words[1] = max(n, 64)
words[threads] = words[threads + 1] = 1
words[flashes], words[kinds], words[kinds + 1] = flash, cache, cache
context = function("llama_init_from_model", pointer, pointer, Opaque)(model, given)
batch = function("llama_batch_init", Batch, whole, whole, whole)(n, 0, 1)
batch.n = n
for i, token in enumerate(tokens):
    batch.token[i], batch.pos[i], batch.n_seq[i], batch.logits[i] = token, i, 1, 1
    batch.seq[i][0] = 0
assert function("llama_decode", whole, pointer, Batch)(context, batch) == 0
logits = function("llama_get_logits_ith", ctypes.POINTER(ctypes.c_float), pointer, whole)
np.save(out, np.stack([np.ctypeslib.as_array(logits(context, i), (vocabulary,)) for i in range(n)]))
"""


def library() -> Path:
    found = importlib.util.find_spec("xllamacpp")
    if found is None or found.origin is None:
        raise InputError("llama.cpp is not installed (pip install xllamacpp)")
    return next(Path(found.origin).parent.glob("xllamacpp*.so"))


def _run(script: str, *arguments: object) -> None:
    subprocess.run([sys.executable, "-c", script, str(library()), *map(str, arguments)], check=True)


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
        _run(QUANTIZE, kind.value, source, target, w.shape[1] // block * size)
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
        _run(
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
