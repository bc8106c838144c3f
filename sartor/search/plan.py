"""What of a traced formula is worked out for every design, and what is looked up in tables.

Designs are choices from lists, and most of what a formula works out on the way depends on few of them: a table of it is
small, and taking a place of a table costs as much as some operations. Which of both for each part is a minimum cut: the
least to be paid so that everything that is asked for is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .lookup import Lookup
from .traced import MOST_PLACES, Traced, cast, in_order, traced

# Nanoseconds a design, roughly, in single precision with all arrays in the caches.
_COST_NS: dict[Callable[..., Any], float] = {
    np.where: 4.0, np.power: 1.0, np.take: 1.0, np.exp: 0.5, np.log: 0.5, np.log2: 0.4, np.sqrt: 0.3, np.divide: 0.3,
    cast: 0.3,
}  # fmt: skip
_OTHER_NS = 0.2
_TAKE_NS = 1.1  # from a table, and its share of numbering the places
_UNITS = 100  # of a nanosecond: the cut is made of whole numbers
_NEVER = 10**8


def planned(outputs: Mapping[str, Any], variables: int) -> dict[str, Any]:
    """The same figures of genomes of so many `variables`, by the cheapest mixture of operations and tables: bit for
    bit, for no operation changes. Plain numbers stay."""
    asked = merged({name: o for name, o in outputs.items() if isinstance(o, Traced)})
    nodes = list(in_order(asked.values()))
    lookup = Lookup(nodes, variables)
    worked_out = _cut(nodes, lookup, set(asked.values()))
    needed = {source for node in worked_out for source in node.sources}.union(asked.values())
    stands = lookup.taken(node for node in nodes if node in needed - worked_out)
    for node in nodes:
        if node in worked_out:
            stands[node] = _again(node, stands)
    return {**outputs, **merged({name: stands[node] for name, node in asked.items()})}


def merged(outputs: Mapping[str, Traced]) -> dict[str, Traced]:
    """Equal operations on equal things once."""
    same: dict[Any, Traced] = {}
    stands: dict[Traced, Traced] = {}
    for node in in_order(outputs.values()):
        given = tuple(stands[g] if isinstance(g, Traced) else g for g in node.given)
        key = node.call, tuple(map(_key, given)), repr(node.more), None if node.call else tuple(node.axes)
        stands[node] = same.setdefault(key, replace(node, given=given))
    return {name: stands[node] for name, node in outputs.items()}


def _key(given: Any) -> Any:
    """Equal for what is the same number of the same kind."""
    if isinstance(given, np.ndarray | np.generic):
        return given.dtype, given.shape, given.tobytes()
    return given if isinstance(given, Traced) else (type(given), repr(given))


def _again(node: Traced, stands: Mapping[Traced, Traced]) -> Traced:
    """`node` of what stands for its sources."""
    if node.call is None:
        return node
    given = tuple(stands[g] if isinstance(g, Traced) else g for g in node.given)
    nothing = node.call in (np.multiply, np.divide) and np.isscalar(given[1]) and given[1] == 1
    if nothing and given[0].dtype == node.dtype:
        return given[0]  # type: ignore[no-any-return]
    return traced(node.call, given, node.more)


def _cut(nodes: Sequence[Traced], lookup: Lookup, outputs: set[Traced]) -> set[Traced]:
    """Those of `nodes` that are worked out for every design, at the least cost.

    In the network, what is on the source's side is worked out. A node pays by its edge to the sink if it is. Beside it
    stands its door, on the source's side if anything that is worked out asks for the node; the edge from the door is
    paid if the node itself is not: then its table is taken.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    source, sink, doors = 2 * len(nodes), 2 * len(nodes) + 1, len(nodes)
    number = {node: i for i, node in enumerate(nodes)}
    edges: dict[tuple[int, int], int] = {}
    for node, i in number.items():
        edges[i, sink] = round(_UNITS * _COST_NS.get(node.call, _OTHER_NS)) if node.call else 0
        edges[doors + i, i] = round(_UNITS * _TAKE_NS) if lookup.places(node) <= MOST_PLACES else _NEVER
        edges.update({(i, doors + number[asked]): _NEVER for asked in node.sources})
        if node in outputs:
            edges[source, doors + i] = _NEVER
    ends = np.array(list(edges)).T
    network = csr_array((np.array(list(edges.values()), np.int32), ends), (sink + 1, sink + 1))
    left = network - maximum_flow(network, source, sink).flow
    left.eliminate_zeros()
    reached = set(breadth_first_order(left, source, return_predecessors=False).tolist())
    return {node for node, i in number.items() if i in reached}
