"""Flash decoding in Triton: the cache of each head split over programs, their parts added by a second kernel.

Source: Dao et al., "Flash-Decoding for long-context inference", 2023.
"""

from __future__ import annotations

from typing import Any

try:
    import triton
    import triton.language as tl
except ImportError:  # no GPU here: nothing of this file is used
    triton = None

PROGRAMS = 4  # started a multiprocessor
ROWS = 16  # least queries of a tensor core's operand

if triton is not None:

    @triton.jit
    def _parts(Q, K, V, PO, PM, PL, ctx, scale, S: tl.constexpr, HKV: tl.constexpr, G: tl.constexpr, D: tl.constexpr,
               B: tl.constexpr, BG: tl.constexpr):  # fmt: skip
        bh, sp = tl.program_id(0), tl.program_id(1)
        b, h = bh // HKV, bh % HKV
        og, od = tl.arange(0, BG), tl.arange(0, D)
        q = tl.load(Q + ((b * HKV + h) * G + og[:, None]) * D + od[None, :], mask=og[:, None] < G, other=0.0)
        m = tl.full([BG], -1e30, tl.float32)
        l = tl.zeros([BG], tl.float32)  # noqa: E741
        acc = tl.zeros([BG, D], tl.float32)
        per = tl.cdiv(tl.cdiv(ctx, S), B) * B
        lo = sp * per
        hi = tl.minimum(lo + per, ctx)
        base = (b * HKV + h).to(tl.int64) * ctx * D
        for st in range(lo, hi, B):
            on = st + tl.arange(0, B)
            msk = on < hi
            k = tl.load(K + base + on[:, None] * D + od[None, :], mask=msk[:, None], other=0.0)
            s = tl.dot(q, tl.trans(k)) * scale
            s = tl.where(msk[None, :], s, -1e30)
            mn = tl.maximum(m, tl.max(s, 1))
            p = tl.exp(s - mn[:, None])
            a = tl.exp(m - mn)
            l = l * a + tl.sum(p, 1)  # noqa: E741
            v = tl.load(V + base + on[:, None] * D + od[None, :], mask=msk[:, None], other=0.0)
            acc = acc * a[:, None] + tl.dot(p.to(v.dtype), v)
            m = mn
        o = (bh * S + sp) * BG
        tl.store(PM + o + og, m)
        tl.store(PL + o + og, l)
        tl.store(PO + (o + og[:, None]) * D + od[None, :], acc)

    @triton.jit
    def _sum(PO, PM, PL, O, S: tl.constexpr, G: tl.constexpr, D: tl.constexpr, BG: tl.constexpr):  # noqa: E741
        bh, g = tl.program_id(0), tl.program_id(1)
        od, os_ = tl.arange(0, D), tl.arange(0, S)
        m = tl.load(PM + (bh * S + os_) * BG + g)
        l = tl.load(PL + (bh * S + os_) * BG + g)  # noqa: E741
        w = tl.exp(m - tl.max(m, 0))
        den = tl.sum(w * l, 0)
        po = tl.load(PO + ((bh * S + os_[:, None]) * BG + g) * D + od[None, :])
        tl.store(O + (bh * G + g) * D + od, tl.sum(po * w[:, None], 0) / den)


class FlashDecoding:
    """Attention of one token a sequence to `ctx` cached ones."""

    def __init__(self, torch: Any, b: int, hq: int, hkv: int, d: int, ctx: int) -> None:
        self.shape, self.group, self.ctx = (b, hkv, d), hq // hkv, ctx
        self.rows = max(ROWS, triton.next_power_of_2(self.group))
        self.block = 128 if d <= 64 else 64
        cores = torch.cuda.get_device_properties(0).multi_processor_count
        self.splits = self._splits(max(1, cores * PROGRAMS // (b * hkv)))
        n = b * hkv * self.splits * self.rows
        self.po = torch.empty(n * d, device="cuda")
        self.pm, self.pl = torch.empty(n, device="cuda"), torch.empty(n, device="cuda")
        self.out = torch.empty(b, hq * d, device="cuda", dtype=torch.bfloat16)

    def _splits(self, wanted: int) -> int:
        splits = 1
        while splits < wanted and splits * self.block * 2 < self.ctx:
            splits *= 2
        return splits

    def __call__(self, q: Any, k: Any, v: Any) -> Any:
        b, hkv, d = self.shape
        partial = (self.po, self.pm, self.pl)
        _parts[(b * hkv, self.splits)](q, k, v, *partial, self.ctx, d**-0.5, self.splits, hkv, self.group, d,
                                       self.block, self.rows, num_warps=4, num_stages=3)  # fmt: skip
        _sum[(b * hkv, self.group)](*partial, self.out, self.splits, self.group, d, self.rows)
        return self.out
