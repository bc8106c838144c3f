"""Files of others with batches of requests that start and end together: what batches.py judges the estimate by."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sartor.validation import names

CHIPS = {"Nvidia A100 GPU": "a100-sxm-40gb", "Nvidia GH200 GPU": "gh200", "Nvidia H100 GPU": "h100-sxm",
         "A100": "a100-sxm-80gb", "H100": "h100-sxm", "H200": "h200-sxm", "L40S": "l40s"}  # fmt: skip
MODELS = {"LLaMA 7B": "llama-2-7b", "LLaMA 70B": "llama-2-70b"}
FORMATS = {"FP8": "fp8-e4m3", "FP16": "bf16"}
SIZES = ("Input Output Length", "Batch Size", "Num of Hardware")
STACKS = {"TensorRT-LLM": "trtllm", "vLLM": "vllm"}


@dataclass(frozen=True)
class Batch:
    """`requests` prompts prefilled at once, then `output` tokens of each, one step after another, on `chips`."""

    where: str
    chip: str
    model: str
    format: str  # of weights and cache
    stack: str
    chips: int
    requests: int
    prompt: int
    output: int
    seconds: float  # measured
    watts: float = 0.0  # measured, where it was

    @property
    def sizes(self) -> tuple[object, ...]:
        """What is the same on another chip."""
        return self.model, self.format, self.stack, self.chips, self.requests, self.prompt, self.output


def argonne(path: Path) -> Iterator[Batch]:
    """Rows of LLM-Inference-Bench: as many tokens out as in, 16 bits. llama.cpp's batches are of tokens, not of
    requests."""
    with path.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), 2):
            chip, model, stack = CHIPS.get(row["Hardware"] or ""), row["Model"], STACKS.get(row["Framework"])
            if chip and stack and names.model(model):
                length, requests, chips = (int(row[column]) for column in SIZES)
                yield Batch(f"{path.name}, line {number}", chip, model, "bf16", stack, chips, requests, length, length,
                            float(row["Latency"]), float(row.get("avg_power") or 0.0) / 1e3)  # fmt: skip


def tensorrt_llm(path: Path) -> Iterator[Batch]:
    """Tables of TensorRT-LLM's page: output tokens a second and chip, and milliseconds to the first token of one."""
    chip = form = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if head := re.match(r"### (\w+) GPUs \((FP\d+)\)", line):
            chip, form = CHIPS.get(head[1], ""), FORMATS[head[2]]
        cells = [cell.strip().replace(",", "") for cell in line.strip().strip("|").split("|")]
        model = names.model(MODELS.get(cells[0], cells[0]))
        if not chip or model is None or len(cells) not in (5, 6):
            continue
        requests, chips, prompt, *output, figure = (float(cell) for cell in cells[1:])
        of_all = requests * output[0] / (figure * chips) if output else figure / 1e3
        yield Batch(f"{path.name}, line {number}", chip, model.name, form, "trtllm", int(chips), int(requests),
                    int(prompt), int(output[0]) if output else 1, of_all)  # fmt: skip


def read(path: Path) -> list[Batch]:
    """The batches of a file, each once: of equal ones the middle."""
    found: dict[object, list[Batch]] = defaultdict(list)
    for one in tensorrt_llm(path) if path.suffix == ".md" else argonne(path):
        found[one.chip, one.sizes].append(one)
    return [replace(alike[0], seconds=float(np.median([a.seconds for a in alike]))) for alike in found.values()]
