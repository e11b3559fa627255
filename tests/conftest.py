"""Kernel tests run on asyncio, asyncio with uvloop, and trio; in virtual time where there is one."""

import tempfile

import pytest

from otp.testing import virtual_backend


@pytest.fixture(autouse=True, scope="session")
def sockets_of_our_own():
    """Programs that are run here have their control sockets where nobody else looks; the path is short enough for them."""
    with tempfile.TemporaryDirectory(prefix="otp-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        yield


@pytest.fixture(params=["asyncio", "uvloop", "trio"])
def anyio_backend(request):
    if request.param == "uvloop":
        return "asyncio", {"use_uvloop": True}
    return virtual_backend(request.param)


def pytest_collection_modifyitems(config, items):
    """uvloop has no virtual clock: tests that let time pass are not run on it."""
    real_time = [item for item in items if item.get_closest_marker("virtual_time") and _backend(item) == "uvloop"]
    config.hook.pytest_deselected(items=real_time)
    items[:] = [item for item in items if item not in set(real_time)]


def _backend(item):
    return item.callspec.params.get("anyio_backend") if hasattr(item, "callspec") else None
