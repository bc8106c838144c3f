"""One request in the engine, and its answer as one object or as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import numpy as np
from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from .answers import Answer
from .asked import Asked, ChatAsked, StreamOptions
from .engine import Draining, Full
from .named import about
from .prompt import Served, most_of
from .refusal import AFTER_S, Refused
from .sampling import Sampling
from .stream import Event, Finished, Piece, Stream
from .text import Text

_GONE = Refused(503, "the client has gone")
_ENDS = {
    "draining": Refused(503, "the server is going down: try again"),
    "timeout": Refused(504, "the answer took longer than this server allows", None, "timeout"),
    "error": Refused(500, "a fault of the server; its log says where"),
    "abort": _GONE,
}


class Running:
    """A request in the engine. Whoever asked may go at any time: then it is cancelled."""

    def __init__(self, served: Served, asked: Asked, prompt: list[int], request: Request) -> None:
        self._served, self._asked, self._request = served, asked, request
        self._loop, self._events = asyncio.get_running_loop(), asyncio.Queue[Event]()
        sampling = Sampling(
            asked.temperature, asked.top_p, max(asked.top_k, 0), asked.top, asked.presence_penalty,  # type: ignore[attr-defined]
            asked.frequency_penalty, asked.repetition_penalty, tuple((int(t), x) for t, x in asked.logit_bias.items()),
        )  # fmt: skip
        ends = frozenset() if asked.ignore_eos else served.tokenizer.ends
        seed = None if asked.seed is None else asked.seed & (2**64 - 1)
        self._stream = Stream(
            prompt, most_of(served, asked, prompt), sampling, Text(served.tokenizer, asked.stops), self._emit,
            np.random.default_rng(seed), ends, asked.min_tokens, about(request.scope).request_id,
        )  # fmt: skip
        costs = served.engine.costs
        chat = isinstance(asked, ChatAsked)
        self._answer = Answer(
            served.model, costs.chip, costs.usd_per_s, chat, sampling.logprobs, served.tokenizer, self._stream
        )

    def begin(self) -> None:
        try:
            self._served.engine.submit(self._stream)
        except Full:
            limits = self._served.limits
            full = f"{limits.streams} requests run and {limits.waiting} wait, which is all that there is room for"
            raise Refused(429, f"{full}: try again in {AFTER_S} s", None, "rate_limit_exceeded") from None
        except Draining:
            raise _ENDS["draining"] from None
        seconds = self._served.limits.seconds
        self._timer = self._loop.call_later(seconds, self._late)
        self._gone = asyncio.create_task(self._until_gone())

    async def response(self) -> Response:
        """Its first event decides whether the answer is one at all."""
        with contextlib.ExitStack() as end:
            end.callback(self._close)
            first = await self._next()
            if not self._asked.stream:
                return JSONResponse(await self._collected(first))
            end.pop_all()  # it comes with that of the events
            return _Events(self._sent(first), self._close)

    def _emit(self, event: Event) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    def _late(self) -> None:
        """Who asked is told now: a pass of the RTL, after which the place is free, may take minutes."""
        self._served.engine.cancel(self._stream, "timeout")
        self._events.put_nowait(Finished("timeout"))

    async def _until_gone(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
        self._served.engine.cancel(self._stream)

    def _close(self) -> None:
        self._served.engine.cancel(self._stream)
        said, s = about(self._request.scope), self._stream
        said.prompt_tokens, said.output_tokens = len(s.prompt), len(s.tokens)
        said.finish_reason = s.reason or s.cancelled
        self._timer.cancel()
        self._gone.cancel()

    async def _next(self) -> Event:
        """The next event; an end that is none of an answer raises Refused."""
        event = await self._events.get()
        if isinstance(event, Finished) and event.reason in _ENDS:
            raise _ENDS[event.reason]
        return event

    async def _collected(self, event: Event) -> dict:
        pieces: list[Piece] = []
        while isinstance(event, Piece):
            pieces.append(event)
            event = await self._next()
        return self._answer.whole(pieces, event.text, event.reason)

    async def _sent(self, event: Event) -> AsyncIterator[bytes]:
        answer, options = self._answer, self._asked.stream_options or StreamOptions()
        answer.with_usage = options.include_usage
        said = 0 if options.include_usage and options.continuous_usage_stats else None
        if answer.chat:
            yield _data(answer.opening(said))
        try:
            while isinstance(event, Piece):
                said = None if said is None else said + 1
                if event.text or event.scored:
                    yield _data(answer.chunk(event.text, [event], said=said))
                event = await self._next()
            yield _data(answer.chunk(event.text, [], event.reason, said))
            if options.include_usage:
                yield _data(answer.closing())
        except Refused as refused:
            yield _data(refused.body())
        yield b"data: [DONE]\n\n"


def _data(body: dict) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


class _Events(StreamingResponse):
    """Server-sent events; `close` is called however it ends."""

    def __init__(self, content: AsyncIterator[bytes], close: object) -> None:
        super().__init__(content, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        self._close = close

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()  # type: ignore[operator]
