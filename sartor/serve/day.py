"""A day of traffic: the same requests, closer together at noon than at night."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..workload.traffic import Pieces, Traffic

DAY_S = 86400.0
HOURS = 24


def day(traffic: Traffic, peak_per_s: float, duty: float, most: int) -> tuple[Traffic, float]:
    """A day whose busiest moment brings `peak_per_s` requests a second and whose mean is `duty` of that, and the length
    of its hour: a day of more than `most` requests runs faster, with shorter hours at the same rates.

    rate(t) = mean (1 - a cos(2 pi t / day)), a = 1 / duty - 1. The trace comes again and again; gaps keep their bursts.
    """
    if not 0.5 <= duty <= 1:
        raise InputError(f"duty = {duty} must be from 0.5 to 1: the rate of a day is a mean and one wave around it")
    mean = peak_per_s * duty
    day_s = min(DAY_S, most / mean)
    count = max(int(mean * day_s), 1)
    swing = 1 / duty - 1
    at = np.linspace(0.0, day_s, 24 * 60 + 1)
    passed = mean * (at - swing * day_s / (2 * np.pi) * np.sin(2 * np.pi * at / day_s))
    made = again(traffic, count)
    # Arrivals in units of the mean gap, so that `passed` says when each comes.
    units = made.arrival_s / made.arrival_s[-1] * passed[-1] if made.arrival_s[-1] > 0 else made.arrival_s
    return replace(made, name=f"a day of {traffic.name}", arrival_s=np.interp(units, passed, at)), day_s / HOURS


def at_least(traffic: Traffic, count: int) -> Traffic:
    """`traffic`; where it is shorter than `count` requests, over and over."""
    return traffic if len(traffic) >= count else again(traffic, count)


def again(traffic: Traffic, count: int) -> Traffic:
    """`count` requests: those of `traffic`, over and over; what their prompts share, they share within one round."""
    rounds = -(-count // len(traffic))
    gap = traffic.arrival_s[-1] / max(len(traffic) - 1, 1)
    start = np.arange(rounds) * (traffic.arrival_s[-1] + gap)
    prompt, output = (np.tile(a, rounds)[:count] for a in (traffic.prompt_tokens, traffic.output_tokens))
    arrival_s = (start[:, None] + traffic.arrival_s[None]).ravel()[:count]
    pieces = None if traffic.pieces is None else _pieces_again(traffic.pieces, rounds).first(count)
    priority, batch = (None if a is None else np.tile(a, rounds)[:count] for a in (traffic.priority, traffic.batch))
    return replace(
        traffic, arrival_s=arrival_s, prompt_tokens=prompt, output_tokens=output, pieces=pieces, priority=priority,
        batch=batch,
    )  # fmt: skip


def _pieces_again(pieces: Pieces, rounds: int) -> Pieces:
    others = int(pieces.ids.max(initial=0)) + 1
    ids = (np.arange(rounds)[:, None] * others + pieces.ids[None]).ravel()
    counts = np.tile(np.diff(pieces.starts), rounds)
    return Pieces(np.concatenate([[0], np.cumsum(counts)]), ids, pieces.tokens)
