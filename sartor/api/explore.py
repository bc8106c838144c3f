"""Explore a study's designs."""

from __future__ import annotations

from ..search.explore import Exploration, Progress
from ..search.explore import explore as _explore
from ..search.study import Study, find_study


def explore(
    study: str | Study,
    points: int | None = None,
    seed: int | None = None,
    executor: str = "process",
    progress: Progress | None = None,
    resume: bool = False,
) -> Exploration:
    """Screen `points` designs of `study`, refine, and give the front. See `sartor.search.explore`."""
    found = find_study(study) if isinstance(study, str) else study
    return _explore(found.with_points(points, seed), executor, progress, resume)
