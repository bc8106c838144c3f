"""The first NVIDIA GPU, measured with PyTorch: the device of `sartor measure gpu`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from .plan import CEILING_BYTES, Point, shape
from .torch_model import Decoder
from .torch_timing import Energy, Timer, torch_with_gpu
from .triton_attention import FlashDecoding

COLD_BYTES = 150e6  # operands in turn, so that none is found in the L2
SPARE_BYTES = 4e9
KERNEL_ENERGY_S, STEP_ENERGY_S = 0.35, 0.8
ENERGY_ROWS = (1, 16, 128, 1024, 4096)


class TorchGpu:
    """Measures one point at a time; the model of the last step is kept."""

    def __init__(self) -> None:
        self.torch = torch_with_gpu()
        self.torch.manual_seed(0)
        self.timer = Timer(self.torch, Energy())
        self.kept: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        return self.torch.cuda.get_device_name(0).replace(" ", "_")

    def measure(self, point: Point) -> dict[str, Any] | None:
        made: dict[str, Callable[..., dict[str, Any] | None]] = {
            "copy": self._copy, "read": self._read, "idle": self._idle, "gemm": self._gemm, "decode": self._decode,
            "prefill": self._prefill, "attn_decode": self._attn_decode, "attn_prefill": self._attn_prefill,
        }  # fmt: skip
        try:
            with self.torch.inference_mode():
                return made[point["kind"]](**{k: v for k, v in point.items() if k != "kind"})
        finally:
            self.torch.cuda.empty_cache()

    def _randn(self, *size: int) -> Any:
        return self.torch.randn(*size, device="cuda", dtype=self.torch.bfloat16)

    def _copy(self, bytes: int) -> dict[str, Any]:
        a = self.torch.empty(CEILING_BYTES, device="cuda", dtype=self.torch.uint8)
        b = self.torch.empty_like(a)
        return self.timer.timed(lambda i: b.copy_(a), 4, 1.0)

    def _read(self, bytes: int) -> dict[str, Any]:
        x = self.torch.randn(CEILING_BYTES // 4, device="cuda")
        return self.timer.timed(lambda i: x.sum(), 4, 1.0)

    def _idle(self) -> dict[str, Any]:
        if not self.timer.energy.nvml:
            raise RuntimeError("no NVML: power is not known")
        time.sleep(2)
        watts = []
        for _ in range(10):
            watts.append(self.timer.energy.watts())
            time.sleep(0.1)
        return {"W": sorted(watts)[5]}

    def _gemm(self, dt: str, M: int, K: int, N: int) -> dict[str, Any]:
        copies = max(1, min(16, math.ceil(COLD_BYTES / (K * N * (2 if dt == "bf16" else 1)))))
        call = {"bf16": self._gemm_bf16, "fp8": self._gemm_fp8, "int8": self._gemm_int8}[dt](M, K, N, copies)
        energy_s = KERNEL_ENERGY_S if M in ENERGY_ROWS else 0.0
        return self.timer.timed(call, max(4, copies), energy_s, 12)

    def _gemm_bf16(self, m: int, k: int, n: int, copies: int) -> Any:
        x, w = self._randn(m, k), [self._randn(n, k) for _ in range(copies)]
        out = self._randn(m, n)
        return lambda i: self.torch.mm(x, w[i % copies].t(), out=out)

    def _gemm_fp8(self, m: int, k: int, n: int, copies: int) -> Any:
        torch = self.torch
        x = self._randn(max(m, 16), k).to(torch.float8_e4m3fn)
        w, one = [self._randn(n, k).to(torch.float8_e4m3fn) for _ in range(copies)], torch.ones((), device="cuda")
        return lambda i: torch._scaled_mm(x, w[i % copies].t(), scale_a=one, scale_b=one, out_dtype=torch.bfloat16,
                                          use_fast_accum=True)  # fmt: skip

    def _gemm_int8(self, m: int, k: int, n: int, copies: int) -> Any:
        def codes(*size: int) -> Any:
            return self.torch.randint(-127, 127, size, device="cuda", dtype=self.torch.int8)

        x, w = codes(max(m, 32), k), [codes(n, k) for _ in range(copies)]
        return lambda i: self.torch._int_mm(x, w[i % copies].t())

    def _attn_decode(self, b: int, ctx: int, hq: int, hkv: int, d: int) -> dict[str, Any]:
        n = max(1, min(8, math.ceil(COLD_BYTES / (4 * b * ctx * hkv * d))))
        q = self._randn(b, hq * d)
        keys, values = ([self._randn(b, hkv, ctx, d) for _ in range(n)] for _ in range(2))
        attend = FlashDecoding(self.torch, b, hq, hkv, d, ctx)
        energy_s = KERNEL_ENERGY_S if b in (1, 64) else 0.0
        return self.timer.timed(lambda i: attend(q, keys[i % n], values[i % n]), max(4, n), energy_s, 12)

    def _attn_prefill(self, b: int, seq: int, hq: int, hkv: int, d: int) -> dict[str, Any]:
        q, k, v = self._randn(b, hq, seq, d), self._randn(b, hkv, seq, d), self._randn(b, hkv, seq, d)
        k, v = (x.repeat_interleave(hq // hkv, 1) for x in (k, v))
        attention = self.torch.nn.functional.scaled_dot_product_attention
        return self.timer.timed(lambda i: attention(q, k, v, is_causal=True), 4, 0, 12)

    def _model(self, model: str, dt: str) -> Decoder:
        if self.kept[:2] != (model, dt):
            self.kept = ()
            self.torch.cuda.empty_cache()
            self.kept = (model, dt, Decoder(self.torch, shape(model), dt))
        return self.kept[2]

    def _decode(self, model: str, dt: str, b: int, ctx: int) -> dict[str, Any] | None:
        torch, s = self.torch, shape(model)
        made = self._model(model, dt)
        if 4 * s.layers * b * ctx * s.kv_heads * s.head_dim > torch.cuda.mem_get_info()[0] - SPARE_BYTES:
            return None
        keys, values = ([self._randn(b, s.kv_heads, ctx, s.head_dim) for _ in range(s.layers)] for _ in range(2))
        attend = FlashDecoding(torch, b, s.heads, s.kv_heads, s.head_dim, ctx)
        ids, angles = torch.randint(0, s.vocabulary, (b,), device="cuda"), self._angles(1, s.head_dim)
        return self.timer.timed(
            lambda i: made.decode(ids, keys, values, attend, angles, ctx - 1).argmax(-1), 1, STEP_ENERGY_S, 40
        )

    def _prefill(self, model: str, dt: str, b: int, seq: int) -> dict[str, Any] | None:
        torch, s = self.torch, shape(model)
        made = self._model(model, dt)
        ids, angles = torch.randint(0, s.vocabulary, (b * seq,), device="cuda"), self._angles(b * seq, s.head_dim)
        return self.timer.timed(lambda i: made.prefill(ids, angles, b).argmax(-1), 1, STEP_ENERGY_S, 40)

    def _angles(self, rows: int, dim: int) -> tuple[Any, Any]:
        cosine, sine = (self.torch.rand(rows, 1, dim // 2, device="cuda") for _ in range(2))
        return cosine, sine
