"""What is asked for, as tokens that the chip takes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ..compiler.session import longest_prompt
from ..errors import InputError
from .asked import Asked, ChatAsked, CompletionAsked
from .engine import Engine
from .guards import Limits
from .refusal import Refused
from .text import Tokenizer


@dataclass(frozen=True, eq=False)
class Served:
    """What is asked for, and by what it is answered."""

    model: str
    engine: Engine
    tokenizer: Tokenizer
    limits: Limits
    log_text: bool


def check_logits(served: Served, asked: Asked) -> None:
    """What needs the logits is refused where the machine keeps them."""
    if not served.engine.gives_logits and (name := next(iter(asked.needs_logits), None)):
        raise Refused(400, f"{name} needs logits, but the RTL gives out its token alone (serve without --rtl)", name)
    vocabulary = served.engine.binary.vocabulary
    if wrong := next((t for t in asked.logit_bias if int(t) >= vocabulary), None):
        raise Refused(400, f"token {wrong} is not in the vocabulary of {vocabulary}", "logit_bias")


async def prompt_of(served: Served, asked: Asked) -> list[int]:
    """Tokens of what is asked, checked. Long texts are cut into tokens beside the event loop."""
    try:
        ids = await asyncio.to_thread(_tokens, served.tokenizer, asked)
    except InputError as error:
        raise Refused(400, str(error)) from None
    name = "messages" if isinstance(asked, ChatAsked) else "prompt"
    vocabulary, longest = served.engine.binary.vocabulary, longest_prompt(served.engine.binary)
    if not ids:
        raise Refused(400, "the prompt is empty (at least one token)", name)
    if wrong := next((t for t in ids if t >= vocabulary), None):
        raise Refused(400, f"token {wrong} is not in the vocabulary of {vocabulary}", name)
    if len(ids) > longest:
        raise Refused(400, f"the prompt has {len(ids)} tokens, but this chip holds {longest}", name,
                      "context_length_exceeded")  # fmt: skip
    return ids


def _tokens(tokenizer: Tokenizer, asked: Asked) -> list[int]:
    if isinstance(asked, ChatAsked):
        conversation = getattr(tokenizer, "conversation", None)
        if conversation is None:
            raise InputError("this model has no chat template that is known (use /v1/completions)")
        roles = [("system" if m.role == "developer" else m.role, m.text) for m in asked.messages]
        return list(conversation(roles))
    assert isinstance(asked, CompletionAsked)
    prompt = asked.prompt
    if isinstance(prompt, list) and isinstance(prompt[0], (str, list)):
        prompt = prompt[0]
    return tokenizer.encode(prompt) if isinstance(prompt, str) else [int(t) for t in prompt]  # type: ignore[arg-type]


def most_of(served: Served, asked: Asked, prompt: list[int]) -> int:
    """Tokens of the answer; what is asked for and has no room is refused."""
    room = min(served.engine.binary.memory.context - len(prompt) + 1, served.limits.tokens)
    given = asked.max_tokens if isinstance(asked, CompletionAsked | ChatAsked) else None
    if isinstance(asked, ChatAsked):
        given = asked.max_completion_tokens or given
    elif given is not None and "max_tokens" not in asked.model_fields_set:  # the default
        given = min(given, room)
    most = room if given is None else given
    if asked.min_tokens > most:
        raise Refused(400, f"min_tokens = {asked.min_tokens} is more than the {most} tokens that the answer may have",
                      "min_tokens")  # fmt: skip
    if given is None:
        return room
    if given > room:
        raise Refused(400, f"max_tokens = {given} after a prompt of {len(prompt)} tokens: at most {room} here",
                      "max_tokens", "context_length_exceeded")  # fmt: skip
    return given
