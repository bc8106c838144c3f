"""A load generator that is not ours, GuideLLM, against the endpoint: it takes what it is given, token by token."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_service import Speaking

from sartor.compiler.session import Session
from sartor.families.tensor.golden import Golden

GUIDELLM = Path(sys.executable).with_name("guidellm")
COUNT, TOKENS, STREAMS = 12, 9, 4
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not GUIDELLM.exists(), reason="pip install guidellm"),
]


def alone(served, prompt: str) -> str:
    """What the golden model says."""
    binary = served.engine.binary
    machine = Golden(binary.core, binary.image.copy(), binary.program.instructions, binary.program.constants)
    return Speaking().decode(Session(binary, machine).generate(prompt, TOKENS))


@pytest.mark.parametrize("route", ["/v1/completions", "/v1/chat/completions"])
def test_guidellm(tiny, tmp_path, route):
    prompts = [f"HELLO {i}" for i in range(COUNT)]
    rows = [json.dumps({"prompt": prompt, "output_tokens_count": TOKENS}) for prompt in prompts]
    (tmp_path / "prompts.jsonl").write_text("\n".join(rows))
    asked = [
        "--backend", f"kind=openai_http,target={tiny.url},model=tiny,request_format={route}",
        "--profile", f"kind=concurrent,streams={STREAMS}", "--constraint", f"kind=max_requests,count={COUNT}",
        "--data", "kind=json_file,path=prompts.jsonl", "--output", "kind=json,path=out.json", "--disable-console",
    ]  # fmt: skip
    # What it makes for itself stays in the folder of the test; nothing is fetched.
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run([GUIDELLM, "run", *asked], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    (found,) = json.loads((tmp_path / "out.json").read_text())["benchmarks"]
    assert found["metrics"]["request_totals"] == {"successful": COUNT, "errored": 0, "incomplete": 0, "total": COUNT}
    answers = found["requests"]["successful"]
    assert [a["output_tokens"] for a in answers] == [TOKENS] * COUNT
    assert all(0 < a["time_to_first_token_ms"] <= a["request_latency"] * 1e3 for a in answers)
    said = {_prompt(json.loads(a["request_args"])["body"]): a["output"] for a in answers}
    text = Speaking().conversation if "chat" in route else lambda messages: Speaking().encode(messages[0][1])
    assert said == {prompt: alone(tiny, text([("user", prompt)])) for prompt in prompts}


def _prompt(body: dict) -> str:
    if "prompt" in body:
        return body["prompt"]
    content = body["messages"][0]["content"]
    return content if isinstance(content, str) else content[0]["text"]
