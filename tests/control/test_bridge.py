"""The bridge between two loops: on which side each value is taken, and what happens when one side has ended."""

import threading

import anyio

from otp.control.bridge import Question
from otp.control.client.client import connect
from otp.control.server.server import Server
from otp.control.tree.mailbox import Mailbox
from otp.control.wire.commands import GetHealth, GetSnapshot
from otp.control.wire.peer import Peer
from otp.control.wire.rows import Blocked
from otp.spec import supervisor
from otp.testing import Probe
from tests.control.stage import InThread, served


def shop():
    return supervisor("shop", children=[Probe("a").spec()])


def noted(monkeypatch, kind, name, found):
    """Note the thread in which a method is called."""
    method = getattr(kind, name)

    def call(self, *args):
        found.setdefault(name, set()).add(threading.current_thread().name)
        return method(self, *args)

    monkeypatch.setattr(kind, name, call)


async def test_each_value_is_taken_in_the_loop_of_the_other_side(place, monkeypatch):
    found = {}
    noted(monkeypatch, Mailbox, "put", found)
    for name in ("answer", "publish", "keep", "tell_blocked"):
        noted(monkeypatch, Server, name, found)
    async with served(shop(), place) as stage:

        def watch():
            with connect(stage.socket) as client:
                messages = client.watch()
                next(messages)
                stage.control.tell_blocked(Blocked(path="shop", seconds=1.0, stack=()))
                while "publish" not in found:
                    next(messages)

        watching = InThread(watch)
        while not watching.is_over or len(found) < 5:
            await stage.handle.restart("a")
            await anyio.sleep(0.01)
        await watching.result()
    here = threading.current_thread().name
    assert found == {
        "put": {here},
        "answer": {"otp-control"},
        "publish": {"otp-control"},
        "keep": {"otp-control"},
        "tell_blocked": {"otp-control"},
    }


async def test_what_is_said_after_the_server_has_ended_is_for_no_one(place):
    async with served(shop(), place) as stage:
        snapshot = await stage.ask(GetSnapshot())
        bridge = stage.control._bridge
    bridge.keep(snapshot)
    bridge.tell_blocked(None)
    assert bridge.blocked() is None
    assert not bridge.is_watched


def test_two_questions_of_equal_content_are_two():
    one, two = (Question("id", Peer(1, 2), GetHealth()) for _ in range(2))
    assert {one: "first", two: "second"}[one] == "first"
