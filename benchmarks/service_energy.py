"""Joules a token of services as the ML.ENERGY benchmark measured them, beside ours.

    python benchmarks/service_energy.py FOLDER
    python benchmarks/trust.py --energy FOLDER

FOLDER: `public/data` of ml-energy/leaderboard on GitHub (ML.ENERGY benchmark 3.0, Apache-2.0; arXiv 2505.06371): vLLM
0.11.1 on H100 and B200, as many requests at once as `max_num_seqs` lets in, joules of all GPUs by NVML's counter (Zeus)
while that many run, over the tokens that came out. None of our figures was fitted to a row of it, and the B200's joules
to no reading of watts at all. Nothing of it is kept but the errors.

Lengths of prompts are not published. How many requests run where the cache is full, and how large it then is, says 200
to 400 tokens of the chats; questions of GPQA are short. Code's are long and not known: such rows are refused. What a
running request holds is its prompt and, of outputs that vary, the mean of their squares over twice their mean.

The cache is in 16 bits, vLLM's default, whatever the weights are in.

`at pace`: joules of our step, prompt and idle power, at the tokens a second that were measured: what is left is watts.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from error_lines import error_lines

from sartor.validation import names, points_predict
from sartor.validation.kind import Refused, Row
from sartor.validation.points import FORM, Points, refusal
from sartor.validation.points_formats import weights
from sartor.validation.points_layout import arranged
from sartor.validation.record import Recorded, record
from sartor.validation.rows import split
from sartor.validation.summary import Pair
from sartor.workload.derive import operators

FIRST = "service"
CHATS, AGAIN = "lm-arena-chat", "prompts that come again: in the cache"
PROMPTS = {CHATS: 300, "gpqa": 250}  # tokens, mean
MOST = 256  # at once of chats: beyond, the same 1,024 come again (num_request_repeats), and many are in the cache
# Checkpoints of several formats, which no row says (arXiv 2407.21783, 6.2).
MIXED = {"meta-llama/Llama-3.1-405B-Instruct-FP8": "FP8 in the feed-forward layers alone: attention is in 16 bits"}
SAMPLING = "penalties"  # every request asks for a repetition penalty of 1.1 and top-p of 0.95
WEIGHTS = {"bfloat16": "bf16", "fp8": "fp8", "mxfp4": "fp4"}
RUNNING = "running"  # beside a row's inputs: how many ran, in the mean


def rows(folder: Path, prompts: Mapping[str, int] = PROMPTS, refused: Counter[str] | None = None) -> Iterator[Row]:
    """Of every configuration of a language model, what our form of a point says; `refused` counts the others."""
    refused = Counter() if refused is None else refused
    for path in sorted(folder.glob("*__*.json")):
        one = json.loads(path.read_text(encoding="utf-8"))
        if one["task"] not in prompts:
            refused[f"{one['task']}: no language model, or prompts of unknown length"] += len(one["configurations"])
            continue
        for number, each in enumerate(one["configurations"]):
            row = _row(f"{path.name} {number}", one, each, prompts[one["task"]])
            again = one["task"] == CHATS and row.inputs["at_once"] > MOST
            if why := MIXED.get(one["model_id"]) or (AGAIN if again else refusal(row.inputs)):
                refused[why] += 1
            else:
                yield row


def _row(where: str, one: Mapping[str, Any], each: Mapping[str, Any], prompt: int) -> Row:
    layout = each["parallelization"]
    raw = {
        "system": each["gpu_model"], "model_path": one["model_id"], "precision": WEIGHTS[one["weight_precision"]],
        "backend": "vllm", "isl": prompt, "osl": round(each["avg_output_len"]), "batch_size": each["max_num_seqs"],
        "tp_size": each["num_gpus"] // layout["data_parallel"], "attention_dp_size": layout["data_parallel"],
        "moe_ep_size": layout["expert_parallel"], "kv_cache_dtype": "bf16", "sampling": SAMPLING,
        "context": prompt + _mean_held(each["output_length_distribution"]),
        "silicon_tpot_ms": 1e3 * each["avg_batch_size"] * each["energy_per_token_joules"] / each["avg_power_watts"],
        "J_per_token": each["energy_per_token_joules"],
    }  # fmt: skip
    row = split(FORM, where, raw)
    return Row(row.where, row.inputs, row.measured, {RUNNING: float(each["avg_batch_size"])})


def _mean_held(lengths: Mapping[str, Sequence[float]]) -> float:
    """Tokens out so far of a request that is met by chance, from a histogram of outputs: long ones are met more often.

    >>> _mean_held({"bins": [0, 200], "counts": [7]})  # all of 100
    50.0
    """
    bins, counts = np.array(lengths["bins"]), np.array(lengths["counts"])
    middle = (bins[1:] + bins[:-1]) / 2
    return float((counts * middle**2).sum() / (counts * middle).sum() / 2)


def pairs(some: Sequence[Row]) -> list[Pair]:
    """TPOT and joules a token, and joules at the pace that was measured."""
    found = []
    for row, guess in zip(some, points_predict.predict([row.inputs for row in some]), strict=True):
        if isinstance(guess, Refused):
            continue
        labels = {**Points().labels(row.inputs), "sort": _sort(row)}
        made = {**guess, "energy at pace": _at_pace(row)}
        measured = {**row.measured, "energy at pace": row.measured["energy"]}
        found += [Pair(row.where, labels, name, float(made[name]), measured[name]) for name in measured]
    return found


def _sort(row: Row) -> str:
    """Dense or of experts, and the format of the weights."""
    model = names.model(row.inputs["model"])
    assert model is not None
    routed = any(gemm.tensor == "expert" for gemm in operators(model, "decode").gemms)
    return "experts" if routed else f"dense {weights(row.inputs)}"


def _at_pace(row: Row) -> float:
    """With as many requests and tokens a second as were measured."""
    asked = {**arranged(row.inputs), "at_once": row.beside[RUNNING]}
    return float(points_predict.joules([asked], points_predict.parts([asked]), row.measured["tpot"])[0])


def groups(folder: Path, prompts: Mapping[str, int] = PROMPTS) -> Mapping[str, Sequence[Pair]]:
    """By the names they are on record with."""
    found: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs(list(rows(folder, prompts))):
        found[f"{FIRST} {pair.quantity} {pair.labels['chip']} {pair.labels['sort']}"].append(pair)
    return dict(sorted(found.items()))


def records(folder: Path) -> list[Recorded]:
    """Errors by group, of which no figure has seen a row."""
    return [record("serving", "unseen", name, found) for name, found in groups(folder).items()]


def main() -> int:
    folder, refused = Path(sys.argv[1]), Counter[str]()
    print(f"{len(list(rows(folder, refused=refused)))} rows; refused: {dict(refused)}")
    for prompt in (300, 200, 400):
        print(f"prompts of {prompt} tokens in chats")
        print(*error_lines(groups(folder, PROMPTS | {CHATS: prompt})), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
