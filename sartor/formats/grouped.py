"""Codecs whose neighbors of a row share scales: a format says what happens to equal groups; this, the rest."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BrokenFile, InputError
from . import stream
from .beside import Part
from .codec import Codec, Encoded, Parts, finite, floats
from .floats import Floats

CHUNK = 2**17  # weights at a time: they stay in the processor's cache
BLOCK = 32  # rows are whole blocks of so many weights, or of a group where that is shorter


@dataclass(frozen=True)
class Grouped(Codec):
    """x and codes are [n, groups, size]; the params of a group [n, groups, ...], those of the tensor as they are.

    params, codes and values are apart, so that who rounds with feedback (GPTQ) fixes the params of a group and then
    takes its columns one by one.
    """

    @property
    @abstractmethod
    def stored(self) -> tuple[Part, ...]:
        """The arrays beside the codes: the params."""

    @abstractmethod
    def params(self, x: np.ndarray, whole: Parts) -> Parts:
        """The scales of groups, as they are stored; `whole` is what the tensor shares."""

    @abstractmethod
    def codes(self, x: np.ndarray, params: Parts) -> np.ndarray:
        """The codes of x under these params."""

    @abstractmethod
    def values(self, codes: np.ndarray, params: Parts) -> np.ndarray:
        """float32: what the codes stand for."""

    def whole(self, w: Floats) -> Parts:
        """What all of the tensor shares."""
        return {}

    def groups_encoded(self, x: np.ndarray, whole: Parts) -> Parts:
        """Params and codes."""
        params = {**whole, **self.params(x, whole)}
        return {"codes": self.codes(x, params), **params}

    def encode(self, w: Floats | np.ndarray, where: str = "the weights") -> Encoded:
        w = floats(w)
        done = [parts for _, parts in self._chunks(w, where)]
        tensor = {p.name for p in self.stored if p.tensor}
        parts = {name: first if name in tensor else np.concatenate([d[name] for d in done])
                 for name, first in done[0].items()}  # fmt: skip
        return Encoded(self, w.n, w.k, parts)

    def round_trip(self, w: Floats | np.ndarray, where: str = "the weights") -> np.ndarray:
        w = floats(w)
        out = np.empty((w.n, w.k), np.float32)
        for rows, parts in self._chunks(w, where):
            self._decode(parts, out[rows])
        return out

    def decode(self, encoded: Encoded) -> np.ndarray:
        out = np.empty((encoded.n, encoded.k), np.float32)
        for rows in self._rows(encoded.n, encoded.k):
            own = {"codes": encoded.codes[rows]}
            for p in self.stored:
                part = encoded.parts[p.name]
                own[p.name] = part if p.tensor else part[rows.start // p.rows : -(-rows.stop // p.rows)]
            self._decode(own, out[rows])
        return out

    def pack(self, encoded: Encoded) -> np.ndarray:
        """The scales part by part, then the codes; each from a whole byte on."""
        raw = [stream.pack(encoded.parts[p.name], p.bits) for p in self.stored]
        return np.concatenate([*raw, self.pack_codes(encoded.codes)])

    def unpack(self, raw: Any, n: int, k: int) -> Encoded:
        raw, parts, at = np.frombuffer(raw, np.uint8), {}, 0
        for p in self.stored:
            shape = p.shape(n, self.groups(k))
            count = int(np.prod(shape))
            end = at + stream.size(count, p.bits)
            parts[p.name] = stream.unpack(raw[at:end].copy(), p.bits, count, np.dtype(p.dtype)).reshape(shape)
            at = end
        return Encoded(self, n, k, {"codes": self.unpack_codes(raw[at:], n, k), **parts})

    def pack_codes(self, codes: np.ndarray) -> np.ndarray:
        return stream.pack(codes, int(self.form.element_bits))

    def unpack_codes(self, raw: np.ndarray, n: int, k: int) -> np.ndarray:
        bits = int(self.form.element_bits)
        if len(raw) != stream.size(n * k, bits):
            raise BrokenFile(f"{len(raw)} bytes of codes are not {n} x {k} weights of {self.form.name}")
        return stream.unpack(raw, bits, n * k, self.code_type).reshape(n, k)

    @property
    def code_type(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    @property
    def block(self) -> int:
        """A row is whole blocks of so many weights."""
        return min(BLOCK, self.form.group or 1)

    def groups(self, k: int) -> int:
        """Of a row; the last may be shorter."""
        return -(-k // self.form.group) if self.form.group else 1

    def check(self, k: int, where: str) -> None:
        """Refuses rows that do not come in whole blocks."""
        if k % self.block or not k:
            raise InputError(
                f"{where}: rows of {k} weights are not whole blocks of {self.block}, as {self.form.name} asks for "
                "(try a format with one scale a channel, such as int8)"
            )

    def _chunks(self, w: Floats, where: str) -> Iterator[tuple[slice, Parts]]:
        """Some rows at a time, encoded."""
        self.check(w.k, where)
        whole = self.whole(w)
        for rows in self._rows(w.n, w.k):
            x = w.rows(rows).dequantized()
            finite(x, where, rows.start)
            yield rows, self._encode(x, whole, rows.start, where)

    def _encode(self, x: np.ndarray, whole: Parts, start: int, where: str) -> Parts:
        pieces = []
        for columns, groups in self._pieces(x.shape[1]):
            grouped = x[:, columns].reshape(len(x), groups, -1)
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # refused right after
                piece = self.groups_encoded(grouped, whole)
            self._check_scales(grouped, piece, (start, columns.start), where)
            piece["codes"] = piece["codes"].reshape(len(x), -1)
            pieces.append(piece)
        if len(pieces) == 1:
            return pieces[0]
        tensor = {p.name for p in self.stored if p.tensor}
        return {name: part if name in tensor else np.concatenate([p[name] for p in pieces], axis=1)
                for name, part in pieces[0].items()}  # fmt: skip

    def _check_scales(self, x: np.ndarray, params: Parts, at: tuple[int, int], where: str) -> None:
        """Scales in binary16 that overflowed are refused with the weight that is to blame."""
        for part in self.stored:
            if part.dtype is not np.uint16 or not (bad := (params[part.name] & 0x7C00) == 0x7C00).any():
                continue
            row, group = (int(i) for i in np.argwhere(bad)[0][:2])
            column = int(np.argmax(np.abs(x[row, group])))
            place = f"[{at[0] + row}, {at[1] + group * x.shape[2] + column}]"
            raise InputError(
                f"{where}: the weight {x[row, group, column]:g} at {place} is too large: its scale overflows binary16"
            )

    def _decode(self, parts: Parts, out: np.ndarray) -> None:
        first = 0
        for columns, groups in self._pieces(out.shape[1]):
            own = {p.name: parts[p.name] if p.tensor else parts[p.name][:, first : first + groups] for p in self.stored}
            codes = parts["codes"][:, columns].reshape(len(out), groups, -1)
            out[:, columns] = self.values(codes, own).reshape(len(out), -1)
            first += groups

    def _pieces(self, k: int) -> list[tuple[slice, int]]:
        """Columns and the equal groups in them: whole groups, then a shorter last one."""
        size = self.form.group or k
        cut = k - k % size
        ends = [(slice(0, cut), cut // size), (slice(cut, k), 1)]
        return [(columns, groups) for columns, groups in ends if columns.start < columns.stop]

    def _rows(self, n: int, k: int) -> Iterator[slice]:
        together = max((p.rows for p in self.stored), default=1)
        step = max(1, CHUNK // k // together) * together
        return (slice(start, min(start + step, n)) for start in range(0, n, step))
