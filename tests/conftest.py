"""Kernel tests run on asyncio, asyncio with uvloop, and trio; in virtual time where there is one."""

import pytest

from otp.testing import virtual_backend

BACKENDS = ("asyncio", "uvloop", "trio")


@pytest.fixture(params=BACKENDS)
def anyio_backend(request):
    if request.param == "uvloop":
        if request.node.get_closest_marker("virtual_time"):
            pytest.skip("uvloop has no virtual clock")
        return "asyncio", {"use_uvloop": True}
    return virtual_backend(request.param)
