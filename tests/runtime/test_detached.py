"""Awaited foreign code that swallows its cancellation and never ends: it is left, and nothing waits for it.

In real time: on trio such code turns on the spot once it is cancelled, and a loop that is never idle has no virtual time.
"""

from contextlib import suppress

import anyio
import pytest

from otp import AutoShutdown, Restart, dependency, events, open_supervisor, supervisor, worker
from otp.application.entry import serve
from otp.foreign.guard import CallFailed, Role
from otp.observe.outbox import Outbox, open_outbox
from otp.policy import Backoff
from otp.runtime import detached
from otp.runtime.attempt import attempt
from otp.testing import EventRecorder, Probe

PATIENCE = 10.0
OFTEN = Backoff(0.05, cap=0.05)


@pytest.fixture(params=["asyncio", "uvloop", "trio"])
def anyio_backend(request):
    if request.param == "trio":
        return "trio"
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


class Stubborn:
    """Foreign code that does not end until it is well."""

    def __init__(self):
        self.well = False
        self.calls = 0
        self.running = 0

    async def __call__(self, *_):
        self.calls += 1
        self.running += 1
        while not self.well:
            with suppress(BaseException):
                await anyio.sleep(0.01)
        self.running -= 1

    async def is_gone(self):
        while self.running:
            await anyio.sleep(0.01)


async def until(condition):
    with anyio.fail_after(PATIENCE):
        while not condition():
            await anyio.sleep(0.01)


async def test_a_probe_that_never_ends_is_down_and_called_no_second_time_and_the_tree_goes_on_and_ends():
    probe, told, a, b = Stubborn(), EventRecorder(), Probe("a"), Probe("b")
    needs = dependency("redis", probe, every=0.02, timeout=0.05)
    spec = supervisor("root", dependencies=[needs], children=[a.spec(needs=["redis"]), b.spec()])
    with anyio.fail_after(2 * PATIENCE):
        async with open_supervisor(spec, hooks=[told]) as root:
            a.crash()
            await told.wait_for(events.ChildHeld, "root/a")
            assert "did not answer within 0.05 s" in told.of(events.DependencyDown)[0].crash.message
            b.crash()
            await told.wait_for(events.ChildStarted, "root/b", count=2)
            await anyio.sleep(0.2)
            assert probe.calls == 1
            probe.well = True
            await told.wait_for(events.ChildStarted, "root/a", count=2)
            assert root.child("a").state == "running"
            probe.well = False
            a.crash()
            await until(lambda: probe.running)
        assert probe.running == 1, "nothing has waited for it"
        probe.well = True
        await probe.is_gone()


async def test_one_probe_of_two_dependencies_may_hang_for_one_of_them():
    """They are one function with two arguments, as of two servers."""
    hangs = Stubborn()

    async def probe(server):
        if server == "a":
            await hangs()

    needs = [dependency(f"redis-{server}", probe, server, every=0.02, timeout=0.05) for server in "ab"]
    a, b, told = Probe("a"), Probe("b"), EventRecorder()
    children = [a.spec(needs=["redis-a"]), b.spec(needs=["redis-b"])]
    with anyio.fail_after(2 * PATIENCE):
        async with open_supervisor(supervisor("root", dependencies=needs, children=children), hooks=[told]):
            a.crash()
            await told.wait_for(events.ChildHeld, "root/a")
            b.crash()
            await told.wait_for(events.ChildStarted, "root/b", count=2)
        hangs.well = True
        await hangs.is_gone()
    assert [event.dependency for event in told.of(events.DependencyDown)] == ["redis-a"]


async def test_a_sink_that_never_ends_is_down_and_called_no_second_time_and_its_outbox_is_closed_in_time():
    sink = Stubborn()
    outbox = Outbox("sink", sink, backoff=OFTEN, timeout=0.05)
    with anyio.fail_after(2 * PATIENCE):
        async with open_outbox(outbox, patience=0.1):
            outbox.put(1)
            await until(lambda: outbox.failures)
            await anyio.sleep(0.2)
            assert sink.calls == 1
        sink.well = True
        await sink.is_gone()


async def test_a_caller_that_is_cancelled_leaves_the_call():
    stubborn = Stubborn()
    with anyio.fail_after(PATIENCE):
        with anyio.move_on_after(0.05) as waited:
            await attempt(Role.PROBE, "p", stubborn, within=60.0, owner=stubborn)
        assert waited.cancelled_caught
        again = await attempt(Role.PROBE, "p", stubborn, within=60.0, owner=stubborn)
        assert type(again) is CallFailed
        assert "is still running" in str(again.error)
        stubborn.well = True
        await stubborn.is_gone()
        await anyio.sleep(0.05)
        assert await attempt(Role.PROBE, "p", stubborn, within=60.0, owner=stubborn) is None
    assert not detached._LEFT


async def test_code_that_ends_when_it_is_told_to_leaves_nothing():
    ended = []

    async def obeys():
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(1)

    with anyio.fail_after(PATIENCE):
        for _ in range(3):
            said = await attempt(Role.PROBE, "p", obeys, within=0.02, owner=obeys)
            assert type(said.error) is TimeoutError
    assert ended == [1, 1, 1]
    assert not detached._LEFT


async def test_what_is_raised_after_its_time_is_nobodys():
    async def late():
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("too late")

    said = await attempt(Role.PROBE, "p", late, within=0.02, owner=late)
    assert type(said.error) is TimeoutError


async def test_what_runs_beside_the_tree_and_never_ends_does_not_keep_its_program(monkeypatch):
    monkeypatch.setattr("otp.application.program.DEFAULT_SHUTDOWN", 0.1)
    stubborn = Stubborn()
    child = worker("a", anyio.sleep, 0.05, restart=Restart.TEMPORARY, significant=True)
    spec = supervisor("root", children=[child], auto_shutdown=AutoShutdown.ANY_SIGNIFICANT)
    with anyio.fail_after(PATIENCE):
        assert await serve(spec, control=False, loop_watch=None, beside=[stubborn]) == 0
        assert stubborn.running == 1, "nothing has waited for it"
        stubborn.well = True
        await stubborn.is_gone()


async def test_what_runs_beside_the_tree_cleans_up_in_peace_when_it_has_ended():
    done = []

    async def beside(_):
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.05)
            done.append("clean")

    child = worker("a", anyio.sleep, 0.05, restart=Restart.TEMPORARY, significant=True)
    spec = supervisor("root", children=[child], auto_shutdown=AutoShutdown.ANY_SIGNIFICANT)
    with anyio.fail_after(PATIENCE):
        assert await serve(spec, control=False, loop_watch=None, beside=[beside]) == 0
    assert done == ["clean"]
