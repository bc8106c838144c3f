"""KL as llama.cpp finds it, which shares no code with ours: real weights, and the same rounded to Q4_0."""

from __future__ import annotations

import numpy as np
import pytest
from llama_cpp import LlamaCpp

from sartor.formats.codec import codec
from sartor.quality import text
from sartor.quality.classes import LINEAR, parsed
from sartor.quality.measure import last_states
from sartor.quality.model import Model
from sartor.quality.recipe import Recipe

NEAR = 0.05  # of KL, of an independent implementation
LENGTHS = range(16, 240, 16)  # of the prompts after which the next token is compared
NAMES = dict(zip(LINEAR, ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"), strict=True))


def written(source, path, model: Model, form: str | None) -> None:
    """The file at `source` with its matrices in binary32, or rounded by our codec of `form`."""
    gguf = pytest.importorskip("gguf")
    reader, writer = gguf.GGUFReader(source), gguf.GGUFWriter(path, "llama")
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            kind = field.types[0]
            writer.add_key_value(field.name, field.contents(), kind, field.types[-1] if kind == 9 else None)
    ours = {f"blk.{i}.{theirs}.weight": (i, part) for i in range(model.layers) for part, theirs in NAMES.items()}
    for tensor in reader.tensors:
        if tensor.name not in ours:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
            continue
        w = model.reader.matrix(*ours[tensor.name])
        if form is None:
            writer.add_tensor(tensor.name, w)
        else:
            data = codec(form).encode(w).packed().reshape(len(w), -1)
            writer.add_tensor(tensor.name, data, raw_dtype=gguf.GGMLQuantizationType[form.upper()])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def their_logs(path, tokens: list[int], vocabulary: int) -> np.ndarray:
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


def our_logs(model: Model, tokens: np.ndarray, recipe: Recipe) -> np.ndarray:
    states, head = last_states(model, tokens[None], recipe)
    logits = (states[[n - 1 for n in LENGTHS]] @ head(0, model.vocabulary).T).astype(np.float64)
    logits -= logits.max(-1, keepdims=True)
    return np.asarray(logits - np.log(np.exp(logits).sum(-1, keepdims=True)))


def kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Nats [prompts]; tokens of no probability at all are left out."""
    seen = np.isfinite(p) & np.isfinite(q)
    return np.where(seen, np.exp(p) * np.where(seen, p - q, 0), 0).sum(-1)


@pytest.mark.long
@pytest.mark.slow
def test_the_harm_of_four_bits_is_theirs(weights, smollm2, tmp_path) -> None:
    model, words = smollm2
    tokens = text.windows(words, text.read("en"), 1024, False)[0, : max(LENGTHS)]
    logs = []
    for form in (None, "q4_0"):
        path = tmp_path / f"{form}.gguf"
        written(weights, path, model, form)
        logs.append(their_logs(path, tokens.tolist(), model.vocabulary))
        path.unlink()
    theirs = kl(*logs)
    # It rounds what matrices of blocks multiply to blocks of 32, and of binary32 not.
    ours = kl(our_logs(model, tokens, Recipe()), our_logs(model, tokens, Recipe(parsed("q4_0"), "q8_0")))
    assert ours.mean() == pytest.approx(theirs.mean(), rel=NEAR)
    assert np.corrcoef(theirs, ours)[0, 1] > 0.98 and 0.1 < ours.mean() < 1
