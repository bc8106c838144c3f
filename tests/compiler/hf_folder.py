"""Hugging Face folders for tests: config.json and .safetensors, written by the package `safetensors`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import TensorSpec, serialize_file

from sartor.compiler.hf_shape import neighbors
from sartor.families.tensor.network import Network

KINDS = {"BF16": "bfloat16", "F16": "float16", "F32": "float32", "I32": "int32"}
CONFIG = {
    "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
    "intermediate_size": 96, "num_hidden_layers": 2, "vocab_size": 48, "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5, "rope_theta": 50000.0, "hidden_act": "silu", "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}  # fmt: skip


def raw(w: np.ndarray, kind: str) -> np.ndarray:
    if kind == "BF16":
        bits = np.ascontiguousarray(w, "<f4").view("<u4")
        return (bits + 0x7FFF + (bits >> 16 & 1) >> 16).astype("<u2")  # to nearest, ties to even
    return np.ascontiguousarray(w, {"F16": "<f2", "F32": "<f4", "I32": "<i4"}[kind])


def save(path: Path, tensors: dict[str, np.ndarray], kinds: dict[str, str] | None = None, kind: str = "BF16") -> None:
    """One .safetensors file."""
    chosen = {name: (kinds or {}).get(name, kind) for name in tensors}
    stored = {name: raw(w, chosen[name]) for name, w in tensors.items()}  # until it is written
    entries = {
        name: TensorSpec(
            dtype=KINDS[chosen[name]], shape=list(data.shape), data_ptr=data.ctypes.data, data_len=data.nbytes
        )
        for name, data in stored.items()
    }
    serialize_file(entries, str(path))


def weights(config: dict[str, Any], seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights of the shapes that `config` asks for, exact in bfloat16."""
    rng = np.random.default_rng(seed)
    dim, ffn, size = (config[name] for name in ("hidden_size", "intermediate_size", "head_dim"))
    wide, narrow = config["num_attention_heads"] * size, config["num_key_value_heads"] * size
    layer = {
        "self_attn.q_proj": (wide, dim), "self_attn.k_proj": (narrow, dim), "self_attn.v_proj": (narrow, dim),
        "self_attn.o_proj": (dim, wide), "mlp.gate_proj": (ffn, dim), "mlp.up_proj": (ffn, dim),
        "mlp.down_proj": (dim, ffn), "input_layernorm": (dim,), "post_attention_layernorm": (dim,),
    }  # fmt: skip
    shapes = {"model.embed_tokens.weight": (config["vocab_size"], dim), "model.norm.weight": (dim,)}
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = (config["vocab_size"], dim)
    for i in range(config["num_hidden_layers"]):
        shapes |= {f"model.layers.{i}.{name}.weight": shape for name, shape in layer.items()}
    found = {n: rng.normal(1, 0.2, s) if len(s) == 1 else rng.normal(0, s[1] ** -0.5, s) for n, s in shapes.items()}
    return {name: (w.astype("<f4").view("<u4") & 0xFFFF0000).view("<f4") for name, w in found.items()}


def folder(path: Path, tensors: dict[str, np.ndarray] | None = None, kinds=None, **changes: Any) -> Path:
    """A folder with the tensors of CONFIG, or others; an entry of None is left out."""
    config = {name: value for name, value in {**CONFIG, **changes}.items() if value is not None}
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps(config))
    save(path / "model.safetensors", weights(CONFIG) if tensors is None else tensors, kinds)
    return path


def unpacked(net: Network) -> dict[str, np.ndarray]:
    """The tensors of a network as Hugging Face names and orders them, in binary32; head and embedding are one."""
    wide, narrow = net.heads * net.head_dim, net.kv_heads * net.head_dim
    back = {rows: np.argsort(neighbors(rows, net.head_dim)) for rows in (wide, narrow)}
    found = {"model.embed_tokens.weight": net.embedding.dequantized(), "model.norm.weight": net.final_norm}
    for i, layer in enumerate(net.layers):
        q, k, v = np.split(layer.qkv.dequantized(), [wide, wide + narrow])
        gate, up = np.split(layer.gate_up.dequantized(), 2)
        parts = {
            "self_attn.q_proj": q[back[wide]], "self_attn.k_proj": k[back[narrow]], "self_attn.v_proj": v,
            "self_attn.o_proj": layer.output.dequantized(), "mlp.gate_proj": gate, "mlp.up_proj": up,
            "mlp.down_proj": layer.down.dequantized(), "input_layernorm": layer.attention_norm,
            "post_attention_layernorm": layer.ffn_norm,
        }  # fmt: skip
        found |= {f"model.layers.{i}.{name}.weight": w for name, w in parts.items()}
    return found


def unpacked_config(net: Network) -> dict[str, Any]:
    return {
        "hidden_size": net.dim, "num_attention_heads": net.heads, "num_key_value_heads": net.kv_heads,
        "head_dim": net.head_dim, "intermediate_size": net.ffn, "num_hidden_layers": len(net.layers),
        "vocab_size": net.vocabulary, "max_position_embeddings": net.context, "rms_norm_eps": net.epsilon,
        "rope_theta": net.rope_base, "tie_word_embeddings": True,
    }  # fmt: skip
