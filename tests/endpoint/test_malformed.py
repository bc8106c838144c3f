"""Requests that are wrong in every way: 4xx with OpenAI's error, never 5xx, and the next request is answered."""

import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_service import service, serving

VALID = {
    "/v1/completions": {"model": "tiny", "prompt": "A", "max_tokens": 1},
    "/v1/chat/completions": {"model": "tiny", "messages": [{"role": "user", "content": "A"}], "max_tokens": 1},
}
KEYS = ("model", "prompt", "messages", "max_tokens", "temperature", "top_p", "top_k", "seed", "stop",
        "stream", "stream_options", "logprobs", "top_logprobs", "n", "min_tokens", "logit_bias",
        "tools", "user", "other")  # fmt: skip
URL: list[str] = []
NAMES = [*KEYS, "role", "content", "type"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["\ud800", "tiny", "\0", -1, 0, 10**400, 2**63, float("nan")]),
    lambda x: st.lists(x, max_size=4) | st.dictionaries(st.sampled_from(NAMES), x, max_size=4),
    max_leaves=8,
)  # fmt: skip
RAW = (
    b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}" * 3, b"[" * 100_000, b'{"model": "tiny", "prompt": ' + b"[" * 5000,
    b'{"model": 1' + b"0" * 5000 + b"}", b'{"model": "tiny", "prompt": "\\ud800", "n": "\\ud800"}', b"NaN",
)  # fmt: skip


@pytest.fixture(scope="module")
def caller(images):
    ready = service(images, seconds=5.0)
    with serving(ready) as served, httpx.Client(base_url=served.url, timeout=30) as client:
        yield client


def judged(answer) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code != 200:
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"} and answer.json()["error"]["message"]


def asked(client, path, content, kind="application/json"):
    answer = client.post(path, content=content, headers={"Content-Type": kind})
    judged(answer)
    return answer.status_code


@pytest.mark.parametrize("path", VALID)
def test_what_is_no_request(caller, path):
    for raw in RAW:
        assert asked(caller, path, raw) in (400, 413)
    assert asked(caller, path, json.dumps(VALID[path]), "text/plain") == 400
    assert asked(caller, path, json.dumps(VALID[path])) == 200
    for method, where, code in (("PUT", path, 405), ("GET", "/nowhere", 404), ("GET", "/v1/models/other", 404)):
        answer = caller.request(method, where)
        judged(answer)
        assert answer.status_code == code


@pytest.mark.parametrize(
    ("change", "param", "said"),
    [
        ({"max_tokens": -1}, "max_tokens", "greater than or equal to 1"),
        ({"max_tokens": "5"}, "max_tokens", "a valid integer"),
        ({"max_tokens": True}, "max_tokens", "a valid integer"),
        ({"max_tokens": 10**30}, "max_tokens", "less than or equal to"),
        ({"temperature": float("nan")}, "temperature", "a finite number"),
        ({"temperature": "0.5"}, "temperature", "a valid number"),
        ({"stream": "yes"}, "stream", "a valid boolean"),
        ({"stop": ""}, "stop", "at least 1 character"),
        ({"stop": list("abcde")}, "stop", "at most 4 items"),
        ({"stop": "\ud800"}, "stop", "parse raw data as a unicode string"),
        ({"prompt": [-1]}, "prompt.0", "greater than or equal to 0"),
        ({"prompt": ["A", "B"]}, "prompt", "at most 1 item"),
        ({"prompt": "A" * 300}, "prompt", "has 300 tokens, but this chip holds 256"),
        ({"min_tokens": 9}, "min_tokens", "min_tokens = 9 is more than the 1 tokens that the answer may have"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(caller, change, param, said):
    answer = caller.post("/v1/completions", content=json.dumps({**VALID["/v1/completions"], **change}),
                         headers={"Content-Type": "application/json"})  # fmt: skip
    error = answer.json()["error"]
    assert answer.status_code == 400 and error["param"] == param and said in error["message"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the body is empty"), (b'{"model": "tiny"', "the body is not JSON, at character 16"),
        (b"[]", "the body is not a JSON object"), (b"[" * 200_000, "cannot be read as JSON"),
        (b"\x1f\x8b", "cannot be read as JSON"),
    ],
)  # fmt: skip
def test_a_body_that_is_none_is_told_what_one_is(caller, content, said):
    answer = caller.post("/v1/completions", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and said in answer.json()["error"]["message"]
    assert answer.json()["error"]["param"] is None


def test_words_to_stop_at_are_text_of_any_kind(caller):
    body = {**VALID["/v1/completions"], "max_tokens": 4, "stop": ["한국", "\U0001f600", "e\u0301", "\0"]}
    answer = caller.post("/v1/completions", json=body)
    assert answer.status_code == 200 and len(answer.json()["choices"][0]["text"]) == 4
    body = {**body, "temperature": 5e-324}  # the likeliest, and no warning
    assert caller.post("/v1/completions", json=body).json()["choices"] == answer.json()["choices"]


@pytest.mark.slow
@pytest.mark.parametrize("path", VALID)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(change=st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=3), missing=st.sampled_from(KEYS))
def test_values_of_every_kind(caller, path, change, missing):
    body = {k: v for k, v in VALID[path].items() if k != missing} | change
    asked(caller, path, json.dumps(body))


def cases(operation, mode, count: int) -> list[tuple[int, str]]:
    """Status and text of the answers to `count` requests that schemathesis makes of the operation's schema, each time
    the same."""
    seen = []
    health = list(HealthCheck)

    @settings(max_examples=count, deadline=None, suppress_health_check=health, database=None, derandomize=True)
    @given(case=operation.as_strategy(generation_mode=mode))
    def test(case):
        answer = case.call(base_url=URL[0])
        judged(answer)
        seen.append((answer.status_code, case.path))

    test()
    return seen


@pytest.fixture
def operations(caller):
    schemathesis = pytest.importorskip("schemathesis", reason="pip install schemathesis")
    URL[:] = [str(caller.base_url)]
    schema = schemathesis.openapi.from_dict(caller.get("/openapi.json").json())
    return schemathesis.GenerationMode, [found.ok() for found in schema.get_all_operations()]


@pytest.mark.slow
@pytest.mark.parametrize("count", [60, pytest.param(600, marks=pytest.mark.long)])
def test_malformed_requests_that_schemathesis_makes_are_refused(operations, count):
    modes, found = operations
    posted = [operation for operation in found if operation.method == "post"]
    assert len(posted) == len(VALID)
    statuses = [status for operation in posted for status, _ in cases(operation, modes.NEGATIVE, count)]
    assert sum(400 <= status < 500 for status in statuses) >= count * 5 / 3  # of two operations


@pytest.mark.slow
def test_schemathesis_finds_no_fault_in_what_fits_the_schema(operations):
    modes, found = operations
    seen = [case for operation in found for case in cases(operation, modes.POSITIVE, 40)]
    assert {path for _, path in seen} >= {"/v1/models", "/health", "/metrics", *VALID}
    assert {200, 400, 404} <= {status for status, _ in seen}
