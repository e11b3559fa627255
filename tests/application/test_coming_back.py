"""What serves a tree from beside it comes back, whatever has ended it; the tree notices nothing."""

import asyncio
import os
import socket
import urllib.request
from asyncio import SelectorEventLoop

import anyio
import anyio.to_thread
import pytest

from otp import supervisor, worker
from otp.application.health import HealthServer
from otp.application.host import open_host
from otp.application.options import Options
from otp.events import ChildStarted
from otp.observe.history import History
from otp.observe.incidents import Incidents
from otp.observe.observation import open_observation
from otp.observe.outbox import Outbox, open_outbox

SOON = 20.0
TREE = supervisor("back", children=[worker("a", anyio.sleep_forever)])


class Odd(BaseException):
    """An exception outside of every family that a rule names."""


@pytest.fixture(params=["asyncio", "uvloop", "trio"])
def anyio_backend(request):
    """Real time: threads are among them."""
    return {"asyncio": "asyncio", "uvloop": ("asyncio", {"use_uvloop": True}), "trio": "trio"}[request.param]


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Come back without a pause."""
    pauses = ("observe.background_tasks.AGAIN", "application.health.AGAIN", "control.server.accepting.AGAIN_ACCEPT")
    for pause in (*pauses, "observe.outbox.REST", "observe.observation.TICK"):
        monkeypatch.setattr(f"otp.{pause}", 0.01)


async def control_accepts():
    async with open_host(TREE, [], Options(loop_watch=None)) as host:
        host.tree.root.begin()
        path = os.path.join(os.environ["XDG_RUNTIME_DIR"], "otp", "back.sock")  # noqa: PTH118 # a name only
        assert await anyio.to_thread.run_sync(greeting, path)


def greeting(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(SOON)
        client.connect(path)
        return client.recv(1)


async def health_answers():
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port = some.getsockname()[1]
    async with open_host(TREE, [], Options(health=("127.0.0.1", port), loop_watch=None, control=False)) as host:
        host.tree.root.begin()
        await host.tree.settled.wait()
        url = f"http://127.0.0.1:{port}/livez"
        assert await anyio.to_thread.run_sync(lambda: urllib.request.urlopen(url, timeout=SOON).status) == 200


async def incidents_are_watched():
    async with open_observation("back") as seen:
        ticked = seen.incidents.ticked = anyio.Event()
        await ticked.wait()


async def outbox_sends():
    sent = anyio.Event()

    async def send(_):
        sent.set()

    outbox = Outbox("back", send)
    async with open_outbox(outbox):
        outbox.put(1)
        await sent.wait()


async def history_counts():
    history = History()
    async with open_host(TREE, [history], Options(loop_watch=None, control=False)) as host:
        host.tree.root.begin()
        await host.tree.settled.wait()
        host.tree.reporter.put(ChildStarted(path="back/b", at=0.0, generation=1, downtime=None))
        host.tree.reporter.deliver()
    assert history.child("back/b", 1.0) is not None


def ticks(incidents, _):
    """In place of `Incidents.tick`."""
    if (ticked := getattr(incidents, "ticked", None)) is not None:
        ticked.set()


SERVICES = {
    "control's accept loop": (SelectorEventLoop, "sock_accept", control_accepts),
    "the health thread": (HealthServer, "get_request", health_answers),
    "incidents": (Incidents, "tick", incidents_are_watched),
    "an outbox": (Outbox, "_deliver", outbox_sends),
    "history": (History, "__call__", history_counts),
}


@pytest.mark.parametrize("how", [ValueError("bug"), asyncio.CancelledError(), GeneratorExit(), Odd()], ids=repr)
@pytest.mark.parametrize("service", SERVICES)
async def test_it_comes_back_whatever_has_ended_it(service, how, monkeypatch):
    owner, method, works = SERVICES[service]
    goes_on = ticks if method == "tick" else getattr(owner, method)
    failed = []

    def fails_once(*args):
        if not failed:
            failed.append(how)
            raise how
        return goes_on(*args)

    monkeypatch.setattr(owner, method, fails_once)
    with anyio.fail_after(SOON):
        await works()
    assert failed == [how]
