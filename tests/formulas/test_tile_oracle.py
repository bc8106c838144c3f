"""The closed forms of the tile against schedules that are walked step by step."""

import random

import numpy as np
import pytest

from sartor.formulas import tile

TILES = [1, 2, 3, 4, 8, 16]


def walk_cycles(n: int, k: int, m: int, cores: int, rows: int, lanes: int, columns: int, passes: int) -> int:
    """Every core walks its own output features, fold by fold; the slowest core counts. Checks that every
    multiply-add is done once."""
    done = np.zeros((n, k, m), int)
    share = -(-n // cores)
    slowest = 0
    for core in range(cores):
        mine = range(core * share, min((core + 1) * share, n))
        cycles = 0
        for token in range(0, m, columns):
            for feature in range(mine.start, mine.stop, rows):
                for depth in range(0, k, lanes):
                    done[
                        feature : min(feature + rows, mine.stop),
                        depth : depth + lanes,
                        token : token + columns,
                    ] += 1
                    cycles += passes
        slowest = max(slowest, cycles)
    assert (done == 1).all()
    return slowest


@pytest.mark.parametrize("seed", range(300))
def test_cycles_equal_a_walk_over_all_folds(seed: int) -> None:
    rng = random.Random(seed)
    n, k, m = rng.randint(1, 60), rng.randint(1, 40), rng.randint(1, 20)
    cores, passes = rng.choice([1, 2, 3, 4]), rng.choice([1, 2])
    rows, lanes, columns = (rng.choice(TILES) for _ in range(3))
    closed = tile.gemm_cycles(n / cores, k, m, rows, lanes, columns, passes)
    assert closed == walk_cycles(n, k, m, cores, rows, lanes, columns, passes)


class Scratchpad:
    """Counts what must be fetched: half holds activations, the other halves of all cores hold weights."""

    def __init__(self, half: int, all_halves: int) -> None:
        self.half, self.all_halves, self.moved = half, all_halves, 0

    def fetch(self, n_bytes: int) -> int:
        self.moved += n_bytes
        return n_bytes


def blocks(total: int, room: int) -> list[int]:
    """`total` bytes in pieces of at most `room`."""
    return [min(room, total - start) for start in range(0, total, room)]


def tokens_outside(weights: int, into: int, out: int, pad: Scratchpad) -> int:
    """A block of tokens stays; all weights stream past it; its results leave."""
    pieces = blocks(into, pad.half)
    for piece in pieces:
        if len(pieces) > 1:  # else the activations were on the chip and stay there
            pad.fetch(piece)
        for block in blocks(weights, pad.all_halves):
            pad.fetch(block)
    if len(pieces) > 1:
        pad.fetch(out)
    return pad.moved


def weights_outside(weights: int, into: int, out: int, pad: Scratchpad) -> int:
    """A block of weights stays in the cores; all tokens stream past it; finished results leave once."""
    resident = len(blocks(into, pad.half)) == 1
    for block in blocks(weights, pad.all_halves):
        pad.fetch(block)
        for piece in blocks(into, pad.half):
            if not resident:
                pad.fetch(piece)
    if not resident:
        pad.fetch(out)
    return pad.moved


@pytest.mark.parametrize("seed", range(300))
def test_bytes_equal_the_better_of_two_walks(seed: int) -> None:
    rng = random.Random(1000 + seed)
    weights, into, out = rng.randint(1, 5000), rng.randint(1, 2000), rng.randint(1, 2000)
    half, cores = rng.randint(1, 800), rng.choice([1, 2, 4, 8])
    walked = min(
        order(weights, into, out, Scratchpad(half, half * cores))
        for order in (tokens_outside, weights_outside)
    )
    closed = tile.gemm_bytes(weights, into, out, half, len(blocks(weights, half * cores)))
    assert closed == walked


@pytest.mark.parametrize("seed", range(100))
def test_whole_tokens_cost_at_most_one_block_more(seed: int) -> None:
    """The closed form lets a block end inside a token. Where only whole tokens are held there may be more
    blocks: as many as the share of a token that is left over asks for."""
    rng = random.Random(2000 + seed)
    tokens, token = rng.randint(1, 300), rng.randint(1, 60)
    half = token * rng.randint(2, 30) + rng.randint(0, token - 1)
    whole = -(-tokens // (half // token))
    free = -(-tokens * token // half)
    assert free <= whole <= free * 1.5 + 1
