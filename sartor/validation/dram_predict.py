"""The share of the peak that a row of kind `dram` is predicted to get, from its inputs alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..errors import UnknownName
from ..tech import dram_mix, dram_refresh, dram_rounds, dram_streams
from ..tech.dram_access import LONG, MAPPINGS
from ..tech.dram_timings import Timings, device, devices
from .kind import Inputs
from .rows import LARGEST

REFRESH = {"none": "none", "off": "none", "no": "none", "all": "all", "all_bank": "all", "allbank": "all", "ab": "all",
           "pb": "pb", "per_bank": "pb", "perbank": "pb"}  # fmt: skip
FAMILIES = sorted({name.partition("-")[0] for name in devices()})
SCHEDULERS = ("", "FRFCFSRowHit", "FRFCFS")
MOST_HELD, MOST_STREAMS = 2**16, 2**20
ALIKE = 4.0  # a row beside the device's of dram.csv: chips of 4 to 16 bits, pseudo channels of half a row
PATTERNS = ("seq", "chunk", "mixed", "multi")
_ACCESSES = r"(\d+)\s*tx"
_NUMBER = r"(\d*\.?\d+(?:e\d+)?)"
# How a file may write the share of writes: 10%, w10, w=0.1, 90r10w, r90; and the streams: 16s, s16, 16 streams.
_WRITES = (rf"{_NUMBER}\s*%", rf"r\d+w{_NUMBER}", rf"(?<!\d)w[a-z_=]*{_NUMBER}", rf"{_NUMBER}\s*w")
_READS = (rf"r[a-z_=]*{_NUMBER}", rf"{_NUMBER}\s*r")
_STREAMS = (rf"{_NUMBER}\s*s", rf"s[a-z_=]*{_NUMBER}", rf"n[a-z_=]*{_NUMBER}", rf"{_NUMBER}\s*x")


@dataclass(frozen=True)
class Asked:
    """One row, understood."""

    timings: Timings
    pattern: str  # seq, chunk, mixed or multi
    mapping: str
    refresh: str
    queue: int
    chunk_bytes: float
    writes: float = 0.0
    streams: float = 1.0
    accesses: float = LONG


def asked(inputs: Inputs) -> Asked | str:
    """What a row asks for, or why it is not modeled."""
    known = _device(inputs)
    if known is None:
        return f"device {inputs['device']!r}: no timings (FAMILY-RATE of {', '.join(FAMILIES)}: sartor/data/dram.csv)"
    timings = replace(
        known, burst_bytes=inputs["tx_bytes"], columns=inputs["page_bytes"] / inputs["tx_bytes"]
    )
    pattern, refresh = _word(inputs["pattern"]).partition("_")[0], refreshed(inputs)
    wrong = _not_modeled(inputs, timings, pattern, refresh)
    if wrong:
        return wrong
    param, chunk = _chunk(inputs)
    if pattern != "seq" and chunk is None:
        return f"{pattern}: neither chunk_bytes nor accesses in param"
    found = Asked(timings, pattern, _word(inputs["mapping"]), refresh, inputs["queue"], chunk or 0.0,
                  accesses=_number(inputs.get("n_tx")) or LONG)  # fmt: skip
    if pattern == "mixed":
        return _mixed(found, _number(inputs.get("write_share")), param)
    return _multi(found, _number(inputs.get("streams")), param) if pattern == "multi" else found


def refreshed(inputs: Inputs) -> str:
    """How banks are refreshed, in our words; empty where it is not known."""
    return REFRESH.get(_word(inputs["refresh"]), "")


def impossible(inputs: Inputs) -> str | None:
    """Why no run can be as a row says."""
    access, row, chunk = inputs["tx_bytes"], inputs["page_bytes"], _number(inputs.get("chunk_bytes"))
    if row % access:
        return "page_bytes is not so many accesses of tx_bytes: a wrong unit"
    if chunk and chunk % access:
        return "chunk_bytes is not so many accesses of tx_bytes: a wrong unit"
    if inputs["queue"] > MOST_HELD:
        return "queue: more accesses than any controller holds"
    if re.search(r"(?<![\w.])-\d", inputs.get("param") or ""):
        return "param has a number below 0"
    return _at_odds(inputs, chunk)


def _at_odds(inputs: Inputs, chunk: float | None) -> str | None:
    """Columns that do not agree with each other, or with the device."""
    access, row = inputs["tx_bytes"], inputs["page_bytes"]
    known = _device(inputs)
    if known and not 1 / ALIKE <= row / float(known.columns * known.burst_bytes) <= ALIKE:
        return "page_bytes is not that of such a device: a wrong unit"
    accesses = re.search(_ACCESSES, (inputs.get("param") or "").lower())
    if chunk and accesses and chunk != float(accesses.group(1)) * access:
        return "chunk_bytes is not so many accesses as param says: a wrong unit"
    run = _number(inputs.get("n_tx"))
    return "n_tx: a run shorter than one chunk, or a wrong unit" if run and chunk and run * access < chunk else None


def _device(inputs: Inputs) -> Timings | None:
    try:
        return device(re.sub(r"[\s_]+", "-", inputs["device"].strip()).upper())
    except UnknownName:
        return None


def _not_modeled(inputs: Inputs, timings: Timings, pattern: str, refresh: str) -> str | None:
    if pattern not in PATTERNS or "write" in _word(inputs["pattern"]):
        return (
            f"pattern {inputs['pattern']!r} is not modeled (seq_read, chunk_read, mixed_rw, multi_stream are)"
        )
    if _word(inputs["mapping"]) not in MAPPINGS:
        return f"mapping {inputs['mapping']!r} is not modeled ({', '.join(MAPPINGS)} are)"
    if not refresh or (refresh == "pb" and not timings.bank_refresh_interval):
        return f"refresh {inputs['refresh']!r} is not modeled for {inputs['device']}"
    if (inputs.get("scheduler") or "") not in SCHEDULERS:
        return f"scheduler {inputs['scheduler']!r} is not modeled (first ready, first come is)"
    return None


def _word(text: str) -> str:
    """In small letters, with one kind of gap."""
    return re.sub(r"[\s-]+", "_", text.strip().lower())


def _mixed(found: Asked, share: float | None, param: str) -> Asked | str:
    if share is None:
        share = _first(_WRITES, param)
        reads = _first(_READS, param) if share is None else None
        share = share if reads is None else (1 - reads if reads <= 1 else 100 - reads)
        share = _bare(param) if share is None else share
    if share is None:
        return f"mixed: param {param!r} does not say the share of writes"
    share = share / 100 if share > 1 else share
    return (
        replace(found, writes=share, pattern="mixed" if 0 < share < 1 else "seq")
        if share <= 1
        else "mixed: more than 100 % writes"
    )


def _multi(found: Asked, count: float | None, param: str) -> Asked | str:
    count = count or _first(_STREAMS, param) or _bare(param)
    if not count:
        return f"multi: param {param!r} does not say how many streams"
    if count % 1 or count > MOST_STREAMS:
        return f"multi: {count:g} is not a number of streams"
    return replace(found, streams=count, pattern="multi" if count > 1 else "seq")


def share(a: Asked) -> float:
    """Of the peak."""
    t, size = a.timings, (a.mapping, a.chunk_bytes)
    of_queue = {
        "seq": lambda queue: dram_mix.stream(t, a.mapping, queue),
        "chunk": lambda queue: dram_mix.chunks(t, *size, queue),
        "multi": lambda queue: dram_streams.streams(t, *size, a.streams, queue),
        "mixed": lambda queue: dram_mix.mixed(t, *size, a.writes, queue, a.accesses),
    }[a.pattern]
    got = of_queue(a.queue)
    return float(got * _left(a, got, of_queue))


def by_chance(inputs: Inputs) -> bool:
    """Whether where streams start may say if a row's next accesses are seen in time: one run gets twice another's."""
    a = asked(inputs) if _word(inputs["mapping"]) == "bank" else ""
    if isinstance(a, str) or a.pattern != "multi":
        return False
    size = dram_mix.chunk_of(a.timings, a.chunk_bytes), a.streams, dram_mix.entries(a.timings, a.queue)
    return dram_rounds.by_chance(a.timings, *size)


def _left(a: Asked, got: Any, of_queue: Callable[[float], Any]) -> Any:
    """Share of `got` that refresh leaves; `of_queue` by places of the queue."""
    left = dram_mix.left_by_refresh(a.timings, a.refresh, a.mapping)
    if a.refresh != "pb":
        return left
    if a.mapping == "badrow":
        return left * dram_refresh.left_to_one_bank(a.timings)
    if (a.pattern, a.mapping) == ("seq", "bgil") and a.timings.stacked > 1:
        return dram_mix.left_to_stream(a.timings, a.refresh, a.mapping, got)
    # Writes wait in a queue of their own: that costs what the bus would have been busy.
    left = 1 - (1 - left) * (1 - a.writes * (1 - got))
    in_turns = a.chunk_bytes if a.pattern in ("chunk", "multi") else 0.0
    return left * dram_refresh.left_by_held(a.timings, a.mapping, in_turns, a.queue, of_queue, a.writes)


def _chunk(inputs: Inputs) -> tuple[str, float | None]:
    """`param` without the accesses of a chunk, and the chunk in bytes."""
    param = (inputs.get("param") or "").lower()
    accesses = re.search(_ACCESSES, param)
    rest = param.replace(accesses.group(), "") if accesses else param
    named = _number(inputs.get("chunk_bytes"))
    return rest, named or (float(accesses.group(1)) * inputs["tx_bytes"] if accesses else None)


def _number(text: str | None) -> float | None:
    """A number that a column may hold; None where it is empty, or holds none."""
    try:
        value = float(text) if text else -1.0
    except ValueError:
        return None
    return value if 0 <= value < LARGEST else None


def _first(forms: tuple[str, ...], text: str) -> float | None:
    found = (re.search(form, text) for form in forms)
    return next((float(m.group(1)) for m in found if m), None)


def _bare(text: str) -> float | None:
    """The only number of a text."""
    numbers = re.findall(_NUMBER, text)
    return float(numbers[0]) if len(numbers) == 1 else None
