"""The endpoint under load: streams at once for minutes, every answer compared with what the same prompt got alone.

    python benchmarks/endpoint_load.py [--streams 64] [--minutes 10] [--chip CHIP --model NAME | --url URL --model NAME]

The official `openai` client asks, half of it as streams, over real sockets. Without --url a server of its own is
started in another process, recording its traffic: `sartor serve` with --chip, else the smallest chip with a network of
random weights. Of the time after the first answers: tokens a second here, of a second of the server's processors and of
a second of the chip (by its estimate), and sequences in a decode pass. Exit code 1: an error, a lost or crossed token,
a lost record, or memory that grows by more than 5 %.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from endpoint_load_parts import counted, rss_bytes

ROOT = Path(__file__).parents[1]
PATIENCE_S = 1800.0  # of a client: a golden model is slow
WARM = 0.2  # of the time, until memory is looked at
GROWTH = 0.05
RATES = {
    "tokens_per_s": "by the clock", "tokens_per_cpu_s": "of a processor", "tokens_per_chip_s": "of the chip",
    "batch": "of them in a decode pass",
}  # fmt: skip


@dataclass
class Seen:
    """What the clients counted."""

    requests: int = 0
    tokens: int = 0
    errors: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


def server(folder: Path, streams: int, waiting: int, grace_s: float = 30.0) -> None:
    """The process that serves: the endpoint as `sartor serve` runs it, on the smallest chip of the tests."""
    for place in (ROOT, *(ROOT / "tests").iterdir()):
        sys.path.insert(0, str(place))
    from tiny_service import service  # of the tests

    from sartor.endpoint.server import bound, run

    ready = service(folder, streams=streams, waiting=waiting, seconds=PATIENCE_S, record=folder / "recorded.jsonl")
    run(ready, bound("127.0.0.1", 0, ()), lambda url: print(url, flush=True), grace_s)


def prompts(count: int, seed: int = 1) -> list[str]:
    """Texts of 1 to 60 letters, some with a beginning in common."""
    rng = random.Random(seed)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ "
    some = ["".join(rng.choices(letters, k=rng.randint(1, 40))) for _ in range(count)]
    return [some[i // 2] + " AND MORE" if i % 4 == 3 else text for i, text in enumerate(some)]


async def ask(client: Any, model: str, prompt: str, count: int, stream: bool) -> tuple[str, int]:
    """The text, and how many tokens the server says it has."""
    more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    given = await client.completions.create(
        model=model, prompt=prompt, max_tokens=count, extra_body={"ignore_eos": True}, **more
    )
    if not stream:
        return given.choices[0].text, given.usage.completion_tokens
    text, tokens = "", -1
    async for chunk in given:
        text += "".join(choice.text for choice in chunk.choices)
        tokens = chunk.usage.completion_tokens if chunk.usage else tokens
    return text, tokens


async def one_client(
    client: Any, model: str, expected: dict[str, str], most: int, until: float, seen: Seen, seed: int
) -> None:
    rng = random.Random(seed)
    while time.monotonic() < until:
        prompt, count = rng.choice(list(expected)), rng.randint(1, most)
        began = time.monotonic()
        try:
            text, tokens = await ask(client, model, prompt, count, bool(rng.getrandbits(1)))
        except Exception as error:
            seen.errors.append(f"{type(error).__name__}: {error}"[:200])
            continue
        seen.requests, seen.tokens = seen.requests + 1, seen.tokens + tokens
        seen.slowest_s = max(seen.slowest_s, time.monotonic() - began)
        if tokens != count or not expected[prompt].startswith(text) or (count == most and text != expected[prompt]):
            seen.wrong.append(f"{prompt!r}: {count} tokens asked, {tokens} given: {text!r}"[:200])


async def load(url: str, given: argparse.Namespace, pid: int | None) -> dict[str, Any]:
    from openai import AsyncOpenAI

    memory: list[float] = []
    model, most, streams, seconds = given.model, given.most, given.streams, given.minutes * 60
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=PATIENCE_S) as client:
        expected = {text: (await ask(client, model, text, most, False))[0] for text in prompts(given.prompts)}
        seen, began, before = Seen(), time.monotonic(), counted(url, pid)
        until = began + seconds
        clients = [
            asyncio.create_task(one_client(client, model, expected, most, until, seen, seed)) for seed in range(streams)
        ]
        while (pending := [c for c in clients if not c.done()]) and time.monotonic() < until:
            await asyncio.wait(pending, timeout=min(seconds / 50, until - time.monotonic() + 0.01))
            memory.append(rss_bytes(pid))
        await asyncio.gather(*clients)
        rates = counted(url, pid).since(before, time.monotonic() - began)
    warm = memory[int(WARM * len(memory))]
    return {
        "streams": streams, "seconds": time.monotonic() - began, "requests": seen.requests, "tokens": seen.tokens,
        "alone": len(expected), "errors": len(seen.errors), "wrong": len(seen.wrong),
        "examples": (seen.errors + seen.wrong)[:3], "slowest_s": seen.slowest_s, "rss_warm_bytes": warm,
        "rss_end_bytes": max(memory[-3:]), "rss_growth": max(memory[-3:]) / warm - 1 if warm else 0.0, **rates,
    }  # fmt: skip


def command(given: argparse.Namespace, folder: str) -> list[str]:
    if given.chip is None:
        return [sys.executable, __file__, "--server", folder, "--streams", str(given.streams)]
    main = [sys.executable, "-c", "from sartor.cli import main; main()", "serve", "--port", "0"]
    what = ["--chip", given.chip, "--model", given.model, "--record", f"{folder}/recorded.jsonl"]
    return [*main, *what, "--streams", str(given.streams), "--waiting", str(4 * given.streams),
            "--max-seconds", str(PATIENCE_S)]  # fmt: skip


def own(given: argparse.Namespace) -> dict[str, Any]:
    """Against a server of our own, which is told to end as a user does; its records are counted."""
    with tempfile.TemporaryDirectory() as folder:
        with subprocess.Popen(command(given, folder), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = re.search(r"http://[\w.:]+", process.stdout.readline())
            if not url:
                raise SystemExit("the server did not start")
            found = asyncio.run(load(url[0], given, process.pid))
            process.terminate()
            began = time.monotonic()
            found |= {"exit": process.wait(600), "exit_s": time.monotonic() - began}
        lines = (Path(folder) / "recorded.jsonl").read_text().splitlines()
        found["recorded"] = sum(bool(json.loads(line)["output_length"]) for line in lines)
    return found


def met(f: dict[str, Any]) -> bool:
    lost = "recorded" in f and f["recorded"] != f["requests"] + f["alone"]
    return not (f["errors"] or f["wrong"] or lost or f["rss_growth"] > GROWTH) and f["requests"] > 0


def show(f: dict[str, Any]) -> None:
    print(f"{f['streams']} streams for {f['seconds']:,.0f} s: {f['requests']:,} requests, {f['tokens']:,} tokens; "
          f"{f['errors']} errors, {f['wrong']} answers not those of the same prompt alone")  # fmt: skip
    warm, end = (f[f"rss_{when}_bytes"] / 1e6 for when in ("warm", "end"))
    print(f"memory {warm:,.0f} MB after {WARM:.0%} of the time, {end:,.0f} MB at the end "
          f"({f['rss_growth']:+.1%}); slowest answer {f['slowest_s']:.1f} s")  # fmt: skip
    rates = (f"{f[key]:,.3g} {words}" for key, words in RATES.items() if f[key] is not None)
    print("tokens a second: " + ", ".join(rates))
    if "recorded" in f:
        print(f"{f['recorded']:,} of {f['requests'] + f['alone']:,} requests recorded")
    print(*f["examples"], "targets met" if f["target_met"] else "a target was missed", sep="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--prompts", type=int, default=48, help="that are different; each is asked alone first")
    parser.add_argument("--most", type=int, default=48, help="tokens of an answer")
    parser.add_argument("--url", help="a server that runs already, such as http://127.0.0.1:8000")
    parser.add_argument("--chip", help="a chip to serve, such as edge-smollm2")
    parser.add_argument("--model", default="tiny", help="what is served")
    parser.add_argument("--server", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    given = parser.parse_args()
    if given.server:
        server(given.server, given.streams, 4 * given.streams)
        return 0
    found = asyncio.run(load(given.url, given, None)) if given.url else own(given)
    found["target_met"] = met(found)
    print(json.dumps(found)) if given.json else show(found)
    return 0 if found["target_met"] else 1


if __name__ == "__main__":
    sys.exit(main())
