"""supervisor_SUITE, the administration of children: requests and their refusals (S49-S52), specs and flags (S2-S7)."""

import math
from itertools import product

import anyio
import pytest

from otp import (
    AlreadyPresent,
    AlreadyStarted,
    AutoShutdown,
    ChildSpec,
    NoProc,
    NotFound,
    NotSupported,
    Restart,
    Running,
    SpecError,
    Strategy,
    SupervisorSpec,
    dynamic_supervisor,
    open_supervisor,
    supervisor,
    worker,
)
from otp.testing import Probe
from tests.conformance.otp_suite.stage import counts, end, open_dynamic, states, turns


async def obey(*, task_status=None):
    await anyio.sleep_forever()


async def test_child_adm():
    a = Probe("a")
    async with open_supervisor(supervisor("root", children=[a.spec()])) as root:
        with pytest.raises(AlreadyStarted):
            await root.start_child(a.spec())
        with pytest.raises(Running):
            await root.restart_child("a")
        with pytest.raises(Running):
            await root.delete_child("a")
        assert (a.starts, counts(root)) == (1, (1, 1, 0, 1))

        await root.terminate_child("a")
        assert (a.alive, states(root), counts(root)) == (0, {"a": "stopped"}, (1, 0, 0, 1))
        await root.terminate_child("a")
        with pytest.raises(AlreadyPresent):
            await root.start_child(a.spec())
        assert await root.restart_child("a") == 2
        assert (a.alive, counts(root)) == (1, (1, 1, 0, 1))

        await root.terminate_child("a")
        await root.delete_child("a")
        assert counts(root) == (0, 0, 0, 0)
        for request in (root.terminate_child, root.restart_child, root.delete_child):
            with pytest.raises(NotFound):
                await request("a")
        assert await root.start_child(a.spec()) == 3


async def test_child_adm_unknown_supervisor():
    inner = supervisor("inner", children=[Probe("a").spec()])
    async with open_supervisor(supervisor("root", children=[inner])) as root:
        handle = root.supervisor("inner")
        await root.terminate_child("inner")
        for supervisor_is_down in (handle.terminate_child, handle.restart_child, handle.delete_child):
            with pytest.raises(NoProc):
                await supervisor_is_down("a")
        with pytest.raises(NoProc):
            await handle.start_child(Probe("b").spec())
        with pytest.raises(NoProc):
            handle.which_children()


async def test_child_adm_simple_d6():
    a, b = Probe("a"), Probe("b")
    async with open_dynamic(a.spec(), b.spec()) as root:
        for kept_nowhere, id in product((root.restart_child, root.delete_child), ("a", "of_another")):
            with pytest.raises(NotSupported):
                await kept_nowhere(id)
        with pytest.raises(AlreadyStarted):
            await root.start_child(a.spec())
        with pytest.raises(NotFound):
            await root.terminate_child("of_another")

        await root.terminate_child("a")
        assert (a.alive, b.alive, states(root)) == (0, 1, {"b": "running"})
        with pytest.raises(NotFound):
            await root.terminate_child("a")
        assert await root.start_child(a.spec()) == 2


@pytest.mark.parametrize("build", [supervisor, dynamic_supervisor])
async def test_extra_return(build):
    extra = Probe("extra")
    async with open_supervisor(build("root")) as root:
        assert await root.start_child(extra.spec()) == 1
        end(extra)
        await turns()
        assert root.child("extra").value == 2
        if build is supervisor:
            await root.terminate_child("extra")
            assert await root.restart_child("extra") == 3


IDS = ("child", "", 7, None, "a/b")
RUNS = (obey, None, "obey", 7)
RESTARTS = (*Restart, "permanent", None)
SHUTDOWNS = (0, 5.0, math.inf, "brutal_kill", -1, "brutal", None)
SIGNIFICANT = (False, True, "yes")


def is_valid(id, restart, shutdown, significant, auto_shutdown):
    """S4-S6, said a second time."""
    return (
        id == "child"
        and isinstance(restart, Restart)
        and (shutdown in ("brutal_kill", 0, 5.0, math.inf))
        and significant in (False, True)
        and not (significant and (restart is Restart.PERMANENT or auto_shutdown is AutoShutdown.NEVER))
    )


def accepts(build):
    try:
        return build() is not None
    except SpecError:
        return False


@pytest.mark.parametrize("auto_shutdown", AutoShutdown)
def test_child_specs_map(auto_shutdown):
    good = 0
    for id, run, *flags in product(IDS, RUNS, RESTARTS, SHUTDOWNS, SIGNIFICANT):
        restart, shutdown, significant = flags
        options = {"restart": restart, "shutdown": shutdown, "significant": significant}
        valid = is_valid(id, restart, shutdown, significant, auto_shutdown)
        good += valid
        for child in (
            lambda id=id, run=run, options=options: worker(id, run, **options),
            lambda id=id, run=run, options=options: ChildSpec(id=id, run=run, **options),
        ):
            built = accepts(lambda child=child: supervisor("s", auto_shutdown=auto_shutdown, children=[child()]))
            assert built == (valid and run is obey), (id, run, *flags)
        below = accepts(
            lambda id=id, options=options: supervisor(
                "s", auto_shutdown=auto_shutdown, children=[supervisor(id, **options)]
            )
        )
        assert below == valid, (id, *flags)
    combinations = 3 * 4 if auto_shutdown is AutoShutdown.NEVER else (1 + 2 + 2) * 4
    assert good == len(RUNS) * combinations


@pytest.mark.parametrize("auto_shutdown", AutoShutdown)
@pytest.mark.parametrize("restart", [Restart.TRANSIENT, Restart.TEMPORARY])
async def test_child_specs_map_start_child(auto_shutdown, restart):
    """`bad_combination` is found wherever the spec comes in."""
    async with open_supervisor(supervisor("root", auto_shutdown=auto_shutdown)) as root:
        significant = worker("child", obey, restart=restart, significant=True)
        if auto_shutdown is AutoShutdown.NEVER:
            with pytest.raises(SpecError, match="significant=True, but its supervisor 'root' has auto_shutdown=never"):
                await root.start_child(significant)
            assert states(root) == {}
        else:
            await root.start_child(significant)
            assert states(root) == {"child": "running"}


def test_child_specs_map_duplicates():
    with pytest.raises(SpecError, match="two children of supervisor 's' have the id 'child'"):
        supervisor("s", children=[worker("child", obey), worker("other", obey), supervisor("child")])


FLAGS = {
    "strategy": ([*Strategy], ["one_for_one", "simple_one_for_one", None, 1]),
    "intensity": ([0, 1, 10**6], [-1, 1.5, math.inf, "1", None, True]),
    "period": ([1, 0.001, 3600.0], [0, -1, math.inf, math.nan, "5", None, True]),
    "auto_shutdown": ([*AutoShutdown], ["never", None, True, 7]),
}


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("build", [supervisor, lambda id, **flags: SupervisorSpec(id=id, **flags)])
def test_sup_flags(build, flag):
    good, bad = FLAGS[flag]
    for value in good:
        assert getattr(build("s", **{flag: value}), flag) == value
    for value in bad:
        with pytest.raises(SpecError, match=f"^{flag} of 's': expected .*, got "):
            build("s", **{flag: value})


@pytest.mark.parametrize("flag", ["intensity", "period"])
def test_sup_flags_simple(flag):
    for value in FLAGS[flag][1]:
        with pytest.raises(SpecError, match=f"^{flag} of 's': expected"):
            dynamic_supervisor("s", **{flag: value})


@pytest.mark.parametrize("build", [supervisor, dynamic_supervisor])
def test_sup_flags_unknown(build):
    """OTP tolerates it; in Python it would be a typing error."""
    with pytest.raises(TypeError):
        build("s", colour="red")
