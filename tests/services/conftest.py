"""Services are asyncio; they run here on its default loop, in real time, on real sockets."""

import pytest


@pytest.fixture
def anyio_backend():
    return "asyncio"
