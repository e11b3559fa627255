"""supervisor_SUITE, the significant children: whose end ends the supervisor, and whose does not (S6, S40-S42)."""

from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from otp import (
    AutoShutdown,
    Restart,
    SpecError,
    Strategy,
    SupervisorSpec,
    dynamic_supervisor,
    open_supervisor,
    supervisor,
)
from otp.events import SupervisorExited
from otp.testing import EventRecorder, Probe
from tests.conformance.otp_suite.stage import ABNORMAL, ENDINGS, NORMAL, end, open_dynamic, states, turns

TEMPORARY, TRANSIENT = Restart.TEMPORARY, Restart.TRANSIENT
ANY, ALL = AutoShutdown.ANY_SIGNIFICANT, AutoShutdown.ALL_SIGNIFICANT
WAYS = ("terminate_child", *ENDINGS)


@asynccontextmanager
async def open_significant(auto_shutdown, *children, **options):
    """A tree with these children, and one more that is not significant; it must not end before the block does."""
    spec = supervisor("root", auto_shutdown=auto_shutdown, children=[Probe("bystander").spec(), *children], **options)
    ended_first = True
    with anyio.fail_after(5):
        async with open_supervisor(spec) as root:
            yield root
            ended_first = False
    assert not ended_first, "the tree ended, so the block was cancelled and has asserted nothing"


def significants(restart, count=3):
    probes = [Probe(f"s{n}") for n in range(count)]
    return probes, [probe.spec(restart=restart, significant=True) for probe in probes]


async def go(root, probe, way):
    if way == "terminate_child":
        await root.terminate_child(probe.name)
    else:
        end(probe, way)
    await turns()


@asynccontextmanager
async def ends_in_order():
    """The tree opened in the block ends by itself, its supervisor with `shutdown`."""
    events = EventRecorder()
    with anyio.fail_after(5):
        yield events
    (exited,) = events.of(SupervisorExited, "root")
    assert str(exited.exit) == "shutdown (auto_shutdown)"


async def ending_of_the_last_ends_the_tree(auto_shutdown, children, *, before=(), last):
    """The tree lives on after what `before` does, and ends when `last` ends like that."""
    bystander, lived_on = Probe("bystander"), False
    spec = supervisor("root", auto_shutdown=auto_shutdown, children=[bystander.spec(), *children])
    async with ends_in_order() as events, open_supervisor(spec, hooks=[events]) as root:
        for probe, way in before:
            await go(root, probe, way)
        lived_on = bystander.alive == 1
        end(*last)
        await anyio.sleep_forever()
    assert lived_on
    assert (bystander.starts, bystander.alive) == (1, 0)


@pytest.mark.parametrize("auto_shutdown", AutoShutdown)
@pytest.mark.parametrize("way", WAYS)
async def test_nonsignificant_temporary(way, auto_shutdown):
    child = Probe("child")
    async with open_significant(auto_shutdown, child.spec(restart=TEMPORARY)) as root:
        await go(root, child, way)
        assert states(root) == {"bystander": "running"}


@pytest.mark.parametrize("auto_shutdown", AutoShutdown)
@pytest.mark.parametrize("way", WAYS)
async def test_nonsignificant_transient(way, auto_shutdown):
    child = Probe("child")
    left = {"terminate_child": "stopped", "abnormal": "running", "kill": "running"}.get(way, "done")
    async with open_significant(auto_shutdown, child.spec(restart=TRANSIENT)) as root:
        await go(root, child, way)
        assert states(root) == {"bystander": "running", "child": left}


@pytest.mark.parametrize("auto_shutdown", [ANY, ALL])
@pytest.mark.parametrize("restart", [TEMPORARY, TRANSIENT])
async def test_significant_terminated(restart, auto_shutdown):
    """The last of them, too."""
    (one, two), specs = significants(restart, 2)
    async with open_significant(auto_shutdown, *specs) as root:
        await go(root, one, "terminate_child")
        await go(root, two, "terminate_child")
        assert states(root)["bystander"] == "running"


@pytest.mark.parametrize("how", ENDINGS)
async def test_significant_temporary(how):
    (one, two, _), specs = significants(TEMPORARY)
    await ending_of_the_last_ends_the_tree(ANY, specs, before=[(one, "terminate_child")], last=(two, how))


@pytest.mark.parametrize("how", ENDINGS)
async def test_significant_temporary_all(how):
    (one, two, three), specs = significants(TEMPORARY)
    before = [(one, "terminate_child"), (two, how)]
    await ending_of_the_last_ends_the_tree(ALL, specs, before=before, last=(three, how))


@pytest.mark.parametrize("how", NORMAL)
async def test_significant_transient(how):
    (one, two, three), specs = significants(TRANSIENT)
    before = [(one, "terminate_child"), *((two, restarted) for restarted in ABNORMAL)]
    await ending_of_the_last_ends_the_tree(ANY, specs, before=before, last=(three, how))
    assert [probe.starts for probe in (one, two, three)] == [1, 3, 1]


@pytest.mark.parametrize("how", NORMAL)
async def test_significant_transient_all(how):
    (one, two, three), specs = significants(TRANSIENT)
    before = [(one, "terminate_child"), (three, "abnormal"), (two, how)]
    await ending_of_the_last_ends_the_tree(ALL, specs, before=before, last=(three, how))
    assert [probe.starts for probe in (one, two, three)] == [1, 1, 2]


@pytest.mark.parametrize("auto_shutdown", [ANY, ALL])
def test_significant_simple(auto_shutdown):
    with pytest.raises(TypeError):
        dynamic_supervisor("d", auto_shutdown=auto_shutdown)


@pytest.mark.parametrize("auto_shutdown", [ANY, ALL])
@pytest.mark.parametrize(
    "build",
    [
        lambda auto: SupervisorSpec(id="d", dynamic=True, auto_shutdown=auto),
        lambda auto: replace(dynamic_supervisor("d"), auto_shutdown=auto),
    ],
    ids=["spec", "replace"],
)
def test_significant_simple_spec(build, auto_shutdown):
    with pytest.raises(SpecError):
        build(auto_shutdown)


@pytest.mark.parametrize("restart", [TEMPORARY, TRANSIENT])
async def test_significant_simple_start_child(restart):
    async with open_dynamic() as root:
        with pytest.raises(SpecError, match="significant=True"):
            await root.start_child(Probe("a").spec(restart=restart, significant=True))
        assert root.which_children() == ()


@pytest.mark.parametrize("auto_shutdown", [ANY, ALL])
@pytest.mark.parametrize("restart", [TEMPORARY, TRANSIENT])
@pytest.mark.parametrize("strategy", Strategy)
async def test_significant_bystander(strategy, restart, auto_shutdown):
    before, crashing, after = Probe("before"), Probe("crashing"), Probe("after")
    significant = {"restart": restart, "significant": True}
    children = [before.spec(**significant), crashing.spec(), after.spec(**significant)]
    casualties = {
        Strategy.ONE_FOR_ONE: (),
        Strategy.ONE_FOR_ALL: (before, after),
        Strategy.REST_FOR_ONE: (after,),
    }[strategy]
    async with open_significant(auto_shutdown, *children, strategy=strategy) as root:
        await go(root, crashing, "abnormal")
        assert crashing.starts == 2
        for probe in (before, after):
            casualty = probe in casualties
            assert probe.alive == (0 if casualty and restart is TEMPORARY else 1)
            assert probe.starts == (2 if casualty and restart is TRANSIENT else 1)
        assert states(root)["bystander"] == "running"


def nested(job, *, significant):
    return supervisor(
        "inner",
        auto_shutdown=ANY,
        restart=TRANSIENT,
        significant=significant,
        children=[job.spec(restart=TRANSIENT, significant=True)],
    )


@pytest.mark.parametrize("auto_shutdown", [ANY, ALL])
async def test_significant_escalation(auto_shutdown):
    job = Probe("job")
    inner = nested(job, significant=True)
    bystander, events = Probe("bystander"), EventRecorder()
    spec = supervisor("root", auto_shutdown=auto_shutdown, children=[bystander.spec(), inner])
    with anyio.fail_after(5):
        async with open_supervisor(spec, hooks=[events]):
            end(job, "normal")
            await anyio.sleep_forever()
    assert [(event.path, str(event.exit)) for event in events.of(SupervisorExited)] == [
        ("root/inner", "shutdown (auto_shutdown)"),
        ("root", "shutdown (auto_shutdown)"),
    ]
    assert (job.starts, bystander.alive) == (1, 0)


@pytest.mark.parametrize("auto_shutdown", AutoShutdown)
async def test_significant_escalation_nonsignificant(auto_shutdown):
    job = Probe("job")
    async with open_significant(auto_shutdown, nested(job, significant=False)) as root:
        await go(root, job, "normal")
        assert (job.starts, job.alive) == (1, 0)
        assert states(root) == {"bystander": "running", "inner": "done"}
