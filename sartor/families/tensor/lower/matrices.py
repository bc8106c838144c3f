"""Matrices of the weight stream, and the norm whose result enters them."""

from __future__ import annotations

from ....errors import InputError
from ....formats.blocks import Blocks
from ..isa import Function, Op, Operand, Reduce, Scale, Source, Target, after
from ..memory_map import groups
from ..numerics import parts_of, unit_of
from .body import Body
from .program import EPSILON, MEAN

NO_NUMBER = {Scale.POWER: 0xFF, Scale.PAIR: 0x7F}  # codes of E8M0 and E4M3
KNOWN = (Scale.NONE, Scale.SCALE, Scale.SCALE_MINIMUM)  # scales that every decoder knows


def top_exponent(*matrices: Blocks) -> int:
    """The largest exponent field of their scales and minima; what is no number is refused."""
    top = 1
    for m in matrices:
        for codes in (m.scale, m.minimum):
            if codes is not None and not (codes is m.minimum and m.coding.zero):
                damaged = NO_NUMBER.get(m.coding.scale)
                fields = parts_of(m.coding.scale, codes)[1]
                top = max(top, int(fields.max()))
                if (codes == damaged).any() if damaged is not None else top == 31:
                    raise InputError("a weight scale is infinite or not a number: the file is damaged")
    return top


def norm(b: Body, label: str) -> None:
    """x / sqrt(mean(x^2) + epsilon) times gamma, quantized."""
    s, n = b.s, groups(b.net.dim)
    b.vec(f"{label}: gamma", columns=1, n=n, a_source=Source.WEIGHTS, d_addr=s.gamma)
    b.vec(
        f"{label}: 1 / rms", n=n, a_addr=s.x, a_stride=b.dim, p=Operand.A, reduce=Reduce.SUM,
        d_addr=after(0, MEAN, EPSILON, Function.RSQRT),
    )  # fmt: skip
    b.vec(
        f"{label}: x / rms", n=n, a_addr=s.x, a_stride=b.dim, p=Operand.SCALAR, d_addr=s.t, d_stride=b.dim
    )
    b.vec(label, n=n, a_addr=s.t, a_stride=b.dim, p=Operand.B, b_addr=s.gamma, target=Target.BUFFER)


def matrix(b: Body, label: str, w: Blocks, d_addr: int, stride: int, same: list[Blocks]) -> None:
    """One matrix of the weight stream; `same`: that of all layers, which one instruction serves."""
    if len(formats := sorted({str(m.coding) for m in same})) > 1:
        raise InputError(
            f"{b.net.name} cannot be mapped: {label} has {' and '.join(formats)} in different layers, "
            "which one loop runs (quantize it alike in all layers)"
        )
    b.add(Op.MM, label, **_fields(b, w, same), columns=b.tokens, d_addr=d_addr, d_stride=stride)


def head(b: Body) -> None:
    """The final norm, and the token with the largest logit."""
    norm(b, "final norm")
    b.add(Op.MM, "head", **_fields(b, b.net.head, [b.net.head]), columns=b.tokens, argmax=1)


def _fields(b: Body, w: Blocks, same: list[Blocks]) -> dict[str, int]:
    top, coding = top_exponent(*same), w.coding
    known = coding.element in b.core.elements and coding.scale in (*KNOWN, *b.core.scales)
    if not known or coding.planes > b.core.planes:
        raise InputError(f"{b.net.name} cannot be mapped: the core has no decoder for {coding}")
    if len({m.power for m in same}) > 1:
        raise InputError(
            f"{b.net.name} cannot be mapped: matrices that one loop runs have scales of their own (give all layers "
            "the same)"
        )
    return {
        "element": coding.element, "scale": coding.scale, "share": w.share(b.core.lanes),
        "tiles": -(-w.n // b.core.rows), "folds": -(-w.k // b.core.lanes), "exponent": top,
        "unit": unit_of(coding.scale, top, coding.counted, w.power), "planes": coding.planes - 1,
    }  # fmt: skip
