"""The endpoint on the RTL: its tokens, and its cycles as the time."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import httpx
import pytest
from tiny_chip import CHIP, CYCLES, Posing
from tiny_service import Speaking, service, serving

from sartor.api.places import check_rtl
from sartor.compiler.session import Session
from sartor.errors import InputError
from sartor.families.tensor.golden import Golden

LETTERS = Speaking()
PROMPTS = ["HELLO", "A", "SEOUL IS"]


class Quick(Posing):
    """Without digests, which nobody looks at here."""

    def start(self, given, *, progress=None):
        return SimpleNamespace(cycles=CYCLES, argmax_indices=self.golden.start(given))


def ask(served, prompt: str, **more) -> httpx.Response:
    body = {"model": "tiny", "prompt": prompt, "max_tokens": 4, **more}
    return httpx.post(served.url + "/v1/completions", json=body, timeout=300)


def all_at_once(served) -> list[dict]:
    with ThreadPoolExecutor(len(PROMPTS)) as pool:
        return [answer.json() for answer in pool.map(lambda prompt: ask(served, prompt), PROMPTS)]


def alone(served, prompt: str) -> str:
    b = served.engine.binary
    machine = Golden(b.core, b.image.copy(), b.program.instructions, b.program.constants)
    return LETTERS.decode(Session(b, machine).generate(LETTERS.encode(prompt), 4))


def checked(served) -> None:
    for prompt, answer in zip(PROMPTS, all_at_once(served), strict=True):
        assert answer["choices"][0]["text"] == alone(served, prompt)
    wanted = {"temperature": 1.0, "logprobs": 2, "min_tokens": 2, "logit_bias": {"1": 1}, "presence_penalty": 1.0}
    for key, value in wanted.items():
        refused = ask(served, "A", **{key: value})
        assert refused.status_code == 400 and refused.json()["error"]["param"] == key
        assert "the RTL gives out its token alone" in refused.json()["error"]["message"]


def test_tokens_and_cycles_of_what_runs(images, monkeypatch):
    monkeypatch.setattr("sartor.sim.simulator.Simulator", Quick)
    with serving(service(images, rtl=True, streams=3)) as served:
        checked(served)
        figures = ask(served, "HELLO").json()["sartor"]  # two chunks, four tokens, nobody else
        assert figures["time_s"] == pytest.approx(6 * CYCLES / CHIP.clock_hz) and figures["passes"] == 6
        assert figures["ttft_s"] == pytest.approx(3 * CYCLES / CHIP.clock_hz)


def test_several_cores_are_refused():
    with pytest.raises(InputError, match="tiny has 2 cores, and the RTL is of one"):
        check_rtl(dataclasses.replace(CHIP, cores=2))


@pytest.mark.slow
@pytest.mark.long
def test_the_real_simulator(images):
    with serving(service(images, rtl=True, streams=3)) as served:
        checked(served)
        busy = served.metric("sartor:chip_seconds_total")
        assert busy > 0 and served.metric("sartor:batch_size_sum") == 12
