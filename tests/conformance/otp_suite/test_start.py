"""supervisor_SUITE, groups sup_start and sup_start_map: what starts, what is left out, what is refused (S2-S15)."""

import math

import anyio
import pytest

import otp
from otp import (
    NotFound,
    Restart,
    SpecError,
    StartError,
    dynamic_supervisor,
    open_supervisor,
    supervisor,
    worker,
)
from otp.errors import LoadError
from otp.events import SupervisorExited
from otp.exits import Shutdown
from otp.loading import load
from otp.testing import EventRecorder, FailStart, IgnoreStart, Probe, Run
from tests.conformance.otp_suite.stage import counts, open_dynamic, states, turns


async def obey():
    await anyio.sleep_forever()


async def junk(*, task_status):
    return "junk"


async def test_sup_start_normal():
    events = EventRecorder()
    async with open_supervisor(supervisor("root"), hooks=[events]) as root:
        assert root.which_children() == ()
    assert [event.exit for event in events.of(SupervisorExited)] == [Shutdown()]


async def test_sup_start_ignore_child():
    ignored, b = Probe("a", IgnoreStart()), Probe("b")
    async with open_supervisor(supervisor("root", children=[ignored.spec(), b.spec()])) as root:
        assert states(root) == {"a": "done", "b": "running"}
        assert counts(root) == (2, 1, 0, 2)


async def test_sup_start_ignore_child_start_child():
    ignored, b = Probe("a", IgnoreStart()), Probe("b")
    async with open_supervisor(supervisor("root")) as root:
        assert await root.start_child(ignored.spec()) is None
        assert await root.start_child(b.spec()) == 1
        assert states(root) == {"a": "done", "b": "running"}
        assert counts(root) == (2, 1, 0, 2)


async def test_sup_start_ignore_temporary_child():
    ignored, b = Probe("a", IgnoreStart()), Probe("b")
    children = [ignored.spec(restart=Restart.TEMPORARY), b.spec()]
    async with open_supervisor(supervisor("root", children=children)) as root:
        assert states(root) == {"b": "running"}
        assert counts(root) == (1, 1, 0, 1)


async def test_sup_start_ignore_temporary_child_start_child():
    async with open_supervisor(supervisor("root")) as root:
        assert await root.start_child(Probe("a", IgnoreStart()).spec(restart=Restart.TEMPORARY)) is None
        assert counts(root) == (0, 0, 0, 0)


async def test_sup_start_ignore_temporary_child_start_child_simple():
    async with open_dynamic() as root:
        assert await root.start_child(Probe("a", IgnoreStart()).spec(restart=Restart.TEMPORARY)) is None
        assert counts(root) == (0, 0, 0, 0)


async def test_sup_start_ignore_permanent_child_start_child_simple():
    events = EventRecorder()
    async with open_dynamic(hooks=[events]) as root:
        assert await root.start_child(Probe("a", IgnoreStart()).spec()) is None
        assert counts(root) == (0, 0, 0, 0)
    assert [event.exit for event in events.of(SupervisorExited)] == [Shutdown()]


GARBAGE = [[], "root", None, {"id": "root"}, worker("w", obey)]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: type(garbage).__name__)
def test_sup_start_error_return(garbage):
    with pytest.raises(SpecError, match=f"expects a tree, got a {type(garbage).__name__}"):
        otp.run(garbage)


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: type(garbage).__name__)
async def test_sup_start_error_return_embedded(garbage):
    with pytest.raises(SpecError):
        async with open_supervisor(garbage):
            raise AssertionError("the block must not begin")


def test_sup_start_error_return_of_a_tree_function():
    with pytest.raises(LoadError, match="is not a tree: expected a supervisor's spec, got a list"):
        load(f"{__name__}:returns_garbage")


def returns_garbage():
    return GARBAGE


def test_sup_start_fail():
    with pytest.raises(LoadError, match="raised RuntimeError: no tree today") as raised:
        load(f"{__name__}:fails")
    cause = raised.value.__cause__
    assert isinstance(cause, RuntimeError)
    assert cause.__traceback__.tb_next.tb_frame.f_code is fails.__code__


def fails():
    raise RuntimeError("no tree today")


async def test_sup_start_restart_child_returns_error():
    error = KeyError("k")
    a = Probe("a", Run(), FailStart(error))
    async with open_supervisor(supervisor("root", intensity=0, children=[a.spec()])) as root:
        await root.terminate_child("a")
        with pytest.raises(StartError) as raised:
            await root.restart_child("a")
        assert raised.value.__cause__ is error
        await turns()
        assert states(root) == {"a": "stopped"}
        assert a.starts == 2


async def start_fails(root):
    error = KeyError("k")
    a = Probe("a", FailStart(error))
    with pytest.raises(StartError, match="root/a did not start: KeyError: 'k'") as raised:
        await root.start_child(a.spec())
    assert raised.value.__cause__ is error
    with pytest.raises(StartError, match=r"it returned before task_status.started\(\)"):
        await root.start_child(worker("b", junk, ready=True))
    await turns()
    assert a.starts == 1
    assert counts(root) == (0, 0, 0, 0)


async def test_sup_start_child_returns_error():
    async with open_supervisor(supervisor("root", intensity=0)) as root:
        await start_fails(root)


async def test_sup_start_child_returns_error_simple():
    async with open_dynamic(intensity=0) as root:
        await start_fails(root)


async def test_sup_start_map():
    children = [worker("plain", obey), worker("brutal", obey, shutdown="brutal_kill"), supervisor("sub")]
    async with open_supervisor(supervisor("root", children=children)) as root:
        plain = root.get_childspec("plain")
        assert (plain.run, plain.args, plain.restart, plain.significant) == (obey, (), Restart.PERMANENT, False)
        assert (root.child("plain").kind, plain.shutdown) == ("worker", 5.0)
        assert root.get_childspec("brutal").shutdown == "brutal_kill"
        assert (root.child("sub").kind, root.get_childspec("sub").shutdown) == ("supervisor", math.inf)
        with pytest.raises(NotFound):
            root.get_childspec("unknown")


async def test_sup_start_map_simple_by_name_d6():
    specs = [worker("a", obey), worker("b", obey, shutdown="brutal_kill"), dynamic_supervisor("c")]
    async with open_dynamic(*specs) as root:
        assert [root.get_childspec(id) for id in "abc"] == specs
        with pytest.raises(NotFound):
            root.get_childspec("of_another")


@pytest.mark.parametrize(
    ("build", "error"),
    [
        (worker, TypeError),
        (lambda: worker("w"), TypeError),
        (lambda: worker("", obey), SpecError),
        (lambda: worker("w", None), SpecError),
        (lambda: worker("w", obey, colour="red"), TypeError),
        (supervisor, TypeError),
        (lambda: supervisor("s", children=[("w", obey)]), SpecError),
        (lambda: supervisor("s", children=[{"id": "w", "run": obey}]), SpecError),
    ],
    ids=["nothing", "no_start", "no_id", "null_start", "unknown_key", "no_supervisor_id", "tuple", "map"],
)
def test_sup_start_map_faulty_specs(build, error):
    """Also an unknown key, which OTP tolerates: in Python it would be a typing error."""
    with pytest.raises(error):
        build()


@pytest.mark.parametrize("spec", [{"id": "w"}, ("w", obey), obey, None], ids=["map", "tuple", "function", "none"])
@pytest.mark.parametrize("build", [supervisor, dynamic_supervisor])
async def test_sup_start_map_faulty_specs_start_child(build, spec):
    async with open_supervisor(build("root")) as root:
        with pytest.raises(SpecError):
            await root.start_child(spec)
        assert counts(root) == (0, 0, 0, 0)
