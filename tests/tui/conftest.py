"""The screen is textual's, which is asyncio's; so are its tests."""

import pytest

from tests.tui.server import Server
from tests.tui.trees import massive


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "massive.sock"


@pytest.fixture
def server(path):
    with Server(path, massive()) as server:
        yield server
