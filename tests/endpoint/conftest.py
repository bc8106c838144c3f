"""One service for all tests that leave it as it was."""

import pytest
from tiny_service import service, serving


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="session")
def tiny(images):
    with serving(service(images)) as served:
        yield served


@pytest.fixture(scope="session")
def client(tiny):
    openai = pytest.importorskip("openai", reason="pip install openai")
    with openai.OpenAI(base_url=tiny.url + "/v1", api_key="none", max_retries=0) as client:
        yield client
