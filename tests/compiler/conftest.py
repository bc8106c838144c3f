"""The real weights, and llama.cpp on them; tests that need what is not there are skipped."""

import pytest
from llama_cpp import LlamaCpp

from sartor.errors import InputError
from sartor.workload import fetch


@pytest.fixture(scope="session")
def smollm2():
    try:
        return fetch.smollm2()
    except InputError as error:
        pytest.skip(f"needs the real weights: {error}")


@pytest.fixture(scope="session")
def llama_cpp(smollm2):
    server = LlamaCpp(smollm2)
    yield server
    server.close()
