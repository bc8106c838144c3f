"""llama.cpp as an oracle: its server, asked over the loopback interface (package xllamacpp).

It runs in a process of its own: its library and that of pyosys cannot live in one.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

# Prints its address, and serves until its input ends.
SERVER = """
import sys, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.n_ctx, parameters.n_parallel, parameters.n_gpu_layers = 512, 1, 0
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
parameters.n_threads_http, parameters.warmup, parameters.verbosity = 2, False, -1
server = xllamacpp.Server(parameters)
print("address", server.listening_address, flush=True)
sys.stdin.read()
"""


class LlamaCpp:
    """One loaded model, one thread."""

    def __init__(self, path: Path) -> None:
        if importlib.util.find_spec("xllamacpp") is None:
            pytest.skip("pip install xllamacpp")
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        said = next((line for line in self.process.stdout if line.startswith("address ")), "")
        assert said, f"the server of llama.cpp ended with {self.process.wait()}"
        self.address = said.split()[1]

    def close(self) -> None:
        self.process.communicate(timeout=30)

    def ask(self, what: str, **fields: Any) -> Any:
        request = urllib.request.Request(
            f"{self.address}/{what}", json.dumps(fields).encode(), {"Content-Type": "application/json"}
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def tokens(self, text: str, special: bool = False, bos: bool = False) -> list[int]:
        return self.ask("tokenize", content=text, parse_special=special, add_special=bos)["tokens"]

    def logprobs(self, prompt: list[int], most: int) -> dict[int, float]:
        """Of the token after `prompt`, by token: the `most` largest natural logarithms of what the model says, before
        any sampler. It answers with none of a token that is half a letter, so that the likeliest is asked for."""
        answer = self.ask(
            "completion", prompt=prompt, n_predict=1, n_probs=most, temperature=0.0, cache_prompt=False,
            samplers=["top_k"], top_k=1,
        )  # fmt: skip
        return {t["id"]: t["logprob"] for t in answer["completion_probabilities"][0]["top_logprobs"]}
