"""A study: the model, its traffic, what users expect, the budget, the money and where to search. TOML, checked."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

from pydantic import Field

from ..errors import InputError, UnknownName
from ..tables import data_text
from ..version import VERSION
from ..workload.profiles import content_key
from .checked import checked
from .parts import (
    BudgetPart,
    ClaimPart,
    ComparePart,
    EconomicsPart,
    ModelPart,
    OtherPart,
    Part,
    QualityPart,
    SearchPart,
    SloPart,
    TrafficPart,
    VariantsPart,
)  # fmt: skip

MOST = 10**12  # designs, weeks on many machines
NAME = r"^\w[\w.-]*$"  # of a folder and of files


class Study(Part):
    """Everything `design` needs to know."""

    name: str = Field(description="Names the chip and the folder of results.", pattern=NAME, max_length=100)
    title: str = Field("", description="Heads the report.")
    title_ko: str = Field("", description="The same in Korean.")
    rests_on: str = Field("", description="What a reader should know before believing the answer.")
    rests_on_ko: str = Field("", description="The same in Korean.")
    model: ModelPart
    traffic: TrafficPart = TrafficPart()
    slo: SloPart = SloPart()
    quality: QualityPart = QualityPart()
    budget: BudgetPart = BudgetPart()
    economics: EconomicsPart = EconomicsPart()
    search: SearchPart = SearchPart()
    compare: ComparePart = ComparePart()
    others: list[OtherPart] = Field([], description="Other work the chip should do well.")
    variants: VariantsPart = VariantsPart()
    claims: list[ClaimPart] = Field([], description="Published claims, checked on the variants.")

    def asked(self, other: OtherPart) -> Study:
        """This study with the work of `other`."""
        slo = {k: v for k, v in (("ttft", other.ttft), ("tpot", other.tpot)) if v is not None}
        changed = {
            "traffic": TrafficPart(profile=other.profile or self.traffic.profile),
            "model": other.model or self.model,
            "slo": self.slo.model_copy(update=slo),
            "others": [],
        }
        if other.model:  # what formats cost was measured on the study's own model
            changed["quality"] = self.quality.model_copy(update={"kl": None})
        return self.model_copy(update=changed)

    def key(self) -> str:
        """Names the study's content and the program's version: equal keys give equal results by equal code."""
        profiles = [self.traffic.profile, *(o.profile for o in self.others if o.profile)]
        read = [content_key(name) for name in (*profiles, *filter(None, [self.quality.rows]))]
        content = json.dumps([VERSION, self.model_dump(), *filter(None, read)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def under(self, traffic: str | None) -> Study:
        """This study with other traffic: a profile, or a trace file."""
        if traffic is None:
            return self
        return self.model_copy(update={"traffic": self.traffic.model_copy(update={"profile": traffic})})

    def with_points(self, points: int | None = None, seed: int | None = None) -> Study:
        for name, value, least in (("points", points, 1), ("seed", seed, 0)):
            if value is not None and not least <= value <= MOST:
                raise InputError(f"{name} = {value} must be between {least} and {MOST:,}")
        given = {k: v for k, v in {"points": points, "seed": seed}.items() if v is not None}
        return self.model_copy(update={"search": SearchPart(**{**self.search.model_dump(), **given})})


def names() -> tuple[str, ...]:
    """The studies that come with Sartor."""
    return tuple(sorted(p.name.removesuffix(".toml") for p in files("sartor.data").joinpath("studies").iterdir()
                        if p.name.endswith(".toml")))  # fmt: skip


def loads(text: str, where: str) -> Study:
    """The study written in `text`."""
    return checked(Study, text, where)


def find_study(name_or_path: str) -> Study:
    """A study that comes with Sartor, or a TOML file."""
    if name_or_path in names():
        return loads(data_text(f"studies/{name_or_path}.toml"), f"studies/{name_or_path}.toml")
    if not name_or_path.endswith(".toml"):
        if Path(name_or_path).is_file():
            raise InputError(f"{name_or_path}: a study is a TOML file (its name must end in .toml)")
        raise UnknownName("study", name_or_path, names())
    try:
        return loads(Path(name_or_path).read_text(encoding="utf-8"), name_or_path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name_or_path}: cannot be read: {error}") from None
