"""The server in its thread, and the tree's loop: real sockets, on every event loop."""

import math
import threading

import anyio
import pytest

from otp import IntensityReached, supervisor, worker
from otp.control.client.client import connect
from otp.control.client.errors import CommandFailed, Unreachable
from otp.control.open import open_control
from otp.control.server import pending
from otp.control.wire.commands import (
    Drain,
    Explain,
    GetEvents,
    GetHealth,
    GetIncidents,
    GetSnapshot,
    GetStack,
    GetWhy,
    InjectFault,
    Pause,
    Reset,
    ResolveIncident,
    Restart,
    Resume,
    Start,
    Stop,
)
from otp.control.wire.protocol import PROTOCOL
from otp.control.wire.rows import Blocked
from otp.faults import Faults
from otp.observe.observation import open_observation
from otp.runtime.handle import Supervisor
from otp.runtime.open import open_tree
from otp.testing import Crash, Probe, Run
from otp.version import __version__
from tests.control.stage import InThread, asked, served


def shop(*probes, **options):
    return supervisor("shop", children=[probe.spec() for probe in probes], **options)


async def test_a_client_is_greeted_with_who_is_there(place):
    async with served(shop(Probe("a")), place, faults=Faults()) as stage:

        def greetings():
            with connect(stage.socket) as client, connect(stage.read_socket) as reader:
                return client.greeting, reader.greeting

        operate, read = await anyio.to_thread.run_sync(greetings)
        assert (operate.app, operate.protocol, operate.version, operate.faults) == ("shop", PROTOCOL, __version__, True)
        assert (operate.role, read.role) == ("operate", "read")


async def test_every_command_is_answered_over_the_socket(place):
    a = Probe("a", Crash(ValueError("x")), Run())
    async with served(shop(a, Probe("b")), place, faults=Faults()) as stage:
        snapshot = await stage.ask(GetSnapshot())
        assert (snapshot.app, len(snapshot.children), snapshot.faults) == ("shop", 2, True)
        assert (await stage.ask(GetHealth())).live
        assert (await stage.ask(GetEvents())).events
        (incident,) = (await stage.ask(GetIncidents())).incidents
        assert (await stage.ask(ResolveIncident(incident=incident.id))).incident.state == "resolved"
        assert (await stage.ask(Explain(path="a"))).radius == ("shop/a",)
        assert (await stage.ask(GetWhy(path="b"))).child.path == "shop/b"
        assert [stack.path for stack in (await stage.ask(GetStack(path="shop"))).stacks] == ["shop/a", "shop/b"]
        for command in (
            Restart(path="b"),
            Stop(path="b"),
            Start(path="b"),
            Reset(path="b"),
            Pause(path="b", seconds=60.0),
            Resume(path="b"),
            InjectFault(path="b", kind="crash"),
        ):
            acted = await stage.ask(command)
            assert [change.error for change in acted.changes] == [""]
        assert (await stage.ask(Drain())).children == ("shop/b", "shop/a")


async def test_the_socket_for_looking_looks_and_refuses_every_command_that_acts(place):
    async with served(shop(Probe("a")), place, faults=Faults()) as stage:
        assert (await stage.ask(GetSnapshot(), path=stage.read_socket)).app == "shop"
        for command in (
            Restart(path="a"),
            Stop(path="a"),
            Start(path="a"),
            Reset(path="a"),
            Pause(path="a"),
            Resume(path="a"),
            InjectFault(path="a", kind="crash"),
            ResolveIncident(incident="x"),
            Drain(),
        ):
            with pytest.raises(CommandFailed, match="for looking only") as refused:
                await stage.ask(command, path=stage.read_socket)
            assert refused.value.kind == "refused"
        planned = await stage.ask(Restart(path="a", dry_run=True), path=stage.read_socket)
        assert (planned.dry_run, [change.radius for change in planned.changes]) == (True, [("shop/a",)])
        assert (await stage.ask(Drain(dry_run=True), path=stage.read_socket)).dry_run
        assert stage.generations() == {"shop/a": 1}


# ---------------------------------------------------------------------------------------------------- once


async def test_a_command_that_comes_again_under_its_id_is_not_done_again(place):
    a = Probe("a")
    async with served(shop(a), place) as stage:
        first = await stage.ask(Restart(path="a", reason="x"), id="one")
        again = await stage.ask(Restart(path="a", reason="x"), id="one")
        assert first == again
        assert (a.starts, stage.handle.child("a").manual) == (2, 1)
        await stage.ask(Restart(path="a", reason="x"), id="two")
        assert a.starts == 3


async def test_both_get_the_one_answer_when_it_comes_twice_at_once(place):
    let_go = anyio.Event()

    async def slow():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await let_go.wait()

    spec = supervisor("shop", children=[worker("a", slow, shutdown=math.inf)])
    async with served(spec, place) as stage:
        both = [InThread(lambda: asked(stage.socket, Restart(path="a"), id="one")) for _ in range(2)]
        await stage.until(lambda: len(stage.server._connections) == 2 and not _idle(stage.server))
        let_go.set()
        first, second = [await one.result() for one in both]
        assert first == second
        assert stage.handle.child("a").manual == 1


def _idle(server):
    return [connection for connection in server._connections if connection.is_idle]


async def test_another_command_under_a_used_id_is_a_conflict_and_not_done(place):
    async with served(shop(Probe("a")), place) as stage:
        await stage.ask(Restart(path="a"), id="one")
        for other in (Stop(path="a"), Restart(path="a", all=True)):
            with pytest.raises(CommandFailed, match="make a new one") as refused:
                await stage.ask(other, id="one")
            assert refused.value.kind == "conflict"
        assert stage.generations() == {"shop/a": 2}


async def test_looks_and_dry_runs_are_answered_anew_under_any_id(place):
    async with served(shop(Probe("a")), place) as stage:
        await stage.ask(Restart(path="a", dry_run=True), id="one")
        await stage.ask(Restart(path="a"), id="one")
        before, after = [await stage.ask(GetSnapshot(), id="one") for _ in range(2)]
        assert before.wall < after.wall
        assert stage.generations() == {"shop/a": 2}


def slow_to_stop(let_go):
    """A shop whose only worker ends when it is let go."""

    async def clean_up():
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await let_go.wait()

    return supervisor("shop", children=[worker("a", clean_up, shutdown=math.inf)])


async def test_only_so_many_answers_are_kept(place, monkeypatch):
    monkeypatch.setattr(pending, "REMEMBERED", 2)
    async with served(shop(Probe("a")), place) as stage:
        for id in ("one", "two", "three"):
            await stage.ask(Restart(path="a"), id=id)
        assert stage.generations() == {"shop/a": 4}
        await stage.ask(Restart(path="a"), id="three")
        assert stage.generations() == {"shop/a": 4}
        await stage.ask(Restart(path="a"), id="one")
        assert stage.generations() == {"shop/a": 5}


async def test_what_a_client_asked_is_done_when_the_client_has_left_meanwhile(place):
    let_go = anyio.Event()
    async with served(slow_to_stop(let_go), place) as stage:
        with pytest.raises(CommandFailed, match="it may still be done") as late:
            await stage.ask(Restart(path="a"), id="one", timeout=0.05)
        assert late.value.kind == "timed_out"
        await stage.until(lambda: len(_idle(stage.server)) == 1)  # it gives way to others
        let_go.set()
        await stage.ask(Restart(path="a"), id="one")
        assert stage.handle.child("a").manual == 1


async def test_only_so_many_questions_wait_for_the_tree(place, monkeypatch):
    monkeypatch.setattr(pending, "MOST_AT_ONCE", 1)
    let_go = anyio.Event()
    async with served(slow_to_stop(let_go), place) as stage:
        waiting = InThread(asked, stage.socket, Restart(path="a"))
        await stage.until(lambda: len(stage.server._pending._open) == 1)
        for command in (GetHealth(), Restart(path="a")):
            with pytest.raises(CommandFailed, match="wait for the tree already") as refused:
                await stage.ask(command, id="more")
            assert refused.value.kind == "refused"
        let_go.set()
        await waiting.result()
        await stage.ask(Restart(path="a"), id="more")


# ---------------------------------------------------------------------------------------------------- life and end


async def test_it_answers_while_the_tree_starts_slowly(place):
    ready = anyio.Event()

    async def slow(task_status):
        await ready.wait()
        task_status.started()
        await anyio.sleep_forever()

    spec = supervisor("shop", children=[worker("slow", slow, ready=True, start_timeout=None), Probe("b").spec()])
    async with served(spec, place, begin=False) as stage:
        assert (await stage.ask(GetSnapshot())).root.state == "pending"
        stage.tree.root.begin()
        snapshot = await stage.ask(GetSnapshot())
        assert (snapshot.state, [child.state for child in snapshot.children]) == ("starting", ["starting", "pending"])
        ready.set()
        await stage.tree.settled.wait()
        assert (await stage.ask(GetSnapshot())).state == "up"


async def test_it_answers_while_the_tree_stops_slowly_and_says_gone_once_it_has_ended(place):
    let_go = anyio.Event()
    async with served(slow_to_stop(let_go), place) as stage:
        stage.handle.stop()
        assert (await stage.ask(GetSnapshot())).state == "stopping"
        health = await stage.ask(GetHealth())
        assert (health.live, health.ready) == (True, False)
        let_go.set()
        await stage.tree.gone.wait()
        for command in (GetSnapshot(), Restart(path="a"), Drain()):
            with pytest.raises(CommandFailed, match="has ended") as gone:
                await stage.ask(command)
            assert gone.value.kind == "gone"


async def test_who_still_waits_at_the_end_is_told_that_it_is_over(place, monkeypatch):
    async with served(shop(Probe("a")), place) as stage:
        pending = stage.server._pending
        monkeypatch.setattr(stage.control._bridge, "ask", lambda question: None)
        waiting = InThread(asked, stage.socket, GetHealth())
        await stage.until(lambda: pending._open)
        socket = stage.socket
    with pytest.raises(CommandFailed, match="shop has ended") as gone:
        await waiting.result()
    assert gone.value.kind == "gone"
    assert not socket.exists()
    assert not [thread for thread in threading.enumerate() if thread.name == "otp-control"]


async def test_a_question_to_a_loop_that_has_ended_is_answered_with_that(place, monkeypatch):
    async with served(shop(Probe("a")), place) as stage:

        def ended(question):
            raise RuntimeError("the loop is closed")

        monkeypatch.setattr(stage.control._bridge, "ask", ended)
        with pytest.raises(CommandFailed, match="shop has ended"):
            await stage.ask(Restart(path="a"))


async def test_the_tree_ends_with_its_own_reason_and_not_in_a_group(place):
    a = Probe("a", Crash(ValueError("x")))
    with pytest.raises(IntensityReached):
        async with (
            open_observation("shop") as seen,
            open_control("shop", seen, place=place) as control,
            open_tree(shop(a, intensity=0), seen.hooks) as tree,
        ):
            control.serve(Supervisor(tree))
            tree.root.begin()
            await tree.gone.wait()


async def test_a_second_process_of_the_name_is_served_under_another(place):
    async with served(shop(Probe("a")), place) as first, served(shop(Probe("b")), place) as second:
        assert first.socket != second.socket
        assert [row.path for row in (await first.ask(GetSnapshot())).children] == ["shop/a"]
        assert [row.path for row in (await second.ask(GetSnapshot())).children] == ["shop/b"]


async def test_without_a_folder_the_tree_runs_all_the_same_and_has_no_socket(place):
    place.chmod(0o755)
    async with served(shop(Probe("a")), place) as stage:
        assert stage.socket is None
        stage.control.tell_blocked(None)
        assert stage.generations() == {"shop/a": 1}


async def test_sockets_that_cannot_be_made_do_not_keep_the_tree_from_running(place, monkeypatch):
    def no_descriptors(*_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("otp.control.wire.sockets._listener", no_descriptors)
    async with served(shop(Probe("a")), place) as stage:
        assert stage.socket is None
        assert stage.generations() == {"shop/a": 1}


async def test_who_asks_when_descriptors_are_short_is_served_later(place, monkeypatch):
    async with served(shop(Probe("a")), place) as stage:
        accept = stage.server._loop.sock_accept
        failures = [OSError(24, "Too many open files")] * 2

        async def short(listener):
            accepted = await accept(listener)
            if failures:
                accepted[0].close()
                raise failures.pop()
            return accepted

        monkeypatch.setattr("otp.control.server.accepting.AGAIN_ACCEPT", 0.01)
        monkeypatch.setattr(stage.server._loop, "sock_accept", short)
        turned_away = 0
        while failures:
            try:
                await stage.ask(GetHealth())
            except Unreachable:
                turned_away += 1
        assert turned_away == 2
        assert (await stage.ask(GetHealth())).live


# ---------------------------------------------------------------------------------------------------- a blocked loop


class Blocking:
    """A worker that blocks the loop, and what a watch of the loop would say."""

    def __init__(self):
        self.now = anyio.Event()
        self.blocks = threading.Event()
        self.release = threading.Event()

    async def run(self):
        await self.now.wait()
        self.blocks.set()
        self.release.wait(30.0)
        self.blocks.clear()
        await anyio.sleep_forever()

    def blocked(self):
        if not self.blocks.is_set():
            return None
        return Blocked(path="shop/blocker", seconds=1.5, stack=("main.py:1 run", "feed.py:7 parse"))


async def test_while_the_loop_is_blocked_it_says_who_blocks_and_acts_once_afterwards(place):
    blocking, a = Blocking(), Probe("a")
    spec = supervisor("shop", children=[a.spec(), worker("blocker", blocking.run)])
    async with served(spec, place, blocked=blocking.blocked) as stage:
        soon, socket = stage.handle.soon, stage.socket

        def operator():
            asked(socket, GetSnapshot())
            soon(blocking.now.set)
            assert blocking.blocks.wait(10.0)
            stale, health = asked(socket, GetSnapshot()), asked(socket, GetHealth())
            failures = []
            for command in (Restart(path="a"), Restart(path="a"), Explain(path="a")):
                try:
                    asked(socket, command, id="one")
                except CommandFailed as failed:
                    failures.append(failed)
            blocking.release.set()
            return stale, health, failures, asked(socket, Restart(path="a"), id="one")

        stale, health, failures, acted = await InThread(operator).result()
        assert (stale.blocked.path, stale.stale_s, len(stale.children)) == ("shop/blocker", 1.5, 2)
        assert (health.live, "shop/blocker keeps it, at feed.py:7 parse" in health.problems[0]) == (False, True)
        assert [failed.kind for failed in failures] == ["blocked"] * 3
        assert "shop/blocker keeps it, at feed.py:7 parse; it is done as soon as" in str(failures[0])
        assert "it is done" not in str(failures[2])
        assert acted.changes[0].error == ""
        assert (stage.handle.child("a").manual, a.starts) == (1, 2)


async def test_what_is_known_of_a_blocked_tree_is_as_old_as_the_last_look_at_it(place):
    blocking = Blocking()
    spec = supervisor("shop", children=[worker("blocker", blocking.run)])
    async with served(spec, place, blocked=blocking.blocked) as stage:
        soon, socket, pending = stage.handle.soon, stage.socket, stage.server._pending
        looked = []
        pending._now = lambda: 7200.0 if looked else 0.0

        def operator():
            asked(socket, GetSnapshot())
            looked.append(True)
            soon(blocking.now.set)
            assert blocking.blocks.wait(10.0)
            stale = asked(socket, GetSnapshot())
            blocking.release.set()
            return stale

        assert (await InThread(operator).result()).stale_s == 7200.0


async def test_before_anybody_has_looked_there_is_nothing_to_show_of_a_blocked_tree_but_who_blocks(place):
    blocking = Blocking()
    async with served(
        supervisor("shop", children=[worker("blocker", blocking.run)]), place, blocked=blocking.blocked
    ) as stage:
        blocking.now.set()
        looking = InThread(asked, stage.socket, GetSnapshot())
        stage_release = threading.Thread(target=lambda: (looking._thread.join(20.0), blocking.release.set()))
        stage_release.start()
        with pytest.raises(CommandFailed, match="shop/blocker keeps it") as failed:
            await looking.result()
        stage_release.join()
        assert failed.value.kind == "blocked"


async def test_who_watches_is_shown_the_last_known_tree_while_the_loop_is_blocked_and_then_the_new_one(place):
    blocking = Blocking()
    spec = supervisor("shop", children=[Probe("a").spec(), worker("blocker", blocking.run)])
    async with served(spec, place, blocked=blocking.blocked) as stage:
        soon, socket = stage.handle.soon, stage.socket

        def operator():
            asked(socket, GetSnapshot())
            soon(blocking.now.set)
            assert blocking.blocks.wait(10.0)
            with connect(socket) as client:
                watched = client.watch()
                stale = next(watched)
                blocking.release.set()
                return stale, next(watched)

        stale, fresh = await InThread(operator).result()
        assert (stale.blocked.path, fresh.blocked) == ("shop/blocker", None)
        assert fresh.wall > stale.wall


async def test_who_watches_is_told_that_the_loop_is_blocked_and_that_it_turns_again(place):
    async with served(shop(Probe("a")), place) as stage:
        blocked = Blocked(path="shop/a", seconds=1.0, stack=())

        def operator():
            with connect(stage.socket) as client:
                watched = client.watch()
                snapshot = next(watched)
                stage.control.tell_blocked(blocked)
                stage.control.tell_blocked(None)
                return snapshot, next(watched), next(watched)

        snapshot, told, over = await InThread(operator).result()
        assert (told.blocked, over.blocked) == (blocked, None)
        assert (told.seq, told.state, told.changed) == (snapshot.seq, "up", ())


async def test_a_bug_of_the_control_plane_does_not_end_the_tree(place, monkeypatch):
    async def broken(*_):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("otp.control.tree.mailbox.Mailbox.run", broken)
    monkeypatch.setattr("otp.control.tree.changes.Changes.run", broken)
    monkeypatch.setattr("otp.control.tree.maintenance.Maintenance.run", broken)
    a = Probe("a")
    async with served(shop(a), place) as stage:
        await stage.handle.restart("a")
        assert a.starts == 2


async def test_without_a_thread_the_tree_runs_all_the_same(place, monkeypatch):
    def no_thread(self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", no_thread)
        async with served(shop(Probe("a")), place) as stage:
            assert stage.socket is None
            assert stage.generations() == {"shop/a": 1}
