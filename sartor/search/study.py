"""A study: the model, its traffic, what users expect, the budget, the money and where to search. TOML, checked."""

from __future__ import annotations

import hashlib
import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from .. import __version__
from ..errors import BrokenFile, InputError, UnknownName
from ..tables import data_text
from ..units import parse


def _quantity(measures: str) -> Any:
    """A number with a unit, such as "2 W", or a bare one in coherent units."""
    written = {"type": "string"}, {"type": "number", "exclusiveMinimum": 0}
    schema = WithJsonSchema({"anyOf": list(written), "examples": [_EXAMPLES[measures]]})
    return Annotated[float, BeforeValidator(lambda v: _parse(v, measures)), Field(gt=0), schema]


_EXAMPLES = {"s": "20 ms", "w": "2 W", "mm2": "30 mm2", "usd": "25 USD"}


def _parse(value: Any, measures: str) -> float:
    try:
        return parse(value, measures)
    except InputError as error:  # pydantic adds the place to a ValueError
        raise ValueError(str(error)) from None


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelPart(_Part):
    """What is served: a bundled model's name or a file; formats that the checkpoint fixes, by tensor class;
    `real_weights`: `design` fetches the weights, checks their hash and that they are what the shapes say."""

    name: str = Field(description="A bundled model, or a config.json, GGUF, safetensors or TOML file.")
    real_weights: bool = Field(False, description="Whether design fetches the real weights and checks them.")
    formats: dict[str, str] = Field(
        {}, description="Number formats that the checkpoint fixes, by tensor class."
    )


class SloPart(_Part):
    """TTFT and TPOT that `percentile` percent of requests keep."""

    ttft: _quantity("s") = Field(2.0, description="Time to first token.")  # type: ignore[valid-type]
    tpot: _quantity("s") = Field(0.05, description="Time per output token.")  # type: ignore[valid-type]
    percentile: float = Field(95.0, gt=0, lt=100, description="Percent of requests that keep both.")


class TrafficPart(_Part):
    """A built-in profile or a trace file."""

    profile: str = Field("chat", description="A built-in profile, or a trace file.")


class OtherPart(_Part):
    """Work that the chip should do well too: other traffic, another model, with what its users expect. What is not
    given is the study's own."""

    name: str = Field(description="What the report calls it.")
    profile: str | None = Field(None, description="Its traffic.")
    model: ModelPart | None = Field(None, description="Its model.")
    ttft: _quantity("s") | None = Field(None, description="Time to first token.")  # type: ignore[valid-type]
    tpot: _quantity("s") | None = Field(None, description="Time per output token.")  # type: ignore[valid-type]


class BudgetPart(_Part):
    """`margin`: estimated figures must stay below their limits, the SLO too, by this share: the estimates have errors.
    Limits on one chip (power, die, unit_cost) and on a replica: chips, system_power, and
    batch, the requests it may serve at once (1: a device of one user)."""

    power: _quantity("w") | None = Field(None, description="Of one busy chip with its memory.")  # type: ignore[valid-type]
    die: _quantity("mm2") | None = Field(None, description="Area of one die; the reticle where not given.")  # type: ignore[valid-type]
    unit_cost: _quantity("usd") | None = Field(None, description="One chip with its memory, no NRE.")  # type: ignore[valid-type]
    chips: int | None = Field(None, ge=1, description="Chips of one replica.")
    batch: int | None = Field(None, ge=1, description="Requests that a replica serves at once.")
    system_power: _quantity("w") | None = Field(None, description="Of all chips of a replica.")  # type: ignore[valid-type]
    margin: float = Field(
        0.0, ge=0, lt=1, description="Share by which estimates must stay clear of every limit."
    )


class EconomicsPart(_Part):
    """Who pays: a row of economics.csv, chips made, and figures of that row which the study states itself."""

    profile: str = Field("datacenter", description="A row of economics.csv: datacenter or device.")
    volume: float = Field(100_000, gt=0, description="Chips made, over which what is paid once is spread.")
    figures: dict[str, str | float] = Field(
        {}, description="Figures of that row which the study states itself."
    )


class QualityPart(_Part):
    """Which formats the model bears, and on what evidence."""

    evidence: str = Field(
        "", description="Why the model bears the formats of the search; printed in the report."
    )


class SearchPart(_Part):
    """How hard to search; `space` replaces variables of the default space."""

    points: int = Field(4_000_000, ge=1, description="Designs to screen.")
    seed: int = Field(1, ge=0, description="Equal seeds give equal results.")
    population: int = Field(256, ge=8, le=4096, description="Of NSGA-II.")
    generations: int = Field(40, ge=0, description="Of NSGA-II; 0 leaves it out.")
    space: dict[str, Any] = Field(
        {}, description="Values of the variables it names, in place of the default ones."
    )


class ComparePart(_Part):
    """Chips one could buy instead, and the formats their weights and cache may take."""

    chips: list[str] = Field([], description="Chips to stand beside the chosen one.")
    weights: list[str] = Field(
        ["bf16", "fp8-e4m3", "int8", "nvfp4", "mxfp4", "int4-g128"],
        description="Formats that their weights may take.",
    )
    cache: list[str] = Field(["fp8-e4m3"], description="Formats that their KV cache may take.")


class Study(_Part):
    """Everything `design` needs to know."""

    name: str = Field(description="Names the chip and the folder of results.")
    title: str = Field("", description="Heads the report.")
    title_ko: str = Field("", description="The same in Korean.")
    rests_on: str = Field("", description="What a reader should know before believing the answer.")
    model: ModelPart
    traffic: TrafficPart = TrafficPart()
    slo: SloPart = SloPart()
    quality: QualityPart = QualityPart()
    budget: BudgetPart = BudgetPart()
    economics: EconomicsPart = EconomicsPart()
    search: SearchPart = SearchPart()
    compare: ComparePart = ComparePart()
    others: list[OtherPart] = Field([], description="Other work the chip should do well.")

    def asked(self, other: OtherPart) -> Study:
        """This study with the work of `other`."""
        slo = {k: v for k, v in (("ttft", other.ttft), ("tpot", other.tpot)) if v is not None}
        changed = {
            "traffic": TrafficPart(profile=other.profile or self.traffic.profile),
            "model": other.model or self.model,
            "slo": self.slo.model_copy(update=slo),
            "others": [],
        }
        return self.model_copy(update=changed)

    def key(self) -> str:
        """Names the study's content and the program's version: equal keys give equal results."""
        content = json.dumps([__version__, self.model_dump()], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def with_points(self, points: int | None = None, seed: int | None = None) -> Study:
        given = {k: v for k, v in {"points": points, "seed": seed}.items() if v is not None}
        return self.model_copy(update={"search": SearchPart(**{**self.search.model_dump(), **given})})


def names() -> tuple[str, ...]:
    """The studies that come with Sartor."""
    return tuple(sorted(p.name.removesuffix(".toml") for p in files("sartor.data").joinpath("studies").iterdir()
                        if p.name.endswith(".toml")))  # fmt: skip


def loads(text: str, where: str) -> Study:
    """The study written in `text`."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BrokenFile(f"{where}: not TOML: {error}") from None
    try:
        return Study.model_validate(raw)
    except ValidationError as error:
        raise _readable(error, where) from None


def _readable(error: ValidationError, where: str) -> InputError:
    """The first problem, with its place, its value and what would fit."""
    first = error.errors()[0]
    path = [str(p) for p in first["loc"]]
    place = f"{where}: [{'.'.join(path[:-1])}]" if len(path) > 1 else where
    if first["type"] == "extra_forbidden":
        return UnknownName("key", path[-1], _keys_at(path[:-1]), place)
    if first["type"] == "missing":
        return InputError(f"{place} lacks {path[-1]!r}")
    message = first["msg"].removeprefix("Value error, ")
    return InputError(f"{place} {path[-1] if path else ''} = {first.get('input')!r}: {message}")


def _keys_at(path: list[str]) -> list[str]:
    cls: Any = Study
    for name in path:
        annotation = cls.model_fields[name].annotation if name in cls.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        cls = annotation
    return list(cls.model_fields)


def find_study(name_or_path: str) -> Study:
    """A study that comes with Sartor, or a TOML file."""
    if name_or_path in names():
        return loads(data_text(f"studies/{name_or_path}.toml"), f"studies/{name_or_path}.toml")
    if not name_or_path.endswith(".toml"):
        raise UnknownName("study", name_or_path, names())
    try:
        return loads(Path(name_or_path).read_text(encoding="utf-8"), name_or_path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name_or_path}: cannot be read: {error}") from None
