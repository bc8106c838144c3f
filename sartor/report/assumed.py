"""The facts that the chosen chip's price rests on."""

from __future__ import annotations

from typing import Any

from ..families.tensor.family import Tensor
from ..search.evaluate import evaluate
from ..search.explore import Exploration
from ..search.result import Deployment
from ..search.uncertainty import used_facts
from ..tables import table
from ..tech.technology import Technology
from ..units import to


def assumptions(run: Exploration, mine: Tensor, how: Deployment) -> list[dict[str, Any]]:
    """Every fact with a range that the chosen chip's price rests on, as its table has it."""

    def price(tech: Technology) -> Any:
        chips = Tensor(mine.designs, tech, mine.device)
        return evaluate(
            chips, run.problem.work, how, run.problem.economy, run.problem.budget, tech
        ).usd_per_mtoken

    rows = []
    for name in sorted(used_facts(price)):
        tab, item, quantity = name.split(".", 2)
        fact = table(tab).fact(item, quantity)
        if not _other_row(fact, run, mine):
            values = {end: to(getattr(fact, end), fact.unit) for end in ("value", "low", "high")}
            rows.append(
                {
                    "fact": name,
                    **values,
                    "unit": fact.unit,
                    "kind": fact.kind,
                    "date": fact.date,
                    "source": fact.source,
                }
            )
    return rows


def _other_row(fact: Any, run: Exploration, mine: Tensor) -> bool:
    """Whether a column's fact belongs to a node, memory, link or package that the chip does not use."""
    d = mine.designs
    used = {
        "nodes": {table("nodes").items[d.node], "N7"}, "memories": {table("memories").items[d.memory]},
        "links": {table("links").items[d.link]}, "packages": {table("packages").items[int(d.package(mine.device))]},
    }  # fmt: skip
    return fact.table in used and fact.item not in used[fact.table]
