"""Whether a network and its context fit a core: what does not is refused with what would."""

from __future__ import annotations

from ....errors import InputError
from ..core import GROUP, Core
from ..network import Network
from .scratchpad import groups, scratch

MOST_SUMMED = 511 * GROUP  # of 8-bit codes: what the accumulator cannot overflow on (docs/numerics.md)


def check(core: Core, net: Network, context: int) -> int:
    """The context rounded up to granules; what does not fit is refused with what would."""
    asked, context = context, -(-context // core.granule) * core.granule
    if context > net.context:
        raise InputError(f"a context of {asked} tokens is beyond the {net.context} of {net.name}")
    _check_summed(core, net, context)
    fixed = (
        (net.head_dim & (net.head_dim - 1) == 0, f"head dimension {net.head_dim} is not a power of two"),
        (core.rows <= net.head_dim, f"{core.rows} rows are more than the head dimension {net.head_dim}"),
        (core.lanes <= net.head_dim, f"{core.lanes} lanes are more than the head dimension {net.head_dim}"),
        (net.dim % GROUP == 0 and net.ffn % GROUP == 0, "the model's width is not whole groups of 32"),
    )
    for ok, message in fixed:
        if not ok:
            raise InputError(f"{net.name} cannot be mapped: {message}")
    for columns in (1, core.columns):
        end = scratch(core, net, columns, context).end
        if end > core.scratch_groups:
            raise InputError(
                f"{columns} tokens of {net.name} at a context of {context} need {end} groups of scratchpad, but "
                f"the core has {core.scratch_groups} (a larger scratchpad, fewer columns or a shorter context)"
            )
    return context


def longest(core: Core, net: Network, most: int = 2048) -> int:
    """The longest context that fits, in granules, at most `most` tokens and the model's own."""
    granule = core.granule
    places = range(min(most, net.context) // granule * granule, 0, -granule)
    for context in places:
        try:
            return check(core, net, context)
        except InputError as error:
            reason = error
    raise reason if places else InputError(f"{net.name}: its context is below {granule} tokens")


def _check_summed(core: Core, net: Network, context: int) -> None:
    """What is summed must fit into the activation buffer, and its sum into the accumulator."""
    need, what, try_ = max(
        (net.dim, f"{net.name}'s width of {net.dim}", ""), (net.ffn, f"{net.name}'s FFN of {net.ffn}", ""),
        (net.heads * net.head_dim, f"{net.name}'s {net.heads} heads", ""),
        (context, f"a context of {context}", " or a shorter context"),
    )  # fmt: skip
    if groups(need) > core.buffer_groups:
        raise InputError(
            f"{what} needs {groups(need)} groups of activation buffer a column, but the core has "
            f"{core.buffer_groups} (a larger scratchpad, fewer columns{try_})"
        )
    if need > MOST_SUMMED:
        raise InputError(f"{what} is more than the {MOST_SUMMED} products that the accumulator can sum")
