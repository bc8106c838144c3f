"""A model on chips, ready to serve: its formats, its parallelism, the room for its cache, the times of its steps."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from ..chip.spec import Chip
from ..errors import InputError, UnknownName
from ..families import priced
from ..families.priced import Priced
from ..formats.spec import format_named
from ..search.evaluate import cache_token_bytes, state_request_bytes, weight_bytes
from ..tables import table
from ..workload.workload import Workload
from .chip_table import Sizes, chip_table
from .chip_times import ChipTimes
from .limits import POLICIES, Limits, Policy

TENSOR_PARALLEL = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class How:
    """How a chip serves a model. `tensor_parallel` None: the fewest chips that hold weights and one longest request.
    `power_cap_w`: of one chip. `swap_bytes_per_s`: of one chip's link to the host, over which the cache of pre-empted
    requests is moved; None: it is computed again. `policy`: fcfs, first come first served, or priority, by the
    trace's. The rest as in Limits."""

    weights: str | None = None
    cache: str | None = None
    tensor_parallel: int | None = None
    stages: int = 1
    max_seqs: int = 256
    batch_tokens: int = 2048
    block_tokens: int = 16
    power_cap_w: float | None = None
    swap_bytes_per_s: float | None = None
    policy: Policy = "fcfs"

    def __post_init__(self) -> None:
        for name in ("tensor_parallel", "stages", "max_seqs", "batch_tokens", "block_tokens"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= 65536:
                raise InputError(f"{name} = {value} must be from 1 to 65536")
        if self.policy not in POLICIES:
            raise UnknownName("policy", self.policy, POLICIES)
        for form in (f for f in (self.weights, self.cache) if f is not None):
            format_named(form)


@dataclass(frozen=True)
class Deployed:
    """One replica: `tensor_parallel` x `stages` chips. Each stage's place in the pipeline is an engine of its own: its
    batches pass all stages while those of the others do, so that every engine sees the time of the whole pass."""

    chip: Chip
    chips: Priced
    work: Workload
    how: How
    piece_tokens: int = 0  # of a prompt, that have a hash; 0: prompts share nothing

    @property
    def tensor_parallel(self) -> int:
        assert self.how.tensor_parallel is not None
        return self.how.tensor_parallel

    @property
    def count(self) -> int:
        """Chips of the replica."""
        return self.tensor_parallel * self.how.stages

    @property
    def static_w(self) -> float:
        """Of the replica."""
        return float(self.chips.static_w) * self.count

    @property
    def basis(self) -> str:
        """The price that its owner pays: a generated chip at cost, one to buy at its vendor's price where known, one
        that is only rented for its rent."""
        price = self.chip.price
        if self.chip.tile is not None or (price.purchase_usd is None and price.rental_usd_per_s is None):
            return "cost"
        return "rental" if price.purchase_usd is None else "vendor"

    @functools.cached_property
    def limits(self) -> Limits:
        """Of one engine."""
        how = self.how
        blocks = int(cache_tokens(self.chips, self.work, how, self.tensor_parallel) // how.block_tokens)
        return Limits(
            max(blocks, 1), how.max_seqs, how.batch_tokens, how.block_tokens, piece_tokens=self.piece_tokens,
            policy=how.policy,
            swap_s=how.swap_bytes_per_s and self.token_bytes / self.count / how.swap_bytes_per_s,
        )  # fmt: skip

    @functools.cached_property
    def times(self) -> ChipTimes:
        how = self.how
        size = Sizes(how.max_seqs, how.batch_tokens, min(self.limits.tokens, self.work.model.max_context))
        return ChipTimes(
            chip_table(self.chips, self.work.model, size, self.tensor_parallel, how.stages, self.work.formats,
                       how.power_cap_w)
        )  # fmt: skip

    @property
    def token_bytes(self) -> float:
        """Cache of one token, on all chips together."""
        one = cache_token_bytes(self.chips, self.work, self.work.demand.decode_context_mean, 1)
        return float(one)


def deploy(chip: Chip, work: Workload, how: How, piece_tokens: int = 0) -> Deployed:
    """`chip` serving `work`; the error says what does not fit."""
    if chip.tile is not None:
        how = _own_formats(chip, how)
    chips = priced(chip, how.weights, how.cache)
    if how.tensor_parallel is None:
        how = replace(how, tensor_parallel=_fewest(chips, work, how))
    _check_fits(chips, work, how, how.tensor_parallel or 1)
    return Deployed(chip, chips, work, how, piece_tokens)


def _own_formats(chip: Chip, how: How) -> How:
    """A generated chip has its formats in its tile."""
    assert chip.tile is not None
    for asked, own, what in ((how.weights, chip.tile.weights, "weights"), (how.cache, chip.tile.kv, "cache")):
        if asked not in (None, own):
            raise InputError(f"{chip.name}: its tile takes {what} in {own}, not {asked!r} (leave the option out)")
    return replace(how, weights=chip.tile.weights, cache=chip.tile.kv)


def _usable_bytes(chips: Priced) -> float:
    return float(chips.capacity_bytes) * table("overheads").fact("memory", "usable_fraction").value


def cache_tokens(chips: Priced, work: Workload, how: How, tensor_parallel: int) -> float:
    """Tokens that the cache of one engine holds: what weights and recurrent states leave of each chip's memory.

    A stage holds its layers' part of the cache of the requests of all stages: as many tokens as if it held all layers
    of its own requests.
    """
    free = _usable_bytes(chips) - float(weight_bytes(chips, work)) / (tensor_parallel * how.stages)
    state = float(state_request_bytes(work, tensor_parallel)) * how.max_seqs
    token = cache_token_bytes(chips, work, work.demand.decode_context_mean, tensor_parallel)
    return (free - state) / max(float(token), 1e-9)


def _fewest(chips: Priced, work: Workload, how: How) -> int:
    for count in TENSOR_PARALLEL:
        if cache_tokens(chips, work, how, count) >= work.demand.context_max:
            return count
    return TENSOR_PARALLEL[-1]


def _check_fits(chips: Priced, work: Workload, how: How, tensor_parallel: int) -> None:
    room = cache_tokens(chips, work, how, tensor_parallel)
    if room >= work.demand.context_max:
        return
    weights = float(weight_bytes(chips, work)) / (tensor_parallel * how.stages) / 1e9
    raise InputError(
        f"{chips.name}: {tensor_parallel} x {how.stages} chips have room for {max(room, 0):,.0f} tokens of cache "
        f"beside {weights:.1f} GB of weights each, but requests reach {work.demand.context_max:,.0f} tokens (try more "
        "--tensor-parallel, fewer bits for weights or cache, or fewer --max-seqs)"
    )
