"""Whatever a child raises, wherever: it is told in a few lines, the child is restarted, and the tree stops."""

import os
import pathlib
import subprocess
import sys

import anyio
import pytest
from loguru import logger

from otp import StartError, dynamic_supervisor, open_supervisor, supervisor, worker
from otp.errors import FatalFailure, IntensityReached
from otp.events import ChildExited, ChildRestarting, ChildStartFailed, HookFailed
from otp.exits import Crashed
from otp.observe.history import History
from otp.observe.incidents import Incidents
from otp.observe.log import Log
from otp.policy import FailurePolicy, Fatal, RestartNow, on
from otp.spec import Restart
from otp.testing import EventRecorder
from otp.text.quoting import TEXT_LIMIT
from tests.runtime.odd_exceptions import KINDS

PROGRAM = pathlib.Path(__file__).with_name("odd_exceptions.py")
ROOT = PROGRAM.parents[2]

every_kind = pytest.mark.parametrize("make", list(KINDS.values()), ids=list(KINDS))

LONGEST = 10 * TEXT_LIMIT
"""Characters of what is told of one exception: eight leaves of a group with their frames, at the most."""


@pytest.fixture
def lines():
    said = []
    sink = logger.add(lambda line: said.append(str(line)), format="{message}")
    yield said
    logger.remove(sink)


class Crashing:
    """A worker that ends its first incarnation with what `make` makes, and goes on in the second."""

    def __init__(self, make):
        self._make = make
        self.starts = 0
        self.again = anyio.Event()

    async def __call__(self):
        self.starts += 1
        if self.starts == 1:
            raise self._make()
        self.again.set()
        await anyio.sleep_forever()


def crashes(events, kind):
    return [event.exit.crash for event in events if isinstance(event, kind) and isinstance(event.exit, Crashed)]


def is_told(crash):
    text = repr(crash)
    return text.isprintable() and len(text) < LONGEST and str(crash)


@every_kind
async def test_a_crash_is_told_and_the_child_restarted_and_the_tree_stops(make, lines):
    child, events = Crashing(make), EventRecorder()
    history, incidents = History(), Incidents()
    with anyio.fail_after(20):
        tree = supervisor("root", children=[worker("w", child)])
        async with open_supervisor(tree, hooks=[events, history, incidents, Log()]) as root:
            await child.again.wait()
            await anyio.wait_all_tasks_blocked()
            assert root.child("w").crashes == 1
    assert all(map(is_told, crashes(events.events, ChildRestarting)))
    assert len(crashes(events.events, ChildRestarting)) == 1
    assert any(line.startswith("root/w") for line in lines)
    assert all(len(line) < LONGEST for line in lines)
    assert [one.path for one in incidents.all()] == ["root/w"]
    assert not [event for event in events.events if isinstance(event, HookFailed)]
    assert isinstance(events.events[-2], ChildExited)


@every_kind
async def test_a_policy_judges_it(make):
    policy = FailurePolicy(on(OSError, Fatal(), errno=5), on(BaseException, RestartNow(), name="any"))
    child, events = Crashing(make), EventRecorder()
    with anyio.fail_after(20):
        async with open_supervisor(supervisor("root", children=[worker("w", child, policy=policy)]), hooks=[events]):
            await child.again.wait()
    assert [event.verdict for event in events.events if isinstance(event, ChildRestarting)] == ["any"]


@every_kind
async def test_a_start_that_fails_with_it_is_answered(make, request):
    async def start(*, task_status):
        raise make()

    events = EventRecorder()
    with anyio.fail_after(20):
        async with open_supervisor(dynamic_supervisor("root"), hooks=[events]) as root:
            with pytest.raises(StartError) as refused:
                await root.start_child(worker("w", start, ready=True))
            assert len(str(refused.value)) < LONGEST
            assert str(refused.value).isprintable()
            assert root.count_children().specs == 0
    assert all(map(is_told, crashes(events.events, ChildStartFailed)))


@every_kind
async def test_a_child_that_raises_it_when_it_is_stopped_has_stopped(make):
    events = EventRecorder()

    async def clean_up():
        try:
            await anyio.sleep_forever()
        finally:
            raise make()

    with anyio.fail_after(20):
        tree = supervisor("root", children=[worker("w", clean_up, restart=Restart.TEMPORARY)])
        async with open_supervisor(tree, hooks=[events]) as root:
            await anyio.wait_all_tasks_blocked()
            await root.terminate_child("w")
            assert not root.which_children()
    assert all(map(is_told, crashes(events.events, ChildExited)))


@every_kind
@pytest.mark.parametrize("policy", [None, FailurePolicy(on(BaseException, Fatal()))], ids=["intensity", "fatal"])
async def test_a_tree_that_ends_over_it_raises_what_python_can_walk(make, policy):
    async def crash():
        raise make()

    with anyio.fail_after(20), pytest.raises((IntensityReached, FatalFailure, StartError)) as ended:
        tree = supervisor("root", intensity=0, children=[worker("w", crash, policy=policy)])
        async with open_supervisor(tree):
            await anyio.sleep_forever()
    ends(ended.value, "__cause__")
    ends(ended.value, "__context__")


@every_kind
async def test_a_block_that_raises_it_ends_with_it_once_the_tree_has_stopped(make):
    error, caught = make(), None

    async def run():
        await anyio.sleep_forever()

    events = EventRecorder()
    with anyio.fail_after(20):
        try:
            async with open_supervisor(supervisor("root", children=[worker("w", run)]), hooks=[events]):
                raise error
        except BaseException as raised:
            caught = raised
    assert caught is not None
    ends(caught, "__context__")
    assert isinstance(events.events[-2], ChildExited)


def ends(error, link):
    """A walk that knows nothing of circles, as libraries have it."""
    for _ in range(200_000):
        error = vars(BaseException)[link].__get__(error)
        if error is None:
            return
    raise AssertionError(f"{link} has no end")


@pytest.mark.parametrize("loop", ["asyncio", "uvloop", "trio"])
def test_a_program_whose_tree_ends_over_it_ends_with_its_code(loop, tmp_path):
    ran = subprocess.run(
        [sys.executable, PROGRAM, loop],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ran.stdout.splitlines() == [f"70 {name}" for name in KINDS]
    assert "otp itself failed" not in ran.stderr
    assert "Traceback (most recent call last)" not in ran.stderr
    assert ran.stderr.count("is down: it gave up") == len(KINDS)
    assert all(len(line) < LONGEST for line in ran.stderr.splitlines())
    assert ran.returncode == 0
