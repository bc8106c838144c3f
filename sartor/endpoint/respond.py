"""One request from its arrival to its answer."""

from __future__ import annotations

import logging

from fastapi import Request
from fastapi.responses import Response

from .asked import Asked
from .prompt import Served, check_logits, prompt_of
from .refusal import Refused
from .running import Running

__all__ = ["Served", "respond"]

LOG = logging.getLogger("sartor.endpoint")


async def respond(served: Served, asked: Asked, request: Request) -> Response:
    if asked.model != served.model:
        raise Refused(404, f"model {asked.model[:100]!r} is not served here (it serves {served.model!r})", "model",
                      "model_not_found")  # fmt: skip
    check_logits(served, asked)
    prompt = await prompt_of(served, asked)
    if served.log_text:
        LOG.warning("prompt: %r", served.tokenizer.decode(prompt))
    running = Running(served, asked, prompt, request)
    running.begin()
    return await running.response()
