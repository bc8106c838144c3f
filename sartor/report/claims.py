"""Variants of a study and the claims held against them, as the report has them."""

from __future__ import annotations

from typing import Any

from ..formats.spec import format_named
from ..search.study import Study
from ..search.variants import Variant, held
from ..workload.workload import Workload

FIGURES = ("usd_per_mtoken", "j_per_token", "ttft_s", "tpot_s", "tokens_per_s", "power_w")


def variant_rows(made: list[Variant]) -> list[dict[str, Any]]:
    return [_row(variant) for variant in made]


def _row(variant: Variant) -> dict[str, Any]:
    named = {"memory": variant.memory, "weights": variant.weights, "bits": format_named(variant.weights).bits()}
    if variant.run is None:
        return {**named, "kept": False}
    found = variant.run.row(variant.run.pick)
    return {**named, "kept": True, **{name: found[name] for name in FIGURES}, "design": found["design"]}


def claim_rows(study: Study, made: list[Variant], work: Workload) -> list[dict[str, Any]]:
    """Each claim with the factor at every point, and where it holds."""
    return [{**claim.model_dump(), "points": held(claim, study, made, work)} for claim in study.claims]
