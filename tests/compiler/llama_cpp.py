"""llama.cpp as an oracle: its server, asked over the loopback interface (package xllamacpp)."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest


class LlamaCpp:
    """One loaded model, one thread."""

    def __init__(self, path: Path) -> None:
        library = pytest.importorskip("xllamacpp", reason="pip install xllamacpp")
        parameters = library.CommonParams()
        parameters.model.path = str(path)
        parameters.n_ctx, parameters.n_parallel, parameters.n_gpu_layers = 512, 1, 0
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
        parameters.n_threads_http, parameters.warmup, parameters.verbosity = 2, False, -1
        self.server = library.Server(parameters)

    def ask(self, what: str, **fields: Any) -> Any:
        request = urllib.request.Request(
            f"{self.server.listening_address}/{what}", json.dumps(fields).encode(), {"Content-Type": "application/json"}
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def tokens(self, text: str, special: bool = False, bos: bool = False) -> list[int]:
        return self.ask("tokenize", content=text, parse_special=special, add_special=bos)["tokens"]

    def logprobs(self, prompt: list[int], most: int) -> dict[int, float]:
        """Of the token after `prompt`, by token: the `most` largest natural logarithms."""
        answer = self.ask(
            "completion", prompt=prompt, n_predict=1, n_probs=most, temperature=0.0, cache_prompt=False,
            samplers=[],
        )  # fmt: skip
        return {t["id"]: t["logprob"] for t in answer["completion_probabilities"][0]["top_logprobs"]}
