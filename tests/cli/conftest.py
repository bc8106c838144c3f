"""The console script in a process of its own."""

import subprocess
import sys

import pytest

SARTOR = [sys.executable, "-c", "from sartor.cli import main; main()"]


@pytest.fixture
def run():
    def call(*args, env=None):
        return subprocess.run([*SARTOR, *args], capture_output=True, text=True, env=env, timeout=600)

    return call
