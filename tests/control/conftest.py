"""Control planes run on real event loops: their server is a thread, which waits for nobody's clock."""

import shutil
import tempfile
from pathlib import Path

import pytest

from otp.testing import virtual_backend


@pytest.fixture(params=["asyncio", "uvloop", "trio"])
def anyio_backend(request):
    if request.param == "trio":
        return "trio", {}
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


@pytest.fixture(params=["asyncio", "trio"])
def virtual(request):
    """For modules without a server: `anyio_backend` may be this."""
    return virtual_backend(request.param)


@pytest.fixture
def place():
    """A folder with a short path, as a socket needs it."""
    folder = Path(tempfile.mkdtemp(prefix="otp"))
    yield folder
    shutil.rmtree(folder)
