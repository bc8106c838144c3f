"""Columns of a serving point: under which names and units files have them, and what they come to together."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from . import names, points_predict
from .kind import Column, Row
from .points_formats import is_wide
from .points_layout import count, known
from .rows import Unusable

TIMES = ("tpot", "ttft")
_UNITS = ("ms", "s", "us")
_OWNER = "silicon_"  # what the table of docs/validation.md puts before its times


def column(own: str, name: str, **how: Any) -> Column:
    """Our column `own`, by its other names too (names.toml)."""
    return Column(name, **how, also=dict.fromkeys(names.columns(own), ""))


def _times(name: str) -> dict[str, str]:
    """Every name of a mean time that says its unit."""
    return {f"{before}{name}_{unit}": unit for unit in _UNITS for before in (_OWNER, "", "mean_", "avg_")}


MEASURED = {f"{_OWNER}{name}_ms": Column(name, "ms", optional=True, also=_times(name)) for name in TIMES}
_FIRST, _SECOND = MEASURED
_ALL = tuple(at for name in TIMES for at in _times(name))
_TIME = re.compile("|".join(TIMES), re.IGNORECASE)
_UNITS_AT_END = re.compile(rf"_({'|'.join(_UNITS)})$", re.IGNORECASE)
_NOT_MEANS = re.compile(r"(^|_)(p\d+|median|std|min|max)", re.IGNORECASE)


def nothing_measured(row: Mapping[str, Any]) -> str | None:
    """Why a row has no time to be judged by; None where it has one."""
    there = [at for at in _ALL if at in row]
    if any(row.get(at) for at in there):
        return None
    if there:
        return f"neither {_FIRST} nor {_SECOND}: nothing was measured"
    like = next((at for at in row if _TIME.search(at)), None)
    return f"no column {_FIRST!r}: {_instead(like) if like else 'not a form of kind serving'}"


def _instead(like: str) -> str:
    """What is wrong with a column that is like one of ours."""
    if _NOT_MEANS.search(like):
        return f"{like!r} is no mean, and means are what is predicted"
    unit = "" if _UNITS_AT_END.search(like) else " says no unit,"
    return f"{like!r}{unit} is not known (try 'tpot_ms', 'tpot_s' or 'tpot_us', and the same of ttft)"


def settled(row: Row) -> Row:
    """With our name of its stack, and the requests of each copy, whichever of both columns says them."""
    inputs, requests = _service(row)
    copies = count(inputs["copies"])
    if known(requests):
        if inputs["at_once"] is not None and inputs["at_once"] * copies != float(requests):
            raise Unusable("batch_size (of each copy) and concurrency (of all) do not agree")
        inputs["at_once"] = inputs["at_once"] or float(requests) / copies
    if inputs["at_once"] is None:
        raise Unusable("no column 'batch_size' (requests at once of each copy; or 'concurrency', of all)")
    return _waiting(replace(row, inputs=MappingProxyType(inputs)), inputs["at_once"])


def settled_pools(row: Row) -> Row:
    """The same of pools, whose requests are all decoding workers'."""
    inputs, requests = _service(row)
    if known(requests) and not known(inputs["at_once"]):
        each = float(requests) / count(inputs["decode_workers"]) / count(inputs["decode_copies"])
        inputs["at_once"] = str(math.ceil(each))
    together = count(inputs["decode_workers"]) * count(inputs["decode_copies"]) * count(inputs["at_once"])
    return _waiting(replace(row, inputs=MappingProxyType(inputs)), together)


def _waiting(row: Row, requests: float) -> Row:
    """Who is one of several may wait for anything from a token to all others, one after the other: how many a service
    runs at once is not said."""
    if "tpot" not in row.measured or requests <= 1:
        return row
    token_s = row.measured["tpot"]
    return replace(row, may={"ttft": (token_s, (requests - 1) * row.inputs["output"] * token_s)})


def stack_named(said: str | None) -> str:
    """Our name of the stack that a row calls so, whatever else it says of it; those that we do not know are one.

    >>> [stack_named(said) for said in ("TensorRT-LLM 1.0", "vllm-v1", "dynamo (SGLang)", "TRT", "lmdeploy", None)]
    ['trtllm', 'vllm', 'sglang', 'trtllm', 'other', 'other']
    """
    plain = re.sub(r"[^a-z0-9]", "", (said or "").lower()).replace("tensorrt", "trt")
    plain = "trtllm" if plain == "trt" else plain
    return next((stack for stack in points_predict.STACKS if stack in plain), points_predict.OTHER)


def _service(row: Row) -> tuple[dict[str, Any], str | None]:
    """What a row says of its service, and the requests of all, apart. What is computed in (`dtype`) is the weights'
    format where no column says another and it is narrow: in 16 bits it may be that of any weights."""
    inputs = dict(row.inputs)
    requests, arithmetic = inputs.pop("requests"), inputs.pop("arithmetic")
    inputs["stack"] = stack_named(inputs["stack"])
    inputs["format"] = inputs["format"] or (arithmetic if not is_wide(arithmetic) else None)
    return inputs, requests
