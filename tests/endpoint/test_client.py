"""The official client against the endpoint: chip-true tokens, streams, stops, seeds, logprobs, usage."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import openai
import pytest
from tiny_chip import CHIP, MODEL
from tiny_service import Speaking

from sartor import api
from sartor.compiler.session import Session
from sartor.endpoint.sampling import Sampling, adjusted
from sartor.families.tensor.golden import Golden

PROMPT = "HELLO WORLD"
LETTERS = Speaking()


def golden(served, prompt: str, count: int) -> str:
    """What the golden model says, alone and one token after the other."""
    binary = served.engine.binary
    machine = Golden(binary.core, binary.image.copy(), binary.program.instructions, binary.program.constants)
    return LETTERS.decode(Session(binary, machine).generate(LETTERS.encode(prompt), count))


def complete(client, prompt=PROMPT, **asked):
    return client.completions.create(model="tiny", prompt=prompt, **{"max_tokens": 8, **asked})


def test_models(client):
    assert [m.id for m in client.models.list()] == ["tiny"]
    assert client.models.retrieve("tiny").id == "tiny"


def test_tokens_are_those_of_the_golden_model(tiny, client):
    answer = complete(client)
    assert answer.choices[0].text == golden(tiny, PROMPT, 8)
    assert answer.choices[0].finish_reason == "length"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 8)
    assert complete(client, LETTERS.encode(PROMPT)).choices[0].text == answer.choices[0].text


def test_requests_at_once_do_not_touch_each_other(tiny, client):
    prompts = [chr(65 + i) * (1 + 2 * i) for i in range(10)]  # more than have a slot
    with ThreadPoolExecutor(10) as pool:
        said = list(pool.map(lambda p: complete(client, p, max_tokens=4).choices[0].text, prompts))
    assert said == [golden(tiny, p, 4) for p in prompts]


def test_the_chips_own_time_and_energy(client):
    found = complete(client, "HELLO", max_tokens=3).sartor
    # Two chunks of 2 tokens (H E, L L), then decode passes with 4, 5 and 6 tokens before them.
    decode = [api.estimate(CHIP, MODEL, "decode", 1, at) for at in (4, 5, 6)]
    assert found["decode_s"] == pytest.approx(sum(d["latency_s"] for d in decode))
    assert found["passes"] == 5 and 0 < found["prefill_s"] < found["decode_s"]
    assert found["ttft_s"] == pytest.approx(found["prefill_s"] + decode[0]["latency_s"])
    assert found["tpot_s"] == pytest.approx((decode[1]["latency_s"] + decode[2]["latency_s"]) / 2)
    alone = complete(client, "H", max_tokens=1).sartor  # one pass
    assert alone["energy_j"] == pytest.approx(api.estimate(CHIP, MODEL, "decode", 1, 1)["energy_j"])
    assert found["usd"] > 0 and found["chosen_by"] == "chip"


def test_a_stream_is_the_same_text(client):
    whole = complete(client)
    chunks = list(complete(client, stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].text for c in chunks if c.choices) == whole.choices[0].text
    assert chunks[-1].usage == whole.usage and chunks[-1].sartor == whole.sartor
    assert [c.choices[0].finish_reason for c in chunks if c.choices] == [None] * 8 + ["length"]
    assert all(c.usage is None and "usage" in c.model_fields_set for c in chunks[:-1])
    assert all("usage" not in c.model_fields_set for c in complete(client, stream=True))


def test_usage_so_far_in_every_chunk(client):
    options = {"include_usage": True, "continuous_usage_stats": True}
    chunks = list(complete(client, stream=True, stream_options=options))
    assert [c.usage.completion_tokens for c in chunks] == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8]
    assert {c.usage.prompt_tokens for c in chunks} == {11}
    alone = list(complete(client, stream=True, stream_options={"continuous_usage_stats": True}))
    assert all(c.usage is None for c in alone)


def test_chat(tiny, client):
    messages = [
        {"role": "system", "content": "BE"},
        {"role": "user", "content": [{"type": "text", "text": "HI"}]},
    ]
    said = client.chat.completions.create(model="tiny", messages=messages, max_completion_tokens=5)
    assert said.choices[0].message.content == golden(tiny, "S:BE/U:HI/", 5)
    stream = client.chat.completions.create(model="tiny", messages=messages, max_tokens=5, stream=True)
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == said.choices[0].message.content


def test_stop(tiny, client):
    text = golden(tiny, PROMPT, 12)
    stop = text[4:7]
    assert text.index(stop) > 0
    answer = complete(client, max_tokens=12, stop=["nowhere", stop])
    assert answer.choices[0].text == text[: text.index(stop)] and answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens == text.index(stop) + 3
    pieces = [c.choices[0].text for c in complete(client, max_tokens=12, stop=stop, stream=True)]
    assert "".join(pieces) == text[: text.index(stop)]
    # A beginning of a stop that does not come is given out at the end.
    assert complete(client, stop=golden(tiny, PROMPT, 8)[-1] + "nowhere").choices[0].text == text[:8]


def test_seed_and_temperature(client):
    def drawn(seed, **asked):
        return complete(client, max_tokens=16, temperature=1.5, seed=seed, **asked)

    one, again, other = drawn(1), drawn(1), drawn(2)
    assert one.choices[0].text == again.choices[0].text != other.choices[0].text
    assert one.sartor["chosen_by"] == "host"
    assert drawn(1, top_p=1e-9).choices[0].text == complete(client, max_tokens=16).choices[0].text


def test_bias_and_penalties(tiny, client):
    said = golden(tiny, PROMPT, 8)
    first, never = LETTERS.encode(said[0])[0], LETTERS.encode("Q")[0]
    banned = complete(client, logit_bias={str(first): -100})
    assert banned.choices[0].text[0] != said[0] and banned.sartor["chosen_by"] == "host"
    assert complete(client, logit_bias={str(never): 100}).choices[0].text == "Q" * 8
    # What a step's own logits say: each token once, where its second time costs more than any difference.
    once = complete(client, max_tokens=16, logit_bias={str(never): 3}, presence_penalty=2).choices[0].text
    assert once != complete(client, max_tokens=16, logit_bias={str(never): 3}).choices[0].text
    assert complete(client, extra_body={"repetition_penalty": 1.0}).choices[0].text == said
    with pytest.raises(openai.BadRequestError, match="token 64 is not in the vocabulary of 64"):
        complete(client, logit_bias={"64": 1})


def test_adjusted_by_hand():
    logits, how = np.array([3.0, -1.0, 2.0, 0.5]), Sampling(0, 1, 0, None, 0.5, 0.25, 2.0, ((3, 1.5),))
    # 0 in the prompt: 3 / 2. 1 said once: -1 * 2 - 0.25 - 0.5. 2 never. 3 said twice: (0.5 + 1.5) / 2 - 0.5 - 0.5.
    assert adjusted(logits, how, [0], [3, 1, 3]).tolist() == [1.5, -2.75, 2.0, 0.0]
    assert logits.tolist() == [3.0, -1.0, 2.0, 0.5] and adjusted(logits, Sampling(1.0), [0], [1]) is logits
    assert how.chooses and not Sampling().chooses and Sampling(1.0).chooses and not Sampling(1.0).changes


def test_logprobs(tiny, client):
    found = complete(client, logprobs=2, max_tokens=4).choices[0]
    assert "".join(found.logprobs.tokens) == found.text and found.logprobs.text_offset == [0, 1, 2, 3]
    for token, logprob, top in zip(
        found.logprobs.tokens, found.logprobs.token_logprobs, found.logprobs.top_logprobs, strict=True
    ):
        assert top[token] == logprob == max(top.values()) and len(top) == 2
    said = client.chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": "HI"}], max_tokens=2, logprobs=True, top_logprobs=64 - 44,
    )  # fmt: skip
    first = said.choices[0].logprobs.content[0]
    assert len(first.top_logprobs) == 20 and first.bytes == list(first.token.encode())
    assert sum(np.exp(t.logprob) for t in first.top_logprobs) < 1


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"model": "other"}, openai.NotFoundError, "'other' is not served here"),
        ({"max_tokens": 300}, openai.BadRequestError, "after a prompt of 11 tokens: at most 246 here"),
        ({"prompt": ""}, openai.BadRequestError, "the prompt is empty"),
        ({"prompt": "X" * 300}, openai.BadRequestError, "the prompt has 300 tokens, but this chip holds 256"),
        ({"prompt": [1, 64]}, openai.BadRequestError, "token 64 is not in the vocabulary of 64"),
        ({"n": 2}, openai.BadRequestError, "n: Input should be 1"),
        ({"temperature": -1}, openai.BadRequestError, "temperature: Input should be greater"),
        ({"presence_penalty": 3}, openai.BadRequestError, "presence_penalty: Input should be less"),
        ({"logit_bias": {"A": 1}}, openai.BadRequestError, "logit_bias.A"),
        ({"extra_body": {"beams": 4}}, openai.BadRequestError, "beams: is not supported here"),
        ({"stream_options": {"include_usage": True}}, openai.BadRequestError, "are for stream = true"),
    ],
)
def test_what_is_refused(client, asked, error, message):
    with pytest.raises(error, match=message.replace("(", r"\(")) as refused:
        client.completions.create(**{"model": "tiny", "prompt": PROMPT, **asked})
    assert set(refused.value.response.json()["error"]) == {"message", "type", "param", "code"}


def test_an_end_token_ends_it(images):
    from tiny_service import service, serving

    class Ending(Speaking):
        pass

    ready = service(images, tokenizer=(text := Ending()))
    with serving(ready) as served, openai.OpenAI(base_url=served.url + "/v1", api_key="-") as client:
        said = golden(served, PROMPT, 8)
        text.ends = frozenset({LETTERS.encode(said[5])[0]})
        at = said.index(said[5])
        found = complete(client)
        assert (found.choices[0].text, found.choices[0].finish_reason) == (said[:at], "stop")
        assert found.usage.completion_tokens == at + 1
        assert complete(client, extra_body={"ignore_eos": True}).choices[0].text == said
        forced = complete(client, logprobs=1, extra_body={"min_tokens": 8})
        assert forced.usage.completion_tokens == 8 and forced.sartor["chosen_by"] == "host"
        # There the model itself would have ended: of its own logits the end is the likeliest, and stays so.
        scores = forced.choices[0].logprobs
        assert scores.token_logprobs[at] < next(iter(scores.top_logprobs[at].values()))
