"""The tables of a study file: what each key means, its unit and its bounds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from ..errors import InputError
from ..units import parse


def quantity(measures: str) -> Any:
    """A number with a unit, such as "2 W", or a bare one in coherent units."""
    written = {"type": "string"}, {"type": "number", "exclusiveMinimum": 0}
    schema = WithJsonSchema({"anyOf": list(written), "examples": [_EXAMPLES[measures]]})
    return Annotated[float, BeforeValidator(lambda v: _parse(v, measures)), Field(gt=0), schema]


_EXAMPLES = {"s": "20 ms", "w": "2 W", "mm2": "30 mm2", "usd": "25 USD", "bytes_per_s": "50 GB/s"}


def _parse(value: Any, measures: str) -> float:
    try:
        return parse(value, measures)
    except InputError as error:  # pydantic adds the place to a ValueError
        raise ValueError(str(error)) from None


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ModelPart(Part):
    """What is served: a bundled model's name or a file; formats that the checkpoint fixes, by tensor class;
    `real_weights`: `design` fetches the weights, checks their hash and that they are what the shapes say."""

    name: str = Field(description="A bundled model, or a config.json, GGUF, safetensors or TOML file.")
    real_weights: bool = Field(False, description="Whether design fetches the real weights and checks them.")
    formats: dict[str, str] = Field(
        {}, description="Number formats that the checkpoint fixes, by tensor class."
    )


class SloPart(Part):
    """TTFT and TPOT that `percentile` percent of requests keep."""

    ttft: quantity("s") = Field(2.0, description="Time to first token.")  # type: ignore[valid-type]
    tpot: quantity("s") = Field(0.05, description="Time per output token.")  # type: ignore[valid-type]
    percentile: float = Field(95.0, gt=0, lt=100, description="Percent of requests that keep both.")


class TrafficPart(Part):
    """A built-in profile or a trace file."""

    profile: str = Field("chat", description="A built-in profile, or a trace file.")
    rate: float | None = Field(
        None, gt=0, description="Requests a second of all users at the busiest moment: replicas are chosen for it."
    )


class OtherPart(Part):
    """Work that the chip should do well too: other traffic, another model, with what its users expect. What is not
    given is the study's own."""

    name: str = Field(description="What the report calls it.")
    profile: str | None = Field(None, description="Its traffic.")
    model: ModelPart | None = Field(None, description="Its model.")
    ttft: quantity("s") | None = Field(None, description="Time to first token.")  # type: ignore[valid-type]
    tpot: quantity("s") | None = Field(None, description="Time per output token.")  # type: ignore[valid-type]


class BudgetPart(Part):
    """`margin`: estimated figures must stay below their limits, the SLO too, by this share: the estimates have errors.
    Limits on one chip (power, die, unit_cost) and on a replica: chips, system_power, and
    batch, the requests it may serve at once (1: a device of one user)."""

    power: quantity("w") | None = Field(None, description="Of one busy chip with its memory.")  # type: ignore[valid-type]
    die: quantity("mm2") | None = Field(None, description="Area of one die; the reticle where not given.")  # type: ignore[valid-type]
    unit_cost: quantity("usd") | None = Field(None, description="One chip with its memory, no NRE.")  # type: ignore[valid-type]
    chips: int | None = Field(None, ge=1, description="Chips of one replica.")
    batch: int | None = Field(None, ge=1, description="Requests that a replica serves at once.")
    system_power: quantity("w") | None = Field(None, description="Of all chips of a replica.")  # type: ignore[valid-type]
    margin: float = Field(
        0.0, ge=0, lt=1, description="Share by which estimates must stay clear of every limit."
    )


class EconomicsPart(Part):
    """Who pays: a row of economics.csv, chips made, and figures of that row which the study states itself."""

    profile: str = Field("datacenter", description="A row of economics.csv: datacenter or device.")
    volume: float = Field(100_000, gt=0, description="Chips made, over which what is paid once is spread.")
    figures: dict[str, str | float] = Field(
        {}, description="Figures of that row which the study states itself."
    )


class QualityPart(Part):
    """Which formats the model bears, and on what evidence. `kl`: a bound on the mean KL of the compressed model to the
    reference, by measured rows (docs/quality.md); formats beyond it are no option, for rivals neither."""

    evidence: str = Field(
        "", description="Why the model bears the formats of the search; printed in the report."
    )
    evidence_ko: str = Field("", description="The same in Korean.")
    kl: float | None = Field(None, gt=0, description="Nats that weights, arithmetic and cache may cost together.")
    cache_kl: float | None = Field(
        None, gt=0, description="Nats that the chip's arithmetic with its cache may cost, whatever is known of weights."
    )
    axis: bool = Field(False, description="Whether KL is made small too, beside dollars, joules and seconds.")
    measured_on: str = Field("", description="The model whose measured rows count; the study's own where not given.")
    rows: str = Field("", description="A file of further measured rows (`sartor quality --rows`).")
    calibrated: bool = Field(
        False, description="Weights rounded with calibration (GPTQ) where that was measured: the same bits, less harm."
    )
    turned: bool = Field(
        True, description="Weights rounded with the residual stream turned: fair to every format (docs/quality.md)."
    )
    turned_values: bool = Field(
        False, description="Values of a cache of 4 bits turned, as real weights allow (docs/quality.md)."
    )


class SearchPart(Part):
    """How hard to search; `space` replaces variables of the default space."""

    points: int = Field(4_000_000, ge=1, description="Designs to screen.")
    seed: int = Field(1, ge=0, description="Equal seeds give equal results.")
    population: int = Field(256, ge=8, le=4096, description="Of NSGA-II.")
    generations: int = Field(40, ge=0, description="Of NSGA-II; 0 leaves it out.")
    space: dict[str, Any] = Field(
        {}, description="Values of the variables it names, in place of the default ones."
    )


class ComparePart(Part):
    """Chips one could buy instead, and the formats their weights and cache may take."""

    chips: list[str] = Field([], description="Chips to stand beside the chosen one.")
    weights: list[str] = Field(
        ["bf16", "fp8-e4m3", "int8", "nvfp4", "mxfp4", "int4-g128"],
        description="Formats that their weights may take.",
    )
    cache: list[str] = Field(["fp8-e4m3"], description="Formats that their KV cache may take.")


class VariantsPart(Part):
    """The same study with one format of weights and one kind of memory at a time, a search each; claims are checked on
    the chip of each. Traffic and limits are the study's own where not given."""

    weights: list[str] = Field([], description="Formats, each a search for each kind of memory; none: no variants.")
    memory: dict[str, list[str]] = Field({}, description="Kinds of memory by a name of your own.")
    points: int = Field(300_000, ge=1, description="Designs to screen for each.")
    profile: str | None = Field(None, description="Other traffic, which more memories can serve.")
    ttft: quantity("s") | None = Field(None, description="Time to first token.")  # type: ignore[valid-type]
    tpot: quantity("s") | None = Field(None, description="Time per output token.")  # type: ignore[valid-type]
    batches: list[int] = Field([1, 8, 32, 128], description="Requests at once that claims are checked at.")
    contexts: list[int] = Field([1024, 8192, 32768], description="Tokens in the cache that claims are checked at.")


class ClaimPart(Part):
    """Something published that the variants' chips are held against: `factor` times less than a chip that exists."""

    text: str = Field(description="The claim, as the report prints it.")
    text_ko: str = Field("", description="The same in Korean.")
    quantity: Literal["bytes", "joules"] = Field(description="Of one decoded token: memory traffic, or energy.")
    factor: float = Field(gt=0, description="How many times less.")
    chip: str = Field(description="The chip it is compared with, or as many of it as the model needs.")
    weights: str = Field("bf16", description="Their weights.")
    cache: str = Field("bf16", description="Their cache.")
    source: str = Field(description="Who said so, and where.")
    source_ko: str = Field("", description="The same in Korean.")
