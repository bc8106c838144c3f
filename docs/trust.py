"""The trust page and its plots: errors on record, and predicted against measured."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sartor.report.words import term
from sartor.validation import validation
from sartor.validation.record import Recorded, on_record
from sartor.validation.rtl import CLASSES
from sartor.validation.summary import Pair

INTRO = """How wrong the estimates are, measured. Every row of the measurements is predicted from its inputs alone and compared
with what was measured ([validation.md](validation.md)); `sartor validate KIND [--data FILE]` does it again, with your
own files too. *Held out*: predicted by figures fitted without the rows like it (whole models, whole shapes).
*Fitted*: by the figures in use, which have seen these rows. *Unseen*: rows that no figure was fitted to. The band
holds four in five measurements. A test fails when a median or 90th percentile grows by more than a tenth."""
TITLES = {kind: term("truth", kind) for kind in ("gpu", "serving", "dram", "area", "cost", "rtl")}
ABOUT = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
MISSING = {
    "area": (
        "A generated chip: its logic is our own mapped RTL, of which there is no silicon; these formulas stand for other people's chips.",
        "Dies stacked on base dies, test chips, spiking cores. GPUs with more than multipliers (graphics, 64-bit vectors: A10, MI100, MI250X) are "
        "26 to 33 % larger than predicted. A power limit is no measurement: cards limited to 75 W are 40 to 60 % below.",
    ),
    "cost": (
        "Prices of memory are those of 2026 (memories.csv): a bill of another year moves with them.",
        "The bill of an MI325X, 3,800 USD: less than its 256 GB cost at the least of those prices, and than the 5,300 that the same source says of an MI300X. It is judged, and 111 % off; the other bills are 13 % off at most.",
        "Hours before 2025 and lists of hyperscalers. The market moves: the same H100 hour was 1.70 USD and 2.95 within seven months.",
    ),
    "rtl": (
        "Several cores on one memory, several chips: one core is simulated.",
        "Where refreshes happen to fall: one is 0.2 % of the smallest of these passes, and of a single run's attention of ten tokens "
        "(mm_cache, 0.6 to 5 % of a pass) up to a fifth. Passes over the cache that keep step with the refreshes meet more of them: "
        "a core of 16x32x2 (since then out of bounds) on LPDDR5, two layers of a prompt, 8 % of its attention, 0.5 % of the pass.",
    ),
    "dram": (
        "Silicon: the truth here is a simulator with one controller. Closed pages, other schedulers, ranks, ECC in line, thermal refresh.",
        "Real timings of LPDDR and HBM: the standards' tables are not public, and what Ramulator has are estimates after them, says who maintains it (its issue 34).",
        "Real timings of GDDR: GDDR6's standard leaves times to vendors (JESD250 says so; GDDR7's table was not seen). No times of a vendor of GDDR7 were found, so they are GDDR6's.",
        "Real timings at other rates of a family: they are its times at another clock.",
        "Several streams whose banks meet by chance: the mean is predicted.",
        "Too fast: queues of 8 to 16 places with several streams, or writes of all banks (up to 34 %), 32 streams of two accesses in LPDDR6 (27 %), "
        "three or four streams bank by bank in LPDDR5 with 64 places and more (25 %) and in GDDR6 where the queue holds a round and a half (50 %), bank-wise refresh (up to 25 %).",
        "Too slow: two to four streams bank by bank in HBM, or of single accesses in LPDDR6 (up to 29 %), 16 streams of single accesses by pages in DDR5 with 8 places (28 %), writes by pages with 16 places (24 %), streams over bank groups in turns of six accesses (22 %), one run of eight streams over bank groups of HBM2 (37 %).",
    ),
    "serving": (
        "Pipelines, more than one node without a rack's links; pools of which the table does not say how many workers they have (591 rows, of which 102 are copies of rows that say it: "
        "tried with four that decode, TPOT 28 % off; rows equal in all columns are 22 % off their own middle: [validation-method.md](validation-method.md)).",
        "Speculative decoding: columns do not tell. DeepSeek-R1 on eight B200 in TensorRT-LLM 1.2.0rc6.post2 and .post3, a week apart, all "
        "columns equal: 10.1 and 4.4 ms at four requests, 22.4 and 12.2 at 64. The figures lie between.",
        "How a service was started: tokens that leave in groups (TensorRT-LLM's stream interval), a limit on requests, caches not "
        "warm. The same columns were measured a factor of 1.5 apart in TPOT and 2 in TTFT, days or versions apart.",
        "GB200 in copies: 15 of 20 rows are one run (Qwen3-32B, TensorRT-LLM 1.3.0rc1) of 8.1 ms a token for one request and 41.9 for two, on a "
        "replica each; then 27.6, 41.5, 28.7, 38.0 ms at 4, 8, 16, 32 a replica: no chip's step falls as it gets more to do, and none has more to do "
        "for the same request. The pools' 85 rows of the same chip are 20 % off.",
        "TensorRT-LLM's first tokens in groups of twenty: Llama-3.1-70B on one B200 has 305 ms to its first token at 1024 tokens out and 73 at "
        "8192, all else equal; the difference is 19 steps. Its own queue for places: of pools, 221 ms and 4,145 in two runs of 24 requests on GB200 and GB300.",
        "gpt-oss-120b in TensorRT-LLM on H200 (`gpt-oss-dev`): 24 % too fast, up to 45 % on eight chips, where vLLM is 2 % off on the same chips and "
        "columns: its first kernels, not the chip.",
        "Mixtures of small experts and sparse attention at few requests: MiniMax-M2.5, GLM-5 and Qwen3.5 are measured 5 to 30 % slower, "
        "MiniMax-M2.5 on four H200 at four requests 12.4 ms in vLLM 0.16 and 10.1 on H100 in 0.18: kernels that are still being tuned. Its norms over "
        "all heads, which chips sum up together, are counted.",
        "Joules of experts: in vLLM 0.11 kernels of experts with few rows each take longer than predicted and draw more (Qwen3-235B in FP8 on four H100, eight requests: 530 W a chip, predicted 241). Those of "
        "Qwen3-30B-A3B in 16 bits on one are within 7 % up to 64 requests.",
        "Hosts: for a repetition penalty vLLM makes a table of all tokens that came out anew each step, and on the B200 services of 8B models wait for it (27 ms a token at 128 requests, where the chip needs 10; "
        "32 ms at eight requests of 8,000 tokens).",
        "TTFT on B300: 123 of 145 rows are SGLang's of April 2026, where a request that finds nobody waits 160 ms beside its prefill, in the middle; the figure is B200's, of versions "
        "since November 2025, 205 ms. With the model left out, too, it is 30 % off there.",
        "Replicas: 28 rows of services behind Dynamo had 2 to 32 times their requests in all, and 20 of the 30 worst TPOT are theirs ([validation-method.md](validation-method.md)).",
        "One stack's version is not another's: the figures are medians over those measured.",
    ),
    "gpu": (
        "Whole steps on GPUs that no step was fitted to: others' stacks alone, not our kernels. A GH200 is 4.3 % off in the middle and 11.4 % at the 90th percentile.",
        "Whole steps in others' stacks where each head has its cache: a GH200 is 3.0 and 4.8 % off, an H200 in FP8 5.5 and 8.4 %, too fast by what its kernels for an FP8 cache gain less than its memory does; the H100 itself "
        "3.5 and 9.2 % (16 bits), 2.9 and 4.9 % (FP8).",
        "Grouped queries in TensorRT-LLM 0.8 to 0.11 take up to twice as long as predicted, mixtures of experts there too. With them the H100's whole steps in these stacks are 12.6 % off in 16 bits (22.1 at the 90th percentile) and "
        "18.3 % in FP8 (42.2).",
        "Attention in serving stacks beyond 32 queries a KV head: kernels of one stack take ten times as long as another's, and no figure is fitted to them; they are most of what is 40 % off and more.",
        "FP8 in blocks: of the same product one stack takes 2.4 times as long as another in the middle, 10 times at the 90th percentile. Where they are within a factor of 1.3, a quarter of the rows, the H200 is 5.2 % off, 14 % at the 90th percentile.",
        "Products of 3 Tops and more in BF16 and in FP8 blocks, long at the power limit, take 1.02 to 1.05 times as long on the H200 of those tables as on the H100, in all three stacks; estimated 1.00. One chip of each was measured; chips of one kind differ as much.",
        "Energy of kernels alone: 10 to 20 % off; they were read for 0.35 s, three ticks of the counter or four: equal work scatters between 540 and 870 W, at a "
        "limit of 700. Energy beside other memory than the H100's: from the vendors' figures (model.md).",
        "Energy of steps: NVML's counter moves every 0.1 s, and steps were read for 0.8 s and less. `energy as read` is each reading as it "
        "is: there an estimate that is never wrong would be {least}. `energy` is of whole ticks, as far as "
        "the window, the power limit and the clock tell how many there were; {unjudged} rows of which they do not are not judged "
        "([validation-method.md](validation-method.md)). One decode step in twenty is a tick short all the same, an eighth of it.",
        "INT4 weights: PyTorch's packed kernel is refused (it slows down with every row more, and was measured with one model alone); of others the GEMMs of one serving stack on the A100 were measured (`-weights`), which start slowly (10 us) and reach 0.8 of the arithmetic's peak.",
        "H200: its bandwidth is the data sheet's 4.8 TB/s; that of its memory clock, 4.92, was given up after looking at these rows (model.md), which are "
        "else unseen. The energy of a byte is its maker's claim (3 pJ a bit with the interface; 3.95 is the mean of HBM3E's makers): no watts of one were measured.",
        "INT8 on the H100: what PyTorch's kernel gives, with tiles of 128 x 128, or of half the columns where those are few; that it halves them was seen in these rows.",
        "Several GPUs, mixtures of experts: measured in others' stacks alone (`several`; their all-reduce by itself on A100, H100 and B200: model.md). Sliding windows, state-space layers, "
        "chunked prefill: no whole step was measured.",
        "FP8 steps were measured on products 16 times too large (the scale of the weights was not undone; `sartor measure gpu` does now). By the same "
        "arithmetic on a CPU, nearly all of softmax then falls on one token, and a quarter of what enters the last matrix of a layer is 0: "
        "their watts are likely too low, and with them their times at the power limit. Little leans on them: figures fitted without their joules are 1.8 % off in decode energy (1.9), 6.0 at the 90th percentile (5.9), and 2.1 and 3.7 in prefill energy (2.2 and 3.7).",
        "Prefill: two models; its band is less sure than the others. How loads of passes between matrices are counted was settled when their residuals "
        "had been seen (model.md): its energy left out is 2.5 % off in the other way.",
    ),
}
PICTURES = {"gpu": ("trust-gpu-time", "trust-gpu-energy"), "serving": (), "dram": ("trust-dram",), "area": ("trust-area", "trust-power"),
            "cost": ("trust-cost",), "rtl": ("trust-rtl",)}
# Plots of rows that come with the package: kind, quantity, title, unit.
PLOTS = {
    "trust-dram": ("dram", "efficiency", "Share of the DRAM's peak", "fraction"), "trust-area": ("area", "area", "Dies", "mm2"),
    "trust-power": ("area", "power", "Power at the peak, against the limit", "W"),
    "trust-rtl": ("rtl", "latency", "Cycles of a pass", "cycles"),
    "trust-cost": ("cost", "cost", "Bills and parts in USD, hours in USD a second", "USD"),
}  # fmt: skip
KOREAN = Path(__file__).with_name("trust.ko.toml")
AND = {"en": " and ", "ko": ", "}
LEAST = {"en": "{median} off in the middle and {p90} at the 90th percentile ({form})", "ko": "{form} 중앙값 {median}, 90백분위 {p90}"}
_ROWS = {"held_out": "held out", "fitted": "fitted", "unseen": "unseen"}


def said() -> dict[str, Any]:
    """What reports say beside the errors."""
    return {kind: {"missing": _plain(kind, "en"), "missing_ko": _plain(kind, "ko")} for kind in TITLES}


def _plain(kind: str, language: str) -> list[str]:
    return [plain(what) for what in missing(kind, language)]


def plain(markdown: str) -> str:
    """Without links and marks of code.

    >>> plain("`energy` is of whole ticks ([validation.md](validation.md))")
    'energy is of whole ticks (docs/validation.md)'
    """
    return re.sub(r"\[([^]]*)\]\(([^)]*)\)", r"docs/\2", markdown).replace("`", "")


def missing(kind: str, language: str = "en") -> Iterable[str]:
    """What is not covered, with what reading in ticks alone leaves. In Korean as far as it is translated."""
    korean = tomllib.loads(KOREAN.read_text(encoding="utf-8")).get(kind, {}) if language == "ko" else {}
    said = [korean.get(what, what) for what in MISSING[kind]]
    if kind != "gpu":
        return said
    found = _found()
    least = AND[language].join(LEAST[language].format(form=form, **_least(found, form)) for form in ("prefill", "decode"))
    unjudged = sum(row["n"] for row in found["coverage"]["unjudged"])
    return [what.format(least=least, unjudged=unjudged) for what in said]


@functools.cache
def _found() -> dict[str, Any]:
    return validation("gpu").facts()


def _least(found: dict[str, Any], form: str) -> dict[str, str]:
    row = found["by"][f"{form} energy as read"]
    return {end: f"{100 * row[f'least_{end}_ape']:.1f} %" for end in ("median", "p90")}


def page(made: str, glance: Iterable[str]) -> str:
    """docs/trust.md, with the lines of `glance` on top."""
    kinds = list(dict.fromkeys(kind for kind, _, _ in on_record()))
    lines = ["# Trust", "", made, "", INTRO, "", "## At a glance", "", *glance, ""]
    for kind in kinds:
        lines += [f"## {TITLES[kind]}", "", ABOUT[kind].strip(), "", *_table(kind), ""]
        for name in PICTURES[kind]:
            lines += [f"![Predicted against measured: {name}](pictures/{name}.svg)", ""]
        lines += ["Not covered:", "", *(f"- {what}" for what in missing(kind)), ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(kind: str) -> Iterable[str]:
    yield "| what | rows | n | median | 90th percentile | worst | 80 % band |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for one in on_record().values():
        if one.kind == kind and (one.rows != "fitted" or _is_shown(one.group.split())):
            yield _line(one)


def _is_shown(words: list[str]) -> bool:
    """Of fitted rows those of a kind, and those of a class of instructions in one."""
    return len(words) == 1 or (len(words) == 2 and words[1] in CLASSES)


def _line(one: Recorded) -> str:
    figures = " | ".join(f"{100 * value:.1f} %" for value in (one.median, one.p90, one.worst, one.band))
    return f"| {one.group} | {_ROWS[one.rows]} | {one.n:,} | {figures} |"


def spec(pairs: Sequence[Pair], title: str, unit: str) -> dict[str, Any]:
    """Predicted over measured against measured, held out; kinds of rows by color."""
    values = [{"measured": p.measured, "ratio": p.predicted / p.measured, "kind": p.labels["kind"]} for p in pairs]
    color = {"field": "kind", "type": "nominal", "title": None, "legend": {"orient": "top"}}
    scale = {"type": "log", "domain": [0.6, 1.6], "clamp": True, "nice": False}
    axes = {
        "x": {"field": "measured", "type": "quantitative", "title": f"measured, {unit}",
              "scale": {"type": "log", "nice": False, "padding": 12}, "axis": {"format": "~s", "tickCount": 6}},
        "y": {"field": "ratio", "type": "quantitative", "title": "predicted / measured", "scale": scale,
              "axis": {"values": [0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.4, 1.6]}},
    }  # fmt: skip
    rule = {"mark": {"type": "rule", "color": "#555"}, "encoding": {"y": {"datum": 1, "scale": scale}}}
    points = {"data": {"values": values}, "mark": {"type": "point", "filled": True, "size": 28, "opacity": 0.65},
              "encoding": {**axes, "color": color}}  # fmt: skip
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json", "width": 620, "height": 300,
        "background": "white", "padding": 12, "title": {"text": title, "anchor": "start"}, "layer": [points, rule],
        "config": {"font": "Helvetica, Arial, sans-serif", "axis": {"gridColor": "#e8e8e8"}},
    }  # fmt: skip
