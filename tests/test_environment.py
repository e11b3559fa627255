"""What the suite needs to be worth its name."""

import anyio


def test_every_backend_is_installed():
    assert {"asyncio", "trio"} <= set(anyio.get_available_backends())
