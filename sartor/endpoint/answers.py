"""Answers as OpenAI's API has them, and the chip's own figures under `sartor`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from .stream import Piece, Stream
from .text import Tokenizer

Body = dict[str, Any]


@dataclass
class Answer:
    """What answers to one request have in common. `chat`: of /v1/chat/completions."""

    model: str
    chip: str
    usd_per_s: float
    chat: bool
    top: int | None
    tokenizer: Tokenizer
    stream: Stream
    created: int = field(default_factory=lambda: int(time.time()))
    with_usage: bool = False  # its chunks have the key, null where another one has the value
    _offset: int = 0

    def whole(self, pieces: list[Piece], rest: str, reason: str) -> Body:
        """The answer in one."""
        text = "".join(p.text for p in pieces) + rest
        content: Body = {"message": {"role": "assistant", "content": text}} if self.chat else {"text": text}
        choice = self._choice(content, self._logprobs(pieces), reason)
        kind = "chat.completion" if self.chat else "text_completion"
        return {**self._head(kind), "choices": [choice], "usage": self.usage(), "sartor": self.figures()}

    def chunk(self, text: str, pieces: list[Piece], reason: str | None = None, said: int | None = None) -> Body:
        """A part of it; the last one has a reason and the chip's figures. `said`: tokens so far, as its usage."""
        content: Body = {"delta": {"content": text} if text else {}} if self.chat else {"text": text}
        last = {} if reason is None else {"sartor": self.figures()}
        return {
            **self._chunk_head(),
            "choices": [self._choice(content, self._logprobs(pieces), reason)],
            **last, **self._so_far(said),
        }  # fmt: skip

    def opening(self, said: int | None = None) -> Body:
        """Who speaks: the first chunk of a chat."""
        delta = {"delta": {"role": "assistant", "content": ""}}
        return {**self._chunk_head(), "choices": [self._choice(delta, None, None)], **self._so_far(said)}

    def closing(self) -> Body:
        """The chunk that carries usage alone."""
        return {**self._chunk_head(), "choices": [], "usage": self.usage(), "sartor": self.figures()}

    def _so_far(self, said: int | None) -> Body:
        if said is None:
            return {"usage": None} if self.with_usage else {}
        return {"usage": self.usage(said)}

    def usage(self, said: int | None = None) -> Body:
        """Of all tokens, or of the first `said`."""
        prompt, said = len(self.stream.prompt), len(self.stream.tokens) if said is None else said
        return {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}

    def figures(self) -> Body:
        """What this request took on the chip among the others (docs/serve.md)."""
        stream, s, later = self.stream, self.stream.on_chip, len(self.stream.tokens) - 1
        return {
            "chip": self.chip, "time_s": s.last_s, "prefill_s": s.prefill_s, "decode_s": s.decode_s,
            "ttft_s": s.first_s, "tpot_s": (s.last_s - s.first_s) / later if later > 0 else None,
            "energy_j": s.energy_j, "usd": s.share_s * self.usd_per_s, "passes": s.passes, "batch": s.batch,
            "chosen_by": "host" if stream.chosen_by_host else "chip",
        }  # fmt: skip

    def _chunk_head(self) -> Body:
        return self._head("chat.completion.chunk" if self.chat else "text_completion")

    def _head(self, kind: str) -> Body:
        prefix = "chatcmpl" if self.chat else "cmpl"
        return {"id": f"{prefix}-{self.stream.name}", "object": kind, "created": self.created, "model": self.model}

    def _choice(self, content: Body, logprobs: Body | None, reason: str | None) -> Body:
        return {"index": 0, **content, "logprobs": logprobs, "finish_reason": reason}

    def _logprobs(self, pieces: list[Piece]) -> Body | None:
        if self.top is None or not pieces:
            return None
        if self.chat:
            return {"content": [self._content(p) for p in pieces], "refusal": None}
        offsets = []
        for p in pieces:
            offsets.append(self._offset)
            self._offset += len(p.text)
        return {
            "tokens": [self._text(p.token) for p in pieces],
            "token_logprobs": [p.scored.logprob for p in pieces if p.scored],
            "top_logprobs": [{self._text(i): x for i, x in p.scored.top} for p in pieces if p.scored],
            "text_offset": offsets,
        }

    def _content(self, piece: Piece) -> Body:
        assert piece.scored is not None
        top = [self._one(i, x) for i, x in piece.scored.top]
        return {**self._one(piece.token, piece.scored.logprob), "top_logprobs": top}

    def _one(self, token: int, logprob: float) -> Body:
        text = self._text(token)
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}

    def _text(self, token: int) -> str:
        return self.tokenizer.decode([token])
