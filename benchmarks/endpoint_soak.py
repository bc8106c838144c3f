"""The endpoint with a crowd as it is: some read, some go in the middle, some die, some ask too much, some come at once.

    python benchmarks/endpoint_soak.py [--clients 64] [--minutes 10] [--chip CHIP --model NAME]

The official `openai` client against a server in another process, over real sockets: answers in one and streams, drawn
and greedy, streams closed in the middle, time-outs, over-long prompts, connections reset, processes killed, a hundred
at once. Afterwards, when all is calm: memory, files, threads and places of the server as before; each answer what the
same prompt got alone; then SIGTERM while all ask, a clean end, and in the record each request once. Else exit code 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from endpoint_load import prompts, server
from endpoint_load_parts import counted, process
from endpoint_soak_clients import PATIENCE_S, WAYS, Asking, crowd

STREAMS, WAITING, GRACE_S = 8, 64, 60.0
CALM_S = 300.0  # until the last place is free
GROWTH = 0.05  # of memory, from a tenth of the time on


async def alone(a: Asking, texts: list[str]) -> None:
    async with a.client() as client:
        for prompt in texts:
            for way, more in enumerate(WAYS):
                body = {**more.get("extra_body", {}), "ignore_eos": True}
                name = a.name()
                given = await client.completions.create(
                    model=a.model, prompt=prompt, max_tokens=a.most, **{**more, "extra_body": body},
                    extra_headers={"X-Request-Id": name},
                )  # fmt: skip
                a.expected[prompt, way] = given.choices[0].text
                a.seen.sure[name] = given.usage.completion_tokens


def gauges(url: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    found: Counter[str] = Counter()
    for name, _, value in pairs:
        found[name.partition("{")[0]] += float(value)  # type: ignore[assignment]
    return found


async def calm(url: str) -> float:
    """Seconds until nobody runs or waits."""
    began = time.monotonic()
    while any(gauges(url)[f"vllm:num_requests_{what}"] for what in ("running", "waiting")):
        if time.monotonic() > began + CALM_S:
            break
        await asyncio.sleep(0.2)
    return time.monotonic() - began


async def places(a: Asking) -> int:
    """How many run at once when as many ask as there are places: one that was lost is missing."""
    async with a.client() as client:
        names = [a.name() for _ in range(STREAMS)]
        asks = [
            asyncio.create_task(client.completions.create(
                model=a.model, prompt="A", max_tokens=a.context // 2, extra_body={"ignore_eos": True},
                extra_headers={"X-Request-Id": name},
            )) for name in names
        ]  # fmt: skip
        most = 0
        while not all(task.done() for task in asks):
            most = max(most, int((await asyncio.to_thread(gauges, a.url))["vllm:num_requests_running"]))
            await asyncio.sleep(0.05)
        a.seen.sure.update({n: (await t).usage.completion_tokens for n, t in zip(names, asks, strict=True)})
    return most


async def soak(a: Asking, given: argparse.Namespace, pid: int) -> dict[str, Any]:
    await alone(a, prompts(given.prompts))
    early = asyncio.create_task(crowd(a, given.clients, given.minutes * 6, seed=1))
    await early
    await calm(a.url)
    before, counts, began = process(pid), counted(a.url, pid), time.monotonic()
    await crowd(a, given.clients, given.minutes * 54, seed=2)
    seconds = time.monotonic() - began
    rates = counted(a.url, pid).since(counts, seconds)
    calm_s = await calm(a.url)
    found = {"seconds": seconds, "calm_s": calm_s, "places": await places(a), **rates}
    await asyncio.sleep(3)  # connections that clients have left are closed
    after, said = process(pid), gauges(a.url)
    return found | {
        "before": before, "after": after, "rss_growth": after["rss_bytes"] / before["rss_bytes"] - 1,
        "cache_use": said["vllm:kv_cache_usage_perc"], "ended": int(said["vllm:request_success_total"]),
        "recorded_then": int(said["sartor:recorded_requests"]),
    }  # fmt: skip


async def ending(a: Asking, given: argparse.Namespace, server: subprocess.Popen) -> dict[str, Any]:
    """SIGTERM while all of them ask."""
    asks = asyncio.create_task(crowd(a, given.clients, PATIENCE_S, seed=3))
    while not (await asyncio.to_thread(gauges, a.url))["vllm:num_requests_waiting"]:
        await asyncio.sleep(0.1)
    a.seen.ending = True
    server.terminate()
    began = time.monotonic()
    code = await asyncio.to_thread(server.wait, 600)
    took = time.monotonic() - began
    await asks
    return {"exit": code, "exit_s": took}


def judged(a: Asking, lines: list[dict[str, Any]]) -> list[str]:
    """What the record has wrong: each request once, with the tokens that its client got."""
    names = Counter(line["request_id"] for line in lines)
    tokens = {line["request_id"]: line["output_length"] for line in lines}
    s = a.seen
    maybe = {k: v for k, v in s.maybe.items() if k not in s.sure}
    return [
        *(f"{n} is recorded {k} times" for n, k in names.items() if k > 1),
        *(f"{n}: answered with {k} tokens, recorded {tokens.get(n)}" for n, k in s.sure.items() if tokens.get(n) != k),
        *(f"{n}: saw {k} tokens, recorded {tokens[n]}" for n, k in maybe.items() if tokens.get(n, k) < k),
        *(f"{n}: saw {k} tokens, not recorded" for n, k in maybe.items() if k and n not in tokens),
        *(f"{n} was refused, but is recorded" for n in s.never if n in tokens),
    ]  # fmt: skip


def own(given: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with (
            log.open("wb") as said,
            subprocess.Popen(command(given, folder), stdout=subprocess.PIPE, stderr=said, text=True) as process,
        ):
            assert process.stdout is not None
            url = re.search(r"http://[\w.:]+", process.stdout.readline())
            if not url:
                raise SystemExit(f"the server did not start: {log.read_text()}")
            with urllib.request.urlopen(f"{url[0]}/v1/models") as answer:
                context = json.load(answer)["data"][0]["max_model_len"]
            a = Asking(url[0], given.model, context, {}, given.most)
            found = asyncio.run(_both(a, given, process))
        text = (Path(folder) / "recorded.jsonl").read_text()
        lines = [json.loads(line) for line in text.splitlines()]
        noise = [line for line in log.read_text().splitlines() if "Traceback" in line or "Error" in line]
    return found | {
        "clients": given.clients, "kinds": dict(sorted(a.seen.kinds.items())), "answered": len(a.seen.sure),
        "wrong": len(a.seen.wrong), "examples": a.seen.wrong[:5], "recorded": len(lines),
        "record_wrong": judged(a, lines), "log_errors": noise[:5],
    }  # fmt: skip


async def _both(a: Asking, given: argparse.Namespace, process: subprocess.Popen) -> dict[str, Any]:
    found = await soak(a, given, process.pid)
    return found | await ending(a, given, process)


def command(given: argparse.Namespace, folder: str) -> list[str]:
    if given.chip is None:
        return [sys.executable, __file__, "--server", folder]
    main = [sys.executable, "-c", "from sartor.cli import main; main()", "serve", "--port", "0"]
    return [*main, "--chip", given.chip, "--model", given.model, "--record", f"{folder}/recorded.jsonl",
            "--streams", str(STREAMS), "--waiting", str(WAITING), "--max-seconds", str(PATIENCE_S),
            "--grace", str(GRACE_S)]  # fmt: skip


def missed(f: dict[str, Any]) -> list[str]:
    """What is not as it should be."""
    checks = {
        "an answer": not f["wrong"] and f["answered"] > 0,
        "the record": not f["record_wrong"] and f["recorded_then"] == f["ended"],
        "memory": f["rss_growth"] <= GROWTH,
        "files": f["after"]["files"] <= f["before"]["files"],
        "threads": f["after"]["threads"] <= f["before"]["threads"],
        "places": f["places"] == STREAMS and f["calm_s"] < CALM_S and not f["cache_use"],
        "the end": f["exit"] == 0 and f["exit_s"] < GRACE_S + 15,
        "the log": not f["log_errors"],
    }
    return [name for name, fine in checks.items() if not fine]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--prompts", type=int, default=12, help="that are different; each is asked alone first")
    parser.add_argument("--most", type=int, default=48, help="tokens of an answer")
    parser.add_argument("--chip", help="a chip to serve, such as edge-smollm2; the smallest with random weights")
    parser.add_argument("--model", default="tiny", help="what is served")
    parser.add_argument("--server", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.server:
        server(given.server, STREAMS, WAITING, GRACE_S)
        return 0
    found = own(given)
    found["missed"] = missed(found)
    print(json.dumps(found, indent=1))
    return 1 if found["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
