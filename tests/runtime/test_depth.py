"""A tree of as many levels as it may have is started, seen, stopped, and given up over; one of more is not built."""

import sys

import anyio
import pytest

from otp import IntensityReached, Restart, StartError, dynamic_supervisor, open_supervisor, supervisor, worker
from otp.cli.on_paper import draw, on_paper
from otp.core.explain import explain
from otp.errors import SpecError
from otp.events import ChildExited, SupervisorExited
from otp.foreign.causes import causes
from otp.spec import DEEPEST
from otp.testing import EventRecorder

ALL = "/".join(f"s{level}" for level in range(2, DEEPEST + 1))
"""The path of the supervisor at the bottom, from the root."""


def tree(run, levels=DEEPEST, **options):
    spec = supervisor(f"s{levels}", children=[worker("w", run, **options.pop("leaf", {}))], **options)
    for level in range(levels - 1, 0, -1):
        spec = supervisor(f"s{level}", children=[spec], **options)
    return spec


async def forever():
    await anyio.sleep_forever()


async def crash():
    await anyio.sleep(0.01)
    raise ValueError


async def start(*, task_status):
    raise ValueError


async def test_it_is_started_seen_and_stopped_in_order():
    events = EventRecorder()
    with anyio.fail_after(20):
        async with open_supervisor(tree(forever), hooks=[events]) as root:
            assert root.child(f"{ALL}/w").state == "running"
            assert len(list(root.walk())) == DEEPEST
            assert root.running_spec().levels == DEEPEST
            assert root.stack().tasks is not None
            await root.pause()
            await root.resume()
            await root.restart("s2")
    assert len([event for event in events.events if isinstance(event, SupervisorExited)]) == 2 * DEEPEST - 1


async def test_it_is_killed():
    with anyio.fail_after(20):
        async with open_supervisor(tree(forever)) as root:
            root.kill()
            await anyio.sleep_forever()


async def test_a_crash_at_the_bottom_escalates_to_the_top():
    with anyio.fail_after(20), pytest.raises(IntensityReached) as ended:
        async with open_supervisor(tree(crash, intensity=0)):
            await anyio.sleep_forever()
    assert ended.value.path == "s1"


async def test_a_start_that_fails_at_the_bottom_is_told_at_the_top():
    with anyio.fail_after(20), pytest.raises(StartError) as failed:
        async with open_supervisor(tree(start, leaf={"ready": True})):
            raise AssertionError("it is up")
    *_, first = causes(failed.value)
    assert type(first) is ValueError


async def test_a_subtree_that_is_restarted_costs_no_more_frames_than_its_first_start():
    with anyio.fail_after(20):
        async with open_supervisor(tree(crash, intensity=1, leaf={"restart": Restart.TRANSIENT})) as root:
            await root.terminate_child("s2")
            await root.restart_child("s2")
            await root.terminate_child("s2")


def test_it_can_be_drawn_and_explained():
    spec = tree(forever)
    assert draw(spec).count("\n") == DEEPEST + 1
    assert len(on_paper(spec).document["tree"]) == DEEPEST + 1
    assert len(explain(spec, f"s1/{ALL}/w").levels) == DEEPEST


@pytest.mark.parametrize("path", ["start", "stop"])
async def test_it_needs_no_more_than_half_of_the_frames_that_python_allows(path):
    """Whoever opens a tree stands on frames of their own; half of Python's 1 000 are left to them."""
    before = sys.getrecursionlimit()
    depth = 0
    frame = sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    with anyio.fail_after(20):
        sys.setrecursionlimit(depth + 500)
        try:
            async with open_supervisor(tree(forever)) as root:
                if path == "stop":
                    await root.terminate_child("s2")
        finally:
            sys.setrecursionlimit(before)


def test_one_level_more_is_refused_when_it_is_built():
    message = f"expected a tree of {DEEPEST} levels of supervisors at the most, got {DEEPEST + 1}"
    with pytest.raises(SpecError, match=message):
        supervisor("more", children=[tree(forever)])


async def test_one_level_more_is_refused_when_it_is_added():
    events = EventRecorder()
    spec = dynamic_supervisor(f"s{DEEPEST}")
    for level in range(DEEPEST - 1, 0, -1):
        spec = supervisor(f"s{level}", children=[spec])
    async with open_supervisor(spec, hooks=[events]) as root:
        with pytest.raises(SpecError, match=f"got {DEEPEST + 1}"):
            await root.start_child(supervisor("more"), under=ALL)
        await root.start_child(worker("w", forever), under=ALL)
        with pytest.raises(SpecError, match=f"got {DEEPEST + 1}"):
            await root.replace("s2", supervisor("s2", children=[tree(forever, levels=DEEPEST - 1)]))
    assert isinstance(events.events[-1], SupervisorExited)
    assert any(isinstance(event, ChildExited) for event in events.events)
