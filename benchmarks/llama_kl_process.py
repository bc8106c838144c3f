"""llama.cpp in processes of its own, since its library and that of pyosys cannot live in one: rows quantized by it, and
its logits at every position."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from sartor.errors import InputError

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


def run(script: str, *arguments: object) -> None:
    subprocess.run([sys.executable, "-c", script, str(library()), *map(str, arguments)], check=True)
