"""What is measured, point by point: the inputs of the rows of docs/validation.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import InputError, UnknownName, Unsupported
from ..workload.find import bundled
from ..workload.find import names as model_names
from ..workload.model import FeedForward, GroupedAttention

Point = dict[str, Any]

SECTIONS = ("ceiling", "gemm", "attn", "decode", "prefill")
MODELS = ("llama-3.1-8b", "llama-3.2-1b", "llama-2-7b", "smollm2-135m")
WEIGHTS = ("bf16", "fp8", "int4")
CEILING_BYTES = 2**30
ROWS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048, 4096, 8192)
# K x N of projections, feed-forward matrices and heads of models from 1B to 70B; the first six also in INT8.
MATRICES = (
    (4096, 4096), (4096, 6144), (4096, 28672), (14336, 4096), (8192, 8192), (8192, 57344), (28672, 8192), (2048, 16384),
    (2048, 2048), (1024, 6144), (5120, 5120), (3584, 18944), (4096, 128256), (7168, 2048),
)  # fmt: skip
LEAST_ROWS = {"bf16": 1, "fp8": 16, "int8": 32}
MOST_OUTPUTS = 8192 * 60_000
HEADS = ((32, 8, 128), (32, 32, 128), (64, 8, 128), (32, 8, 64), (16, 8, 128))
MOST_CACHE_BYTES = 20e9
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
CONTEXTS = (512, 2048, 8192, 32768)
PROMPTS = ((1, 128), (1, 512), (1, 1024), (1, 2048), (1, 4096), (1, 8192), (4, 512), (4, 2048), (8, 1024), (1, 16384))
_INPUTS = ("kind", "dt", "M", "K", "N", "b", "ctx", "seq", "hq", "hkv", "d", "model", "bytes")


@dataclass(frozen=True)
class Plan:
    """What to measure; checked when built."""

    sections: tuple[str, ...] = SECTIONS
    models: tuple[str, ...] = MODELS
    weights: tuple[str, ...] = ("bf16", "fp8")

    def __post_init__(self) -> None:
        for what, given, known in (("section", self.sections, SECTIONS), ("weight format", self.weights, WEIGHTS),
                                   ("model", self.models, model_names())):  # fmt: skip
            for name in given:
                if name not in known:
                    raise UnknownName(what, name, known)
        for name in self.models:
            shape(name)

    def points(self) -> Iterator[Point]:
        """Every point in the order in which it is measured."""
        made = {"ceiling": _ceiling, "gemm": _gemms, "attn": _attention}
        for section in self.sections:
            yield from made[section]() if section in made else self._steps(section)

    def _steps(self, phase: str) -> Iterator[Point]:
        for model in self.models:
            for dt in self.weights:
                for b, length in _cases(phase):
                    yield {"kind": phase, "model": model, "dt": dt, "b": b, _LENGTH[phase]: length}


_LENGTH = {"decode": "ctx", "prefill": "seq"}


def _cases(phase: str) -> Iterable[tuple[int, int]]:
    return ((b, c) for c in CONTEXTS for b in BATCHES) if phase == "decode" else PROMPTS


def _ceiling() -> Iterator[Point]:
    yield {"kind": "copy", "bytes": 2 * CEILING_BYTES}
    yield {"kind": "read", "bytes": CEILING_BYTES}
    yield {"kind": "idle"}


def _gemms() -> Iterator[Point]:
    for dt, least in LEAST_ROWS.items():
        for k, n in MATRICES if dt != "int8" else MATRICES[:6]:
            rows = (m for m in ROWS if m >= least and m * n <= MOST_OUTPUTS)
            yield from ({"kind": "gemm", "dt": dt, "M": m, "K": k, "N": n} for m in rows)


def _attention() -> Iterator[Point]:
    for hq, hkv, d in HEADS:
        heads = {"hq": hq, "hkv": hkv, "d": d}
        for b in (1, 4, 16, 64, 128, 256):
            for ctx in (256, 1024, 4096, 16384, 65536):
                if 4 * b * ctx * hkv * d <= MOST_CACHE_BYTES:
                    yield {"kind": "attn_decode", "b": b, "ctx": ctx, **heads}
        for b, seq in ((1, 512), (1, 2048), (1, 8192), (4, 2048), (1, 16384)):
            yield {"kind": "attn_prefill", "b": b, "seq": seq, **heads}


def key(row: Point) -> tuple[tuple[str, Any], ...]:
    """What makes two rows the same measurement.

    >>> key({"kind": "idle", "W": 120.0})
    (('kind', 'idle'),)
    """
    return tuple((name, row[name]) for name in _INPUTS if name in row)


@dataclass(frozen=True)
class Shape:
    """A dense decoder of equal layers."""

    layers: int
    hidden: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int


def shape(model: str) -> Shape:
    """The shape of a bundled model that the measuring program can build: dense, grouped heads, gated."""
    found = bundled(model)
    layer, more = found.layers[0], found.layers[1:]
    mixer, mlp = layer.mixer, layer.mlp
    plain = isinstance(mixer, GroupedAttention) and isinstance(mlp, FeedForward) and mlp.gated
    if more or not plain:
        raise Unsupported(f"{model}: only dense models of equal layers, grouped heads and gated widths are measured")
    assert isinstance(mixer, GroupedAttention) and isinstance(mlp, FeedForward)
    if mixer.window or mixer.gated:
        raise Unsupported(f"{model}: windows and gates of attention are not measured")
    return Shape(layer.count, found.hidden, mlp.width, mixer.heads, mixer.kv_heads, mixer.head_dim, found.vocabulary)


def chosen(text: str | None, default: tuple[str, ...], what: str) -> tuple[str, ...]:
    """Names in a list with commas.

    >>> chosen("bf16, fp8", (), "weights")
    ('bf16', 'fp8')
    """
    if text is None:
        return default
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found:
        raise InputError(f"{what} = {text!r} names nothing")
    return found
