"""A decoder with random weights in PyTorch: whole decode and prefill steps, head included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .plan import Shape

EPSILON = 1e-5
GROUP = 128  # of INT4 weights
PADDED = 16  # rows of an FP8 GEMM
RAISED = 16.0  # FP8 weights are stored so many times larger, away from subnormals, and products scaled back


class Linear:
    """x times a matrix of k x n, its weights in `dt`: bf16, fp8 (activations cast before) or int4 in groups."""

    def __init__(self, torch: Any, device: str, k: int, n: int, dt: str) -> None:
        self.torch, self.dt = torch, dt
        w = torch.randn(n, k, device=device, dtype=torch.bfloat16) * k**-0.5
        if dt == "int4":
            codes = torch.randint(0, 256, (n, k // 2), device=device, dtype=torch.uint8)
            self.w = torch.ops.aten._convert_weight_to_int4pack(codes, 8)
            scales = torch.full((k // GROUP, n), 0.01, device=device), torch.zeros(k // GROUP, n, device=device)
            self.scales = torch.stack(scales, -1).to(torch.bfloat16).contiguous()
        elif dt == "fp8":
            self.w = (w * RAISED).to(torch.float8_e4m3fn)
            self.one, self.lowered = (torch.full((), scale, device=device) for scale in (1.0, 1 / RAISED))
        else:
            self.w = w

    def __call__(self, x: Any) -> Any:
        if self.dt == "int4":
            return self.torch.ops.aten._weight_int4pack_mm(x, self.w, GROUP, self.scales)
        return self._fp8(x) if self.dt == "fp8" else x @ self.w.t()

    def _fp8(self, x: Any) -> Any:
        torch, rows = self.torch, x.shape[0]
        narrow = x.to(torch.float8_e4m3fn)
        if rows % PADDED:
            more = (0, 0, 0, PADDED - rows % PADDED)
            narrow = torch.nn.functional.pad(narrow.view(torch.uint8), more).view(torch.float8_e4m3fn)
        out = torch._scaled_mm(narrow, self.w.t(), scale_a=self.one, scale_b=self.lowered, out_dtype=torch.bfloat16,
                               use_fast_accum=True)  # fmt: skip
        return out[:rows]


class Passes:
    """What stands between the matrices, compiled where `compiled`."""

    def __init__(self, torch: Any, compiled: bool) -> None:
        make: Callable[[Any], Any] = (lambda f: torch.compile(f, dynamic=True)) if compiled else (lambda f: f)
        self.torch = torch
        self.norm, self.activation, self.rope = make(self._norm), make(self._activation), make(self._rope)

    def _norm(self, x: Any, r: Any, w: Any) -> tuple[Any, Any]:
        """RMS norm of the sum of x and the residual, and that sum."""
        torch = self.torch
        y = x.float() + r.float()
        return (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + EPSILON)).to(torch.bfloat16) * w, y.to(torch.bfloat16)

    def _activation(self, x: Any) -> Any:
        gate, up = x.chunk(2, -1)
        return self.torch.nn.functional.silu(gate) * up

    def _rope(self, x: Any, cosine: Any, sine: Any) -> Any:
        a, b = x.float().chunk(2, -1)
        turned = self.torch.cat((a * cosine - b * sine, b * cosine + a * sine), -1)
        return turned.to(self.torch.bfloat16)


class Decoder:
    """`shape` in PyTorch. A decode step takes one token a sequence, a prefill step whole prompts."""

    def __init__(self, torch: Any, shape: Shape, dt: str, device: str = "cuda", compiled: bool = True) -> None:
        self.torch, self.shape, self.device = torch, shape, device
        self.passes = Passes(torch, compiled)
        s, out = shape, shape.heads * shape.head_dim
        ones = torch.ones(s.hidden, device=device, dtype=torch.bfloat16)

        def linear(k: int, n: int, form: str = dt) -> Linear:
            return Linear(torch, device, k, n, form)

        self.layers = [
            {"qkv": linear(s.hidden, out + 2 * s.kv_heads * s.head_dim), "out": linear(out, s.hidden),
             "gate_up": linear(s.hidden, 2 * s.width), "down": linear(s.width, s.hidden),
             "before": ones.clone(), "between": ones.clone()}
            for _ in range(s.layers)
        ]  # fmt: skip
        self.embedding = torch.randn(s.vocabulary, s.hidden, device=device, dtype=torch.bfloat16)
        self.last, self.head = ones, linear(s.hidden, s.vocabulary, "bf16")

    def decode(self, ids: Any, keys: Any, values: Any, attend: Any, angles: tuple[Any, Any], position: int) -> Any:
        """`keys` and `values` [layers][b, kv_heads, context, head_dim]; writes those of the token at `position`."""
        rows = ids.shape[0]

        def mix(i: int, q: Any, k: Any, v: Any) -> Any:
            keys[i][:, :, position], values[i][:, :, position] = k, v
            return attend(q.view(rows, -1), keys[i], values[i])

        return self.head(self._layers(ids, angles, mix))

    def prefill(self, ids: Any, angles: tuple[Any, Any], prompts: int) -> Any:
        """`ids` of `prompts` equal prompts, one after the other; logits of their last tokens."""
        tokens, attention = ids.shape[0] // prompts, self.torch.nn.functional.scaled_dot_product_attention

        def mix(i: int, q: Any, k: Any, v: Any) -> Any:
            heads = (x.view(prompts, tokens, *x.shape[1:]).transpose(1, 2) for x in (q, k, v))
            mixed = attention(*heads, is_causal=True, enable_gqa=True)
            return mixed.transpose(1, 2).reshape(prompts * tokens, -1)

        hidden = self._layers(ids, angles, mix)
        return self.head(hidden.view(prompts, tokens, -1)[:, -1])

    def _layers(self, ids: Any, angles: tuple[Any, Any], mix: Any) -> Any:
        s, p, x = self.shape, self.passes, self.embedding[ids]
        rows, residual = x.shape[0], self.torch.zeros_like(x)
        ends = s.heads * s.head_dim, (s.heads + s.kv_heads) * s.head_dim
        for i, layer in enumerate(self.layers):
            h, residual = p.norm(x, residual, layer["before"])
            qkv = layer["qkv"](h)
            q = p.rope(qkv[:, : ends[0]].view(rows, s.heads, s.head_dim), *angles)
            k = p.rope(qkv[:, ends[0] : ends[1]].view(rows, s.kv_heads, s.head_dim), *angles)
            x = layer["out"](mix(i, q, k, qkv[:, ends[1] :].view(rows, s.kv_heads, s.head_dim)))
            h, residual = p.norm(x, residual, layer["between"])
            x = layer["down"](p.activation(layer["gate_up"](h)))
        return p.norm(x, residual, self.last)[0]
