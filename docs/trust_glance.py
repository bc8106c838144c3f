"""The top of the trust page: what is asked most, and how far off the answer was."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from sartor.validation.record import on_record

# What is asked, of what it was judged, and its group on record.
ASKED: tuple[tuple[str, str, tuple[str, str, str]], ...] = (
    ("Decode step of a GPU", "H100, models and contexts left out", ("gpu", "held_out", "decode")),
    ("Decode step, joules", "the same", ("gpu", "held_out", "decode energy")),
    ("Prefill step of a GPU", "H100, models left out", ("gpu", "held_out", "prefill")),
    ("Prefill step, joules", "the same", ("gpu", "held_out", "prefill energy")),
    ("One GEMM in BF16", "H200, from its data sheet", ("gpu", "unseen", "stacks gemm h200-sxm bf16")),
    ("Whole batch, GPU not fitted to", "GH200 in TensorRT-LLM", ("gpu", "unseen", "batches gh200 bf16")),
    ("Whole batch, watts", "the same, at the measured pace", ("gpu", "unseen", "watts gh200 bf16")),
    ("A token on H200 over one on H100", "equal services, at most eight requests",
     ("serving", "unseen", "tpot h200-sxm over h100-sxm few")),
    ("TPOT under load", "services, the model left out", ("serving", "held_out", "tpot")),
    ("TTFT under load", "the same", ("serving", "held_out", "ttft")),
    ("TPOT, GPU not fitted to", "H200, B300, GB200, model left out too", ("serving", "unseen", "model out tpot")),
    ("TTFT, GPU not fitted to", "the same", ("serving", "unseen", "model out ttft")),
    ("TPOT, stack not fitted to", "each of three stacks left out", ("serving", "held_out", "stack out tpot")),
    ("TTFT, stack not fitted to", "each of three stacks left out", ("serving", "held_out", "stack out ttft")),
    ("Joules a token, dense, H100", "services", ("serving", "unseen", "service energy h100-sxm dense bf16")),
    ("Joules a token, dense, B200", "services; two choices have seen it",
     ("serving", "unseen", "service energy b200-sxm dense bf16")),
    ("Joules a token, experts, B200", "services; a choice has seen it", ("serving", "unseen", "service energy b200-sxm experts")),
    ("DRAM, weights in sequence", "devices and mixes drawn at random, 118 of 371 rows of the worst kinds",
     ("dram", "unseen", "seq_read")),
    ("DRAM, reads and writes mixed", "the same", ("dram", "unseen", "mixed_rw")),
    ("DRAM, pages of a cache", "the same", ("dram", "unseen", "chunk_read")),
    ("DRAM, several streams", "the same", ("dram", "unseen", "multi_stream")),
    ("Area of a die", "public chips that nothing was fitted to; exponents seen", ("area", "unseen", "die")),
    ("Power limit of a chip", "the same", ("area", "unseen", "die power")),
    ("Bill of materials", "analysts' bills", ("cost", "unseen", "bill")),
    ("Hour of a rented GPU", "published prices", ("cost", "unseen", "rental")),
    ("Cycles of a decoded token", "our RTL in its simulator (seen)", ("rtl", "fitted", "decode")),
)  # fmt: skip


# Those that the READMEs show.
FIRST = (
    "Decode step of a GPU", "Decode step, joules", "Prefill step of a GPU", "One GEMM in BF16",
    "Whole batch, GPU not fitted to", "TPOT under load", "TTFT under load", "TTFT, stack not fitted to",
    "DRAM, weights in sequence", "DRAM, several streams", "Area of a die", "Bill of materials",
    "Cycles of a decoded token",
)  # fmt: skip
HEADS = {
    "en": "| asked | judged on | n | median | 90th percentile |",
    "ko": "| 무엇을 | 무엇으로 판정했나 | 개수 | 중앙값 | 90백분위 |",
}
KOREAN = tomllib.loads(Path(__file__).with_name("trust.ko.toml").read_text(encoding="utf-8"))["glance"]


def table(names: Iterable[str] | None = None, language: str = "en") -> Iterable[str]:
    """A line a question, of `names` or of all; a group that is not on record is a KeyError."""
    errors, said = on_record(), KOREAN if language == "ko" else {}
    yield from (HEADS[language], "| --- | --- | --- | --- | --- |")
    for what, judged, key in ASKED:
        if names is None or what in names:
            one = errors[key]
            figures = f"{one.n:,} | **{100 * one.median:.1f} %** | {100 * one.p90:.1f} %"
            yield f"| {said.get(what, what)} | {said.get(judged, judged)} | {figures} |"
