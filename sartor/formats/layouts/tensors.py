"""The tensors of one matrix in a checkpoint, and what all layouts do with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import BrokenFile, InputError, Unsupported
from ..beside import half, real
from ..codec import Encoded, Parts, codec
from ..floats import DTYPES, Floats
from ..spec import formats

WORD = 32  # bits
# Kinds of safetensors that hold codes, and what NumPy holds them as.
CODES: dict[str, np.dtype[Any]] = {
    "I32": np.dtype("<i4"), "I64": np.dtype("<i8"), "U8": np.dtype("u1"), "I8": np.dtype("i1"),
    "F8_E4M3": np.dtype("u1"), "F8_E5M2": np.dtype("u1"), "F8_E8M0": np.dtype("u1"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Tensor:
    """`kind` as safetensors says; small floats as their codes."""

    kind: str
    data: np.ndarray


@dataclass(frozen=True)
class Tensors:
    """By what follows the matrix's name; `where` names file and matrix in errors."""

    where: str
    found: Mapping[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.found:
            raise BrokenFile(f"{self.where}: tensor {name!r} is missing (there are: {', '.join(sorted(self.found))})")
        return self.found[name]

    def array(self, name: str, kinds: Collection[str], shape: tuple[int, ...]) -> np.ndarray:
        """A tensor of one of `kinds` and of this shape."""
        tensor = self[name]
        if tensor.kind not in kinds:
            raise Unsupported(f"{self.where}: {name} is {tensor.kind}, not {' or '.join(kinds)}")
        if tensor.data.shape != shape:
            sizes = (" x ".join(map(str, s)) or "one number" for s in (tensor.data.shape, shape))
            raise BrokenFile(f"{self.where}: {name} is {{}}, but its matrix asks for {{}}".format(*sizes))
        return tensor.data

    def real(self, name: str, *shapes: tuple[int, ...]) -> np.ndarray:
        """float32: a tensor of real numbers, finite, of one of `shapes`."""
        tensor = self[name]
        shape = tensor.data.shape if tensor.data.shape in shapes else shapes[0]
        data = self.array(name, DTYPES, shape)
        numbers = Floats(tensor.kind, data.reshape(1, -1)).dequantized().reshape(shape)
        if not np.isfinite(numbers).all():
            at = [int(i) for i in np.argwhere(~np.isfinite(numbers))[0]]
            raise InputError(f"{self.where}: {name} is {numbers[tuple(at)]:g} at {at}: not a number that can be stored")
        return numbers

    def only(self, *known: str) -> None:
        """Refuses a tensor that a reader would not look at, and a bias that is not 0: AutoGPTQ writes zeros."""
        if "bias" in self.found and self["bias"].data.any():
            raise Unsupported(f"{self.where}: bias is not 0 and has no place beside a matrix")
        if left := sorted(set(self.found) - set(known)):
            raise Unsupported(f"{self.where}: tensor {left[0]!r} has no place in this layout")


def number(config: Mapping[str, Any], name: str, known: Collection[Any], where: str) -> Any:
    """An entry that must be among `known`."""
    value = config.get(name)
    if not any(value == k and type(value) is type(k) for k in known):
        raise Unsupported(f"{where}: {name} = {value!r} is not read (known: {', '.join(map(str, known))})")
    return value


def groups_of(k: int, size: Any, where: str) -> int:
    """How many groups a row has; -1, or nothing said, is one for all of it."""
    if size is None or size == -1:
        return 1
    if not isinstance(size, int) or isinstance(size, bool):
        raise Unsupported(f"{where}: group_size = {size!r} is not a whole number (such as 128; -1 for a whole row)")
    if size < 1 or k % size:
        raise InputError(f"{where}: groups of {size} weights do not divide rows of {k}")
    return k // size


def order_of(tensors: Tensors, name: str, k: int, groups: int) -> np.ndarray | None:
    """int32 [k]: the group of each input, where the file says it and they are not in order (act-order). All -1: not
    said."""
    if name not in tensors.found:
        return None
    order = tensors.array(name, ("I32",), (k,))
    if (order == -1).all() or np.array_equal(order, np.arange(k) // (k // groups)):
        return None
    if order.min() < 0 or order.max() >= groups:
        wrong = int(order.min() if order.min() < 0 else order.max())
        raise BrokenFile(f"{tensors.where}: {name} names group {wrong} of {groups}")
    return order


def unordered(q: np.ndarray, scale: np.ndarray, zero: np.ndarray, order: np.ndarray) -> Floats:
    """d (q - z) where neighbors do not share a scale: real numbers, which no format holds in fewer bits."""
    return Floats("F32", np.asarray((q.astype(np.float32) - zero[:, order]) * scale[:, order], DTYPES["F32"]))


def words(packed: np.ndarray, bits: int) -> np.ndarray:
    """int32 [rows, words] to codes uint8 [rows, words x 32 / bits], low bits first, across words."""
    raw = np.ascontiguousarray(packed).view(np.uint8)
    flags = np.unpackbits(raw, axis=1, bitorder="little")
    each = flags[:, : flags.shape[1] // bits * bits].reshape(len(raw), -1, bits)
    return np.packbits(each, axis=2, bitorder="little")[..., 0]


def integers(q: np.ndarray, scale: np.ndarray, zero: np.ndarray | None, bits: int) -> Encoded | Floats:
    """d (q - z): q uint8 [n, k] without a sign, scale float32 and zero int [n, groups]; no zero is 2^(bits - 1)."""
    n, k = q.shape
    groups, middle = scale.shape[1], 2 ** (bits - 1)
    symmetric = zero is None or bool((zero == middle).all())
    name = _name(bits, k // groups, k, "" if symmetric else "-zp")
    halves = exact_halves(scale)
    held = symmetric or (zero is not None and zero.min() >= 0 and zero.max() < 2**bits)
    if name and halves is not None and held:
        codes = (q ^ np.uint8(128)).view(np.int8) if bits == 8 else q
        parts: Parts = {"codes": codes, "scale": halves}
        if not symmetric and zero is not None:
            parts["zero"] = zero.astype(np.uint8)
        return Encoded(codec(name), n, k, parts)
    steps = q.reshape(n, groups, -1).astype(np.float32) - (np.float32(middle) if zero is None else zero[..., None])
    return Floats("F32", np.asarray(steps * scale[..., None], np.float32).reshape(n, k))


def _name(bits: int, group: int, k: int, suffix: str) -> str | None:
    """The format of integers that holds these, if there is one."""
    names = [f"int{bits}-g{group}{suffix}", *([f"int{bits}{suffix}"] if group == k else [])]
    return next((n for n in names if n in formats() and formats()[n].codec == "integers"), None)


def exact_halves(numbers: np.ndarray) -> np.ndarray | None:
    """Encodings of binary16, if that holds all of them exactly."""
    with np.errstate(over="ignore"):
        halves = half(numbers)
    return halves if np.array_equal(real(halves), numbers) else None
