"""The search space as data: each variable is a list of values; a design is one choice of each (a genome)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..chip.spec import ENGINES
from ..errors import InputError, UnknownName
from ..families.tensor.design import FORMATS, Designs
from ..families.tensor.multipliers import together
from ..formats.hardware import by_table, decoded, no_decoder
from ..formats.parts import BASE, by_part
from ..formats.spec import format_named, listed
from ..tables import data_text, table
from ..tech.dram import SRAM
from ..tech.technology import Technology, rows_of
from ..units import parse
from .result import Deployment

# variable -> what its values measure; `name:TABLE` is a row of a table, "" a plain number
VARIABLES = {
    "node": "name:nodes", "memory": "name:memories", "units": "", "unit_capacity": "", "clock": "hz", "cores": "",
    "dies": "", "rows": "", "lanes": "", "columns": "", "vector_lanes": "", "scratchpad": "bytes", "fifo": "bytes",
    "weights": "format", "cache": "format", "attention": "format", "attn_qkv": "format", "attn_qk": "format",
    "attn_v": "format", "attn_o": "format", "ffn_down": "format", "embedding": "format", "link": "name:links",
    "tensor_parallel": "", "stages": "", "batch": "", "load": "", "engine": "engine",
}  # fmt: skip
BROKEN = ("load", "unit_capacity")  # plain numbers that need not be whole
# Formats of parts of the model, where the study gives them one of their own (formats.parts).
OWN = ("attention", "attn_qkv", "attn_qk", "attn_v", "attn_o", "ffn_down", "embedding")


@dataclass(frozen=True)
class Space:
    """`values[variable]`: what it may be, as numbers (rows of tables for kinds)."""

    values: tuple[tuple[str, tuple[float, ...]], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.values)

    @property
    def counts(self) -> np.ndarray:
        """Choices of each variable, [variables]."""
        return np.array([len(v) for _, v in self.values])

    @property
    def size(self) -> int:
        """Designs in the space."""
        return int(np.prod(self.counts.astype(object)))

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """`n` genomes, uniform over the space, [variables, n] of uint8."""
        genomes = np.zeros((len(self.values), n), np.uint8)
        for row, (_, values) in zip(genomes, self.values, strict=True):
            if len(values) > 1:
                # Raw 64-bit words cut in four, multiply and shift: uniform but for counts / 65536, and ten times
                # faster than bounded integers.
                raw = rng.integers(0, 2**64 - 1, -(-n // 4), np.uint64, endpoint=True)
                words = np.multiply(raw.view(np.uint16)[:n], len(values), dtype=np.uint32)
                np.right_shift(words, 16, out=row, casting="unsafe")
        return genomes

    def decode(self, genomes: np.ndarray, tech: Technology) -> tuple[Designs, Deployment]:
        """Genomes [variables, designs] to designs and how they are deployed."""
        v = {
            name: self._column(name, values, row, tech)
            for (name, values), row in zip(self.values, genomes, strict=True)
        }
        memory, units = v["memory"], v["units"]
        smallest, largest = (tech.column("memories", f"capacity_{end}", memory) for end in ("min", "max"))
        designs = Designs(
            node=v["node"], clock_hz=v["clock"], cores=v["cores"], dies=v["dies"], rows=v["rows"], lanes=v["lanes"],
            columns=v["columns"], vector_lanes=v["vector_lanes"], scratchpad_bytes=v["scratchpad"],
            fifo_bytes=v["fifo"], weights=v["weights"], cache=v["cache"], memory=memory, units=units,
            capacity_bytes=np.minimum(smallest * v["unit_capacity"], largest) * units,
            bandwidth_bytes_per_s=tech.column("memories", "bandwidth", memory) * units,
            link=v["link"], link_bytes_per_s=tech.column("links", "bandwidth", v["link"]),
            mix=by_part({name: v[name] for name in OWN if name in v}), engine=v.get("engine", 0),
        )  # fmt: skip
        return designs, Deployment(v["tensor_parallel"], v["stages"], v["batch"], v["load"])

    def _column(self, name: str, values: tuple[float, ...], row: np.ndarray, tech: Technology) -> Any:
        kind = VARIABLES[name]
        named = kind.startswith("name") or kind in ("format", "engine")
        if (
            len(values) == 1
        ):  # the same for all designs: a scalar costs nothing, and must not widen the others
            return int(values[0]) if named else tech.dtype(values[0])
        return rows_of(np.array(values, np.intp if named else tech.dtype), row)

    def describe(self, genome: Sequence[int] | np.ndarray) -> dict[str, Any]:
        """One genome in words and numbers."""
        out: dict[str, Any] = {}
        for (name, values), choice in zip(self.values, genome, strict=True):
            out[name] = _word(name, values[int(choice)])
        return out


def _word(name: str, value: float) -> Any:
    kind = VARIABLES[name]
    if kind.startswith("name:"):
        return table(kind[5:]).items[int(value)]
    if kind == "format":
        return FORMATS[int(value)]
    if kind == "engine":
        return ENGINES[int(value)]
    return int(value) if float(value).is_integer() else value


def space(lists: Mapping[str, Sequence[Any]], where: str = "[search]") -> Space:
    """The space of `lists`; variables that are not given keep the default space's values."""
    merged = {**tomllib.loads(data_text("space.toml")), **lists}
    for name in merged:
        if name not in VARIABLES:
            raise UnknownName("search variable", name, VARIABLES, where)
    if isinstance(merged["weights"], Mapping):
        merged |= _mixed(merged["weights"], f"{where} weights")
    if own := [name for name in OWN if name in merged]:
        _check_mix({name: merged[name] for name in ("weights", *own)}, where)
    if "lut" in _listed(merged.get("engine", ())):
        _check_by_table({name: merged[name] for name in ("weights", *own)}, where)
    return Space(tuple((name, _numbers(name, merged[name], where)) for name in VARIABLES if name in merged))


def _mixed(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """`weights` by part of the model as variables: that of the FFN is `weights`, whose multipliers the chip has."""
    names = {"ffn": "weights", BASE: "weights"} | {name: name for name in OWN}
    for name in given:
        if name not in names:
            raise UnknownName("part of a model", name, names, where)
    if ("ffn" in given) == (BASE in given):
        raise InputError(f"{where}: formats of the FFN once (try ffn = [...])")
    if BASE in given and "ffn_down" not in given:
        raise InputError(f"{where}: {BASE} without ffn_down (try ffn = [...] for both)")
    return {names[name]: values for name, values in given.items()}


def _check_mix(formats: Mapping[str, Any], where: str) -> None:
    """Only what chips can take: every format has a decoder, and any of them beside any other multipliers."""
    codings = {}
    for part, values in formats.items():
        for name in _listed(values):
            known = format_named(str(name)).name
            if known not in decoded():
                raise InputError(f"{where} {part}: {no_decoder(known)}")
            codings[known] = decoded()[known]
    together(codings, f"{where} weights")


def _check_by_table(formats: Mapping[str, Any], where: str) -> None:
    """Only what tables hold."""
    for part, values in formats.items():
        for name in _listed(values):
            if not by_table(format_named(str(name)).name):
                raise InputError(f"{where} {part}: {name!r} with engine 'lut', whose tables hold no sums of it "
                                 "(leave the format out, or the engine)")  # fmt: skip


def _listed(values: Any) -> list[Any]:
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _numbers(name: str, values: Any, where: str) -> tuple[float, ...]:
    values = _listed(values)
    if not 1 <= len(values) <= 255:
        raise InputError(f"{where} {name}: {len(values)} values (try 1 to 255)")
    return tuple(_number(name, v, f"{where} {name}") for v in values)


def _number(name: str, value: Any, where: str) -> float:
    kind = VARIABLES[name]
    if kind.startswith("name:"):
        known = table(kind[5:]).items
        if str(value) not in known:
            raise UnknownName(name, value, known, where)
        if value == SRAM:
            raise InputError(f"{where}: {SRAM!r} is none beside the die, where cores have their weights (leave it out)")
        return known.index(str(value))
    if kind == "format":
        return FORMATS.index(listed(str(value), where).name)
    if kind == "engine":
        if value not in ENGINES:
            raise UnknownName("engine", str(value), ENGINES, where)
        return ENGINES.index(value)
    if isinstance(value, (list, dict)):
        raise InputError(f"{where} = {value!r} must be one value, not several")
    number = parse(value, kind, where)
    if not number > 0:
        raise InputError(f"{where} = {value!r} must be above 0")
    if not kind and name not in BROKEN and number != int(number):
        raise InputError(f"{where} = {value!r} must be a whole number")
    return number
