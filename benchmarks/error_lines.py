"""Errors of groups of rows as benchmarks print them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sartor.validation.summary import Pair, figures


def error_lines(groups: Mapping[str, Sequence[Pair]]) -> Iterator[str]:
    """A line a group: how many rows; the median, 90th percentile and worst error, and the bias.

    >>> print(*error_lines({"decode": [Pair("", {}, "latency", s, 1.0) for s in (0.9, 0.95, 1.2)]}))
    decode                                                          3   10.0%   18.0%   20.0%   -5.0%
    """
    for name, found in groups.items():
        one = figures(found)
        errors = f"{one['median_ape']:7.1%} {one['p90_ape']:7.1%} {one['worst_ape']:7.1%}"
        yield f"{name:60} {one['n']:4} {errors} {one['bias']:+7.1%}"
