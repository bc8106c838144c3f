"""What measuring an 8B model takes: peak memory, and what is lost when the run is killed.

    python benchmarks/quality_memory.py FOLDER [--layers 32] [--tokens 1024] [--weights int4-g32] [--json]

Writes a checkpoint of Llama-3.1-8B's shapes with random BF16 weights to FOLDER (16 GB with all 32 layers; the layers
hold the same numbers), measures it as `sartor quality` does, kills that half way through the compressed model, and
measures again. `anonymous_gb`: memory of its own at the peak; `resident_gb`: with the pages of the mapped weights,
which the system takes back when it needs them. `lost`: finished layers that the second run did again.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

DIM, FFN, HEADS, KV_HEADS, HEAD_DIM, VOCABULARY = 4096, 14336, 32, 8, 128, 128256
CONFIG = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": DIM, "intermediate_size": FFN,
    "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "head_dim": HEAD_DIM, "vocab_size": VOCABULARY,
    "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "max_position_embeddings": 8192, "tie_word_embeddings": False,
    "hidden_act": "silu",
}  # fmt: skip
MATRICES = {
    "self_attn.q_proj": (HEADS * HEAD_DIM, DIM), "self_attn.k_proj": (KV_HEADS * HEAD_DIM, DIM),
    "self_attn.v_proj": (KV_HEADS * HEAD_DIM, DIM), "self_attn.o_proj": (DIM, HEADS * HEAD_DIM),
    "mlp.gate_proj": (FFN, DIM), "mlp.up_proj": (FFN, DIM), "mlp.down_proj": (DIM, FFN),
}  # fmt: skip
NORMS = "input_layernorm", "post_attention_layernorm"
POLL_S, GB = 0.02, 1e9


def bfloat16(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """uint16 codes of normal numbers of 1 / sqrt(the last axis)."""
    x = rng.standard_normal(shape, np.float32) / np.float32(np.sqrt(shape[-1]))
    return np.asarray(x.view(np.uint32) >> 16, np.uint16)


def write(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """A .safetensors file."""
    header, at = {}, 0
    for name, codes in tensors.items():
        header[name] = {"dtype": "BF16", "shape": list(codes.shape), "data_offsets": [at, at + codes.nbytes]}
        at += codes.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for codes in tensors.values():
            codes.tofile(file)


def checkpoint(folder: Path, layers: int) -> None:
    """Kept where it is there already."""
    if (folder / "config.json").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng, ones = np.random.default_rng(1), np.full(DIM, 0x3F80, np.uint16)
    matrices = {name: bfloat16(rng, *shape) for name, shape in MATRICES.items()}
    for i in range(layers):
        own = {f"model.layers.{i}.{name}.weight": codes for name, codes in matrices.items()}
        write(folder / f"layer-{i:02}.safetensors", own | {f"model.layers.{i}.{n}.weight": ones for n in NORMS})
    for name in ("model.embed_tokens", "lm_head"):
        write(folder / f"{name}.safetensors", {f"{name}.weight": bfloat16(rng, VOCABULARY, DIM)})
    write(folder / "norm.safetensors", {"model.norm.weight": ones})
    (folder / "config.json").write_text(json.dumps(CONFIG | {"num_hidden_layers": layers}), encoding="utf-8")


def status() -> dict[str, int]:
    """Bytes by line of /proc/self/status."""
    lines = (line.split() for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return {words[0]: int(words[1]) * 1024 for words in lines if words[-1] == "kB"}


def child(folder: Path, tokens: int, weights: str) -> None:
    """Measures, and says each layer as it begins; at the end what it took."""
    from sartor.compiler.checkpoint import Checkpoint
    from sartor.quality.classes import parsed
    from sartor.quality.hf_reader import model
    from sartor.quality.measure import measure
    from sartor.quality.recipe import Recipe

    peak, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(POLL_S):
            peak[0] = max(peak[0], status()["RssAnon:"])

    threading.Thread(target=watch, daemon=True).start()
    window = np.random.default_rng(2).integers(0, VOCABULARY, (1, tokens))
    found = measure(
        model(Checkpoint(folder), f"random {folder} {tokens}"), window, Recipe(parsed(weights)),
        lambda what, done, of: print(f"layer {what} {done}", flush=True),
    )  # fmt: skip
    over.set()
    told = {"anonymous_gb": peak[0] / GB, "resident_gb": status()["VmHWM:"] / GB, "kl": found["kl"]}
    print("result " + json.dumps(told | {"cpu_seconds": found["cpu_seconds"]}), flush=True)


def lines(folder: Path, tokens: int, weights: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """What a process that measures says, as it says it."""
    command = [sys.executable, __file__, str(folder), "--child", "--tokens", str(tokens), "--weights", weights]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield process, line.split(" ", 1)


def killed(folder: Path, layers: int, tokens: int, weights: str) -> int:
    """The layer that ran when the process was killed."""
    for process, words in lines(folder, tokens, weights):
        if words[0] == "layer" and words[1].strip() == f"compressed {layers // 2}":
            time.sleep(1)  # in the middle of it
            os.kill(process.pid, signal.SIGKILL)
            return layers // 2
    raise SystemExit("the run was over before it could be killed: it is kept (set SARTOR_CACHE to a new folder)")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--weights", default="int4-g32")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.folder, options.tokens, options.weights)
        return 0
    checkpoint(options.folder, options.layers)
    at = killed(options.folder, options.layers, options.tokens, options.weights)
    ran, found = [], {}
    for _, words in lines(options.folder, options.tokens, options.weights):
        if words[0] == "layer":
            ran.append(tuple(words[1].strip().rsplit(" ", 1)))
        elif words[0] == "result":
            found = json.loads(words[1])
    again = [layer for what, layer in ran if what == "compressed"]
    files: Any = options.folder.glob("*.safetensors")
    found |= {"layers": options.layers, "tokens": options.tokens, "weights": options.weights, "killed_in": at,
              "lost": at - int(again[0]), "reference_again": sum(what == "reference" for what, _ in ran),
              "checkpoint_gb": sum(f.stat().st_size for f in files) / GB}  # fmt: skip
    print(json.dumps(found) if options.json else "\n".join(f"{k:16} {v}" for k, v in found.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
