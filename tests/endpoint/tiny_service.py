"""The endpoint on a chip of the smallest kind with random weights, in a thread of the test."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
from tiny_chip import CHIP, Letters, weights

from sartor.api.generate import place
from sartor.api.places import STREAMS
from sartor.api.serve import Serving, assembled
from sartor.compiler import store
from sartor.endpoint.app import Service
from sartor.endpoint.server import Server, bound
from sartor.families.tensor.sizing import core_of

CONTEXT = 256


class Speaking(Letters):
    """Letters that also converse; `ends`: a token that ends an answer, none by default."""

    ends: frozenset[int] = frozenset()

    def encode(self, text, special=False):
        return [(ord(c) - 32) % 64 for c in text]

    def stream(self, ids):
        return (self.decode([i]) for i in ids)

    def conversation(self, messages):
        return self.encode("".join(f"{role[0].upper()}:{text}/" for role, text in messages))


def service(cache: Path, name: str = "tiny", tokenizer: object = None, **how: object) -> Service:
    core, ready = core_of(CHIP), weights()
    asked = Serving(**how)  # type: ignore[arg-type]
    placed = place(core, ready, CONTEXT, asked.streams or STREAMS)
    _, path = store.compiled(core, ready.network, ready.key, CONTEXT, folder=cache)
    return assembled(CHIP, name, ready, placed, path, asked, tokenizer or Speaking())


class Served:
    def __init__(self, ready: Service, grace_s: float = 30.0) -> None:
        self.service, self.engine, self.server = ready, ready.engine, Server(ready, grace_s)
        self.sock = bound("127.0.0.1", 0, ())
        self.url = f"http://127.0.0.1:{self.sock.getsockname()[1]}"
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.sock]})

    def start(self) -> None:
        self.engine.start()
        self._thread.start()
        until(lambda: self.server.started)

    def end(self) -> None:
        self.server.stop()
        self._thread.join(40)
        self.engine.close()
        self.sock.close()
        assert not self._thread.is_alive()

    def metrics(self) -> str:
        return httpx.get(self.url + "/metrics").text

    def metric(self, name: str) -> float:
        return sum(
            float(x.rsplit(" ", 1)[1]) for x in self.metrics().splitlines() if x.startswith(name + "{")
        )


@contextmanager
def serving(ready: Service, grace_s: float = 30.0):
    served = Served(ready, grace_s)
    served.start()
    try:
        yield served
    finally:
        served.end()


def until(true, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
