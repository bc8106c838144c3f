"""Small GGUF files written byte by byte, for the tests."""

import struct

F32, Q8_0 = 0, 8


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def entry(key: str, value) -> bytes:
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    if isinstance(value, list) and value and isinstance(value[0], int):
        return text(key) + struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)
    if isinstance(value, list):
        return text(key) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
    return text(key) + struct.pack("<II", 4, value)


def gguf(metadata: dict, tensors: dict, version: int = 3, data_bytes: int | None = None) -> bytes:
    """`tensors`: name -> (shape with the row length first, type)."""
    infos, at = b"", 0
    for name, (shape, kind) in tensors.items():
        infos += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        infos += struct.pack("<IQ", kind, at)
        at += -(-tensor_bytes(shape, kind) // 32) * 32
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(metadata))
    head += b"".join(entry(k, v) for k, v in metadata.items()) + infos
    return head + bytes(-len(head) % 32) + bytes(at if data_bytes is None else data_bytes)


def tensor_bytes(shape: tuple, kind: int) -> int:
    elements = 1
    for size in shape:
        elements *= size
    return elements * 4 if kind == F32 else elements // 32 * 34


def metadata(arch: str, **more) -> dict:
    keys = {
        "embedding_length": 64, "block_count": 2, "context_length": 128, "feed_forward_length": 96,
        "attention.head_count": 4, "attention.head_count_kv": 2,
    } | more  # fmt: skip
    named = {f"{arch}.{k.replace('__', '.')}": v for k, v in keys.items()}
    return {"general.architecture": arch, **named, "tokenizer.ggml.tokens": ["a", "b", "c"]}


def tensors(qk_norm: bool = False, post_norms: bool = False, bias: bool = False, experts: int = 0) -> dict:
    """Those of a model with `metadata()`'s sizes and a vocabulary of 50, tied."""
    norm = ((64,), F32)
    found = {"token_embd.weight": ((64, 50), Q8_0), "output_norm.weight": norm}
    for i in range(2):
        block = {
            "attn_norm.weight": norm, "ffn_norm.weight": norm,
            "attn_q.weight": ((64, 64), Q8_0), "attn_output.weight": ((64, 64), Q8_0),
            "attn_k.weight": ((64, 32), Q8_0), "attn_v.weight": ((64, 32), Q8_0),
        }  # fmt: skip
        matrices = {"gate": (64, 96), "up": (64, 96), "down": (96, 64)}
        if experts:
            block["ffn_gate_inp.weight"] = ((64, experts), F32)
            block |= {f"ffn_{x}_exps.weight": ((*s, experts), Q8_0) for x, s in matrices.items()}
        else:
            block |= {f"ffn_{x}.weight": (s, Q8_0) for x, s in matrices.items()}
        if qk_norm:
            block |= {"attn_q_norm.weight": ((16,), F32), "attn_k_norm.weight": ((16,), F32)}
        if post_norms:
            block |= {"post_attention_norm.weight": norm, "post_ffw_norm.weight": norm}
        if bias:
            block |= {"attn_q.bias": ((64,), F32), "attn_k.bias": ((32,), F32), "attn_v.bias": ((32,), F32)}
        found |= {f"blk.{i}.{name}": value for name, value in block.items()}
    return found
