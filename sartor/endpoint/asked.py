"""What a client may ask, as OpenAI's API has it. What would change the answer and is not modeled is refused by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MOST_TEXT = 1_000_000  # characters of one text; the body has its own limit
# Of JSON's own kinds: "5" and true are no numbers.
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Probability = Annotated[Real, Field(gt=0, le=1)]
Penalty = Annotated[Real, Field(ge=-2, le=2)]
TokenKey = Annotated[str, Field(pattern=r"^[0-9]{1,10}$")]  # JSON has no other keys
Short = Annotated[str, Field(min_length=1, max_length=1000)]
Text = Annotated[str, Field(max_length=MOST_TEXT)]
Token = Annotated[Whole, Field(ge=0, le=2**31 - 1)]
Tokens = Annotated[Whole, Field(ge=1, le=2**31 - 1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


_OF_LOGITS = (
    "temperature", "min_tokens", "logprobs", "presence_penalty", "frequency_penalty", "repetition_penalty",
    "logit_bias",
)  # fmt: skip


class StreamOptions(_Part):
    include_usage: Flag = False
    continuous_usage_stats: Flag = Field(False, description="With include_usage: every chunk has its usage so far.")
    include_obfuscation: Flag = False


class Asked(_Part):
    """What both kinds of request have in common. A key that is null is as if it were left out."""

    model: Annotated[str, Field(max_length=1000)]
    temperature: Annotated[Real, Field(ge=0, le=2)] = Field(
        0.0, description="0, the default: the chip's own choice. Above: drawn on the host from its logits."
    )
    top_p: Probability = 1.0
    top_k: Annotated[Whole, Field(ge=-1, le=2**31 - 1)] = 0
    seed: Annotated[Whole, Field(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: Annotated[list[Short], Field(max_length=4)] | Short | None = None
    stream: Flag = False
    stream_options: StreamOptions | None = None
    ignore_eos: Flag = Field(False, description="Go on to max_tokens.")
    min_tokens: Annotated[Whole, Field(ge=0, le=2**31 - 1)] = 0
    presence_penalty: Penalty = 0.0
    frequency_penalty: Penalty = 0.0
    repetition_penalty: Annotated[Real, Field(gt=0, le=10)] = Field(1.0, description="Of the prompt's tokens, too.")
    logit_bias: Annotated[dict[TokenKey, Annotated[Real, Field(ge=-100, le=100)]], Field(max_length=1024)] = Field(
        default_factory=dict, description="Added to the logits of tokens, by their numbers."
    )
    # Taken at the value that changes nothing.
    n: Literal[1] = 1
    # Of no consequence for the answer.
    user: Any = None
    metadata: Any = None
    store: Any = None
    service_tier: Any = None
    safety_identifier: Any = None
    prompt_cache_key: Any = None

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, given: Any) -> Any:
        return {k: v for k, v in given.items() if v is not None} if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _options_belong_to_streams(self) -> Asked:
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options are for stream = true")
        return self

    @property
    def needs_logits(self) -> list[str]:
        """What is asked for and cannot be had of the best token alone."""
        return [name for name in _OF_LOGITS if getattr(self, name) != type(self).model_fields[name].get_default(
            call_default_factory=True)]  # fmt: skip

    @property
    def stops(self) -> tuple[str, ...]:
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())


class CompletionAsked(Asked):
    prompt: (
        Text
        | Annotated[list[Token], Field(min_length=1)]
        | Annotated[list[Text], Field(min_length=1, max_length=1)]
        | Annotated[list[Annotated[list[Token], Field(min_length=1)]], Field(min_length=1, max_length=1)]
    ) = Field(description="A text, or its tokens; one in a list.")
    max_tokens: Tokens = 16
    logprobs: Annotated[Whole, Field(ge=0, le=20)] | None = None
    echo: Literal[False] = False
    best_of: Literal[1] = 1
    suffix: Literal[""] = ""

    @property
    def top(self) -> int | None:
        return self.logprobs


class ContentPart(_Part):
    type: Literal["text"]
    text: Text


class Message(_Part):
    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[ContentPart]
    name: Any = None

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(p.text for p in self.content)


class ChatAsked(Asked):
    messages: Annotated[list[Message], Field(min_length=1, max_length=10_000)]
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    logprobs: Flag = False
    top_logprobs: Annotated[Whole, Field(ge=0, le=20)] | None = None
    response_format: dict[Literal["type"], Literal["text"]] | None = None
    tools: Annotated[list[Any], Field(max_length=0)] = Field(default_factory=list)
    tool_choice: Literal["none", "auto"] | None = None
    parallel_tool_calls: Any = None

    @property
    def top(self) -> int | None:
        return (self.top_logprobs or 0) if self.logprobs else None
