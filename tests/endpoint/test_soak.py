"""The crowd of benchmarks/endpoint_soak.py for half a minute: nothing is lost, crossed or left behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks/endpoint_soak.py"
pytestmark = [pytest.mark.slow, pytest.mark.long]


def test_a_crowd_as_it_is():
    pytest.importorskip("openai", reason="pip install openai")
    command = [sys.executable, str(SCRIPT), "--clients", "48", "--minutes", "0.5", "--prompts", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["missed"] == [], (found, done.stderr)
    assert found["answered"] > 20 and {"whole", "streamed", "cancelling", "too_long", "reset"} <= set(found["kinds"])
