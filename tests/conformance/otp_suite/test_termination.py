"""supervisor_SUITE, the termination cases: what is left of a child, by restart type and the way it ended (S16)."""

import pytest
from loguru import logger

from otp import Restart, StartError, log_events, open_supervisor, supervisor
from otp.application.entry import serve
from otp.application.program import MISCONFIGURED
from otp.application.watchman import FAILED
from otp.errors import SpecError
from otp.events import ChildStartFailed
from otp.testing import EventRecorder, FailStart, Probe
from tests.conformance.otp_suite.stage import ABNORMAL, counts, end, states, turns

SHUTDOWN = ("shutdown", "shutdown_term")
PERMANENT, TRANSIENT, TEMPORARY = Restart.PERMANENT, Restart.TRANSIENT, Restart.TEMPORARY

RESTARTED = {"starts": 2, "states": {"child": "running"}, "counts": (1, 1, 0, 1)}
KEPT = {"starts": 1, "states": {"child": "done"}, "counts": (1, 0, 0, 1)}
REMOVED = {"starts": 1, "states": {}, "counts": (0, 0, 0, 0)}


async def left_after(restart, how):
    child = Probe("child")
    async with open_supervisor(supervisor("root")) as root:
        await root.start_child(child.spec(restart=restart))
        end(child, how)
        await turns()
        return {"starts": child.starts, "states": states(root), "counts": counts(root)}


async def test_permanent_normal():
    assert await left_after(PERMANENT, "normal") == RESTARTED


async def test_transient_normal():
    assert await left_after(TRANSIENT, "normal") == KEPT


async def test_temporary_normal():
    assert await left_after(TEMPORARY, "normal") == REMOVED


@pytest.mark.parametrize("how", SHUTDOWN)
async def test_permanent_shutdown(how):
    assert await left_after(PERMANENT, how) == RESTARTED


@pytest.mark.parametrize("how", SHUTDOWN)
async def test_transient_shutdown(how):
    assert await left_after(TRANSIENT, how) == KEPT


@pytest.mark.parametrize("how", SHUTDOWN)
async def test_temporary_shutdown(how):
    assert await left_after(TEMPORARY, how) == REMOVED


@pytest.mark.parametrize("how", ABNORMAL)
async def test_permanent_abnormal(how):
    assert await left_after(PERMANENT, how) == RESTARTED


@pytest.mark.parametrize("how", ABNORMAL)
async def test_transient_abnormal(how):
    assert await left_after(TRANSIENT, how) == RESTARTED


@pytest.mark.parametrize("how", ABNORMAL)
async def test_temporary_abnormal(how):
    assert await left_after(TEMPORARY, how) == REMOVED


async def test_external_start_no_progress_log():
    records = []
    sink = logger.add(lambda message: records.append(message.record), level=0, diagnose=False, backtrace=False)
    try:
        async with open_supervisor(supervisor("root"), hooks=[log_events()]) as root:
            await root.start_child(Probe("a").spec())
            await root.start_child(supervisor("sub", children=[Probe("b").spec()]))
            await root.terminate_child("a")
            await root.restart_child("a")
    finally:
        logger.remove(sink)
    started = [record["extra"]["path"] for record in records if record["extra"]["event"] == "child.started"]
    assert started == ["root/a", "root/sub/b", "root/sub", "root/a"]
    assert {record["level"].name for record in records} == {"DEBUG"}


@pytest.mark.parametrize(("error", "code"), [(ValueError("bad"), FAILED), (SpecError("bad"), MISCONFIGURED)])
async def test_faulty_application_shutdown(error, code):
    a, bad, events = Probe("a"), Probe("bad", FailStart(error)), EventRecorder()
    spec = supervisor("root", children=[a.spec(), supervisor("inner", children=[bad.spec()])])
    assert await serve(spec, hooks=[events]) == code
    assert [event.path for event in events.of(ChildStartFailed)] == ["root/inner/bad", "root/inner"]
    assert (a.starts, a.alive, bad.starts) == (1, 0, 1)


async def test_faulty_application_shutdown_nested_reason():
    error = ValueError("bad")
    spec = supervisor("root", children=[supervisor("inner", children=[Probe("bad", FailStart(error)).spec()])])
    with pytest.raises(StartError) as raised:
        async with open_supervisor(spec):
            raise AssertionError("the block must not begin")
    outer, inner = raised.value, raised.value.__cause__
    assert (outer.path, inner.path, inner.__cause__) == ("root/inner", "root/inner/bad", error)
