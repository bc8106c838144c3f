"""Kinds of clients that a server meets, and what each has to find (endpoint_soak.py)."""

from __future__ import annotations

import asyncio
import itertools
import random
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import openai

PATIENCE_S = 1800.0  # of a client that has any: a golden model is slow
FULL_S = 0.5  # until who was told that all is full asks again
WAYS: tuple[dict[str, Any], ...] = (
    {}, {"temperature": 1.0, "seed": 7}, {"temperature": 1.5, "top_p": 0.9, "seed": 11}, {"extra_body": {"top_k": 5}},
)  # fmt: skip


@dataclass
class Seen:
    """What the clients saw. `sure`: tokens of each request that was answered, by its name; `maybe`: at least so many of
    those that were given up; `never`: those that were refused."""

    sure: dict[str, int] = field(default_factory=dict)
    maybe: dict[str, int] = field(default_factory=dict)
    never: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    ending: bool = False  # the server has been told to end


class Asking:
    """What the clients have in common. `expected`: the words of each prompt in each way, asked alone."""

    def __init__(self, url: str, model: str, context: int, expected: dict[tuple[str, int], str], most: int) -> None:
        self.url, self.model, self.context, self.expected, self.most = url, model, context, expected, most
        self.seen, self._numbers = Seen(), itertools.count()

    def client(self) -> openai.AsyncOpenAI:
        bare = openai.DefaultAsyncHttpxClient(verify=False)  # no TLS here: to read all certificates takes long
        return openai.AsyncOpenAI(
            base_url=f"{self.url}/v1", api_key="none", max_retries=0, timeout=PATIENCE_S, http_client=bare
        )

    def name(self) -> str:
        return f"soak-{next(self._numbers)}"

    def drawn(self, rng: random.Random) -> tuple[str, int, int, str, dict[str, Any]]:
        """Prompt, way, tokens, name, and all that is asked."""
        prompt, way = rng.choice(list(self.expected))
        count, name = rng.randint(1, self.most), self.name()
        given = {**WAYS[way], "extra_headers": {"X-Request-Id": name}}
        given["extra_body"] = {**given.get("extra_body", {}), "ignore_eos": True}
        return prompt, way, count, name, {"model": self.model, "prompt": prompt, "max_tokens": count, **given}

    def check(self, prompt: str, way: int, text: str, whole: bool = False) -> None:
        said = self.expected[prompt, way]
        if not said.startswith(text) or (whole and text != said):
            self.seen.wrong.append(f"{prompt!r} in way {way}: {text!r}, alone {said!r}"[:300])


Kind = Callable[[Asking, openai.AsyncOpenAI, random.Random], Awaitable[None]]


async def whole(a: Asking, client: openai.AsyncOpenAI, rng: random.Random) -> None:
    """Reads the answer in one; one connection for all of them."""
    prompt, way, count, name, asked = a.drawn(rng)
    given = await client.completions.create(**asked)
    a.seen.sure[name] = given.usage.completion_tokens
    a.check(prompt, way, given.choices[0].text, count == a.most)
    if given.usage.completion_tokens != count or given.id != f"cmpl-{name}":
        a.seen.wrong.append(f"{name}: {count} tokens asked, {given.usage.completion_tokens} given as {given.id}")


async def streamed(a: Asking, client: openai.AsyncOpenAI, rng: random.Random) -> None:
    prompt, way, count, name, asked = a.drawn(rng)
    text, tokens = "", -1
    async for chunk in await client.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
        text += "".join(choice.text for choice in chunk.choices)
        tokens = chunk.usage.completion_tokens if chunk.usage else tokens
    a.seen.sure[name] = tokens
    a.check(prompt, way, text, count == a.most)


async def cancelling(a: Asking, client: openai.AsyncOpenAI, rng: random.Random) -> None:
    """Closes a stream in its middle."""
    prompt, way, count, name, asked = a.drawn(rng)
    text, until, parts = "", rng.randint(0, count), 0
    a.seen.maybe[name] = 0
    async with await client.completions.create(**asked, stream=True) as stream:
        async for chunk in stream:
            text += chunk.choices[0].text
            parts += bool(chunk.choices[0].finish_reason is None)
            a.seen.maybe[name] = parts
            if parts >= until:
                break
    a.check(prompt, way, text)


async def impatient(a: Asking, client: openai.AsyncOpenAI, rng: random.Random) -> None:
    """Gives up long before there can be an answer, or just about when there is."""
    _, _, _, name, asked = a.drawn(rng)
    a.seen.maybe[name] = 0
    try:
        given = await client.with_options(timeout=10 ** rng.uniform(-2.5, 1)).completions.create(**asked)
        a.seen.sure[name] = given.usage.completion_tokens
    except openai.APITimeoutError:
        return


async def too_long(a: Asking, client: openai.AsyncOpenAI, rng: random.Random) -> None:
    _, _, _, name, asked = a.drawn(rng)
    asked["prompt"] = "A" * (a.context + rng.randint(1, 1000)) if rng.getrandbits(1) else [1] * 10 * a.context
    a.seen.never.append(name)
    try:
        await client.completions.create(**asked)
        a.seen.wrong.append(f"{name}: an over-long prompt was answered")
    except openai.BadRequestError as error:
        if error.code != "context_length_exceeded" or error.response.headers["x-request-id"] != name:
            a.seen.wrong.append(f"{name}: {error}"[:300])
    await asyncio.sleep(rng.uniform(0, 2))


async def reset(a: Asking, client: openai.AsyncOpenAI, rng: random.Random) -> None:
    """A client's machine dies: no end, a reset, at any moment. Not counted: it leaves no name."""
    host, port = a.url.removeprefix("http://").split(":")
    body = f'{{"model": "{a.model}", "prompt": "DEAD", "max_tokens": {a.most}, "stream": true}}'
    head = f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    _, writer = await asyncio.open_connection(host, int(port))
    raw = writer.get_extra_info("socket")
    writer.write(f"{head}\r\n\r\n{body}".encode()[: rng.choice([None, -5, 40])])
    await asyncio.sleep(rng.expovariate(1))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    await asyncio.sleep(rng.uniform(0, 2))


PROCESS = """
import concurrent.futures, sys, openai
url, model, most, *names = sys.argv[1:]
client = openai.OpenAI(base_url=url + "/v1", api_key="none", timeout=1800, max_retries=0)
def ask(name):
    asked = {"model": model, "prompt": "KILLED", "max_tokens": int(most), "extra_headers": {"X-Request-Id": name}}
    for part in client.completions.create(**asked, stream=True):
        print(name, flush=True)
with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
    list(pool.map(ask, names))
"""


async def killed(a: Asking, client: openai.AsyncOpenAI, rng: random.Random) -> None:
    """A process with three requests, killed with SIGKILL after some of their tokens."""
    names = [a.name() for _ in range(3)]
    a.seen.maybe.update(dict.fromkeys(names, 0))
    command = [sys.executable, "-c", PROCESS, a.url, a.model, str(a.most), *names]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    for _ in range(rng.randint(0, a.most)):
        if not await process.stdout.readline():
            break
    if process.returncode is None:
        process.kill()
    await process.wait()
    await asyncio.sleep(rng.uniform(10, 30))


async def burst(a: Asking, client: openai.AsyncOpenAI, rng: random.Random) -> None:
    """Far more at once than there is room for: each is answered, or told to come again."""
    many = await asyncio.gather(*(whole(a, client, rng) for _ in range(100)), return_exceptions=True)
    for error in many:
        if isinstance(error, BaseException):
            _judge(a, "burst", error)
    await asyncio.sleep(rng.uniform(20, 40))


CROWD: dict[Kind, int] = {
    whole: 22, streamed: 22, cancelling: 8, impatient: 4, too_long: 3, reset: 3, killed: 1, burst: 1,
}  # fmt: skip


def _judge(a: Asking, kind: str, error: BaseException) -> bool:
    """What a client may be told: that all is full (with the time to try again), or that the server ends."""
    name = kind
    if isinstance(error, openai.APIStatusError):
        after = error.response.headers.get("retry-after", "")
        fine = error.status_code in (429, 503) and after.isdigit() and int(after) > 0
        name = f"{kind}: {error.status_code}"
        if fine and (error.status_code == 429 or error.code == "overloaded" or a.seen.ending):
            refused = error.response.headers["x-request-id"]
            if error.status_code == 429:
                a.seen.never.append(refused)
            else:  # it may have waited
                a.seen.maybe[refused] = 0
            a.seen.kinds[name] += 1
            return True
    elif a.seen.ending and isinstance(error, openai.APIError | OSError):
        a.seen.kinds[f"{kind}: ended"] += 1
        return True
    a.seen.wrong.append(f"{name}: {type(error).__name__}: {error}"[:300])
    return False


async def one(a: Asking, kind: Kind, until: float, seed: int) -> None:
    """A client of a kind, again and again."""
    rng, name = random.Random(seed), kind.__name__
    async with a.client() as client:
        while time.monotonic() < until and not a.seen.ending:
            try:
                await kind(a, client, rng)
                a.seen.kinds[name] += 1
            except Exception as error:
                _judge(a, name, error)
                await asyncio.sleep(FULL_S)


async def crowd(a: Asking, clients: int, seconds: float, seed: int = 0) -> None:
    """`clients` of all kinds at once; back when the last has what it asked for."""
    kinds = [kind for kind, many in CROWD.items() for _ in range(many)]
    rng = random.Random(seed)
    rng.shuffle(kinds)
    until = time.monotonic() + seconds
    await asyncio.gather(*(one(a, kinds[i % len(kinds)], until, 1000 * seed + i) for i in range(clients)))
