"""Incidents: opened, gathered, resolved."""

import anyio
import msgspec
import pytest

from otp import Restart, Strategy, dynamic_supervisor, open_supervisor, supervisor, worker
from otp.errors import IntensityReached, StartError
from otp.events import (
    ChildExited,
    ChildFailed,
    ChildPaused,
    ChildRefused,
    ChildRestarting,
    ChildStarted,
    ChildStartFailed,
)
from otp.exits import Crash as CrashText
from otp.exits import Crashed
from otp.observe.failures import Outcome, cause_of
from otp.observe.incident import IncidentChange, IncidentOpened, IncidentResolved, IncidentUpdated
from otp.observe.incidents import Incidents
from otp.policy import Backoff, FailurePolicy, GiveUp, RestartAfter, on
from otp.testing import Crash, EventRecorder, FailStart, Finish, Probe, Refuse, Run

FRAMES = ("/srv/app/feed/stream.py:88 run", "/srv/app/feed/socket.py:12 read")
CRASH = CrashText("feed.errors.ProviderClosed", "1012 service restart", FRAMES)


def restarting(path="root/a", at=1.0, crash=CRASH, verdict="", cause="crash"):
    exit = Crashed(None, crash) if cause == "crash" else None
    budget = {"used": 1, "intensity": 5, "period": 60.0}
    return ChildRestarting(path=path, at=at, generation=2, cause=cause, exit=exit, verdict=verdict, **budget)


def started(path="root/a", at=1.5, downtime=0.5):
    return ChildStarted(path=path, at=at, generation=2, downtime=downtime)


@pytest.fixture
def told():
    return []


@pytest.fixture
def incidents(told):
    return Incidents([told.append], wall=lambda: 1_000.0)


def kinds(told):
    return [type(change) for change in told]


@pytest.mark.virtual_time
async def test_a_worker_that_hangs_is_one_failure_each_time_and_where_it_hangs_is_its_kind(incidents):
    async def here():
        await anyio.sleep_forever()

    async def there():
        await anyio.sleep_forever()

    places = iter((here, here, there, here))

    async def run():
        await next(places)()

    spec = supervisor("root", children=[worker("w", run, watchdog=30.0)])
    async with open_supervisor(spec, hooks=[incidents]):
        await anyio.sleep(91)
    assert [(one.frame.rpartition(".")[2], one.count) for one in incidents.all()] == [("here", 2), ("there", 1)]
    first = incidents.all()[0]
    assert (first.path, first.type, first.worst) == ("root/w", "otp.errors.Hung", Outcome.RESTARTED)
    assert first.message.startswith("root/w gave no sign of life for 30 s, in ")


def test_the_first_failure_opens_one_the_next_are_gathered_and_health_resolves_it(incidents, told):
    incidents(restarting(at=1.0, verdict="blip"))
    incidents(started(at=1.5, downtime=0.5))
    incidents(restarting(at=2.0, verdict="blip"))
    incidents(started(at=4.0, downtime=2.0))
    assert kinds(told) == [IncidentOpened, IncidentUpdated, IncidentUpdated, IncidentUpdated]
    (incident,) = incidents.open()
    assert (incident.path, incident.type, incident.message) == ("root/a", CRASH.type, CRASH.message)
    assert (incident.count, incident.verdict, incident.worst) == (2, "blip", Outcome.RESTARTED)
    assert (incident.opened.at, incident.last.at, incident.downtime) == (1.0, 2.0, 2.5)
    incidents.tick(63.9)
    assert incidents.open() == (incident,)
    incidents.tick(65.0)
    assert kinds(told)[-1] is IncidentResolved
    resolved = told[-1].incident
    assert (resolved.state, resolved.resolved.at, resolved.resolved.wall) == ("resolved", 64.0, 999.0)
    assert [change.incident.revision for change in told] == [1, 2, 3, 4, 5]
    assert incidents.open() == ()


def test_a_later_event_of_another_child_is_enough_to_resolve_it(incidents, told):
    incidents(restarting(at=1.0))
    incidents(started(at=1.5))
    incidents(started("root/b", at=100.0, downtime=None))
    assert kinds(told)[-1] is IncidentResolved


def test_what_it_is_down_over_is_on_it_while_it_lasts(incidents, told):
    incidents(restarting(at=1.0))
    assert told[0].incident.down_since == 1.0
    other = CrashText("OSError", "refused", FRAMES)
    incidents(restarting(at=2.0, crash=other))  # an attempt that failed otherwise, within the same outage
    incidents(started(at=5.0, downtime=4.0))
    assert [(i.type, i.downtime, i.down_since) for i in incidents.open()] == [
        (CRASH.type, 4.0, None),
        ("OSError", 0.0, None),
    ]


def test_a_failure_within_the_healthy_time_keeps_it_open_and_one_after_opens_another(incidents):
    incidents(restarting(at=1.0))
    incidents(started(at=2.0))
    incidents(restarting(at=61.0))
    incidents.tick(200.0)
    assert len(incidents.open()) == 1
    incidents(started(at=200.0))
    incidents(restarting(at=300.0))
    first, second = incidents.all()
    assert (first.state, second.state) == ("resolved", "open")
    assert first.id < second.id
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize("cause", ["manual", "collateral"])
def test_restarts_that_are_no_failures_open_none(incidents, told, cause):
    incidents(restarting(cause=cause))
    incidents(started())
    incidents(ChildExited(path="root/a", at=3.0, generation=1, exit=Crashed(None, CRASH), asked=True))
    assert told == []


# ------------------------------------------------------------------------------------------------ fingerprints


def moved(*frames, kind="E", leaves=()):
    return cause_of(Crashed(None, CrashText(kind, "m", frames, leaves)))


def test_an_edit_elsewhere_and_another_message_are_the_same_kind():
    assert moved("/srv/a/x.py:1 f", "/srv/a/y.py:9 g") == moved("/opt/a/x.py:100 f", "/opt/a/y.py:3 g")
    assert moved("/srv/a/x.py:1 f", "/srv/a/x.py:1 f") == moved("/srv/a/x.py:1 f")  # however deep the recursion was
    inner = "/usr/lib/site-packages/redis/x.py:1 read"
    assert moved("/srv/a/x.py:1 f", inner) == moved("/srv/a/x.py:1 f")  # … nor an update of a package


def test_another_type_another_function_and_another_file_are_not():
    one = moved("/srv/a/x.py:1 f")
    assert len({one, moved("/srv/a/x.py:1 f", kind="F"), moved("/srv/a/x.py:1 g"), moved("/srv/a/z.py:1 f")}) == 4


def test_the_order_of_the_leaves_of_a_group_does_not_matter():
    a, b = CrashText("A", "1", ("/srv/a/x.py:1 f",)), CrashText("B", "2", ("/srv/a/y.py:1 g",))
    assert moved(leaves=(a, b)) == moved(leaves=(b, a))
    assert moved(leaves=(a, b)) != moved(leaves=(a, a))


def test_another_path_is_another_incident(incidents):
    incidents(restarting("root/a"))
    incidents(restarting("root/b"))
    a, b = incidents.open()
    assert a.fingerprint != b.fingerprint


def test_ids_are_short_unique_and_sorted_also_when_the_clock_is_set_back():
    clock = iter([*[1_700_000_000.0] * 50, *[1_600_000_000.0] * 50, *[1_700_000_001.0] * 50])
    incidents = Incidents(wall=lambda: next(clock, 0.0))
    for n in range(100):
        incidents(restarting(f"root/{n}"))
    ids = [incident.id for incident in incidents.all()]
    assert ids == sorted(set(ids))
    assert {len(id) for id in ids} == {12}


# ------------------------------------------------------------------------------------------------ bounds, listeners


def test_the_oldest_resolved_are_forgotten_first():
    incidents = Incidents(limit=5)
    for n in range(3):
        incidents(restarting(f"root/open{n}", at=1.0))
    for n in range(20):
        at = 100.0 * (n + 1)
        incidents(restarting(f"root/over{n}", at=at))
        incidents(started(f"root/over{n}", at=at))
        incidents.tick(at + 60.0)
    assert [i.path for i in incidents.all()] == [*(f"root/open{n}" for n in range(3)), "root/over18", "root/over19"]
    assert incidents.opened == 23


def test_too_many_open_ones_are_forgotten_too():
    incidents = Incidents(limit=5)
    for n in range(20):
        incidents(restarting(f"root/{n}"))
    assert [i.path for i in incidents.all()] == [f"root/{n}" for n in range(15, 20)]
    assert incidents.opened == 20
    incidents(started("root/0", at=2.0))
    incidents(started("root/19", at=2.0))
    incidents.tick(100.0)
    assert len(incidents.open()) == 4


def test_a_listener_that_raises_harms_nobody(told):
    def broken(change):
        raise KeyError("pager")

    incidents = Incidents([broken, told.append])
    incidents(restarting(at=1.0))
    incidents(restarting(at=2.0))
    assert kinds(told) == [IncidentOpened, IncidentUpdated]


def test_changes_can_go_over_a_wire(incidents, told):
    incidents(restarting())
    sent = msgspec.json.encode(told[0])
    assert msgspec.json.decode(sent)["event"] == "incident.opened"
    assert msgspec.json.decode(sent, type=IncidentChange) == told[0]


def test_somebody_may_resolve_one_by_hand(incidents, told):
    incidents(restarting())
    (incident,) = incidents.open()
    assert incidents.resolve(incident.id, 5.0)
    assert not incidents.resolve(incident.id, 6.0)
    assert not incidents.resolve("nobody", 6.0)
    assert told[-1].incident.resolved.at == 5.0
    incidents(restarting(at=7.0))
    assert len(incidents.open()) == 1


def test_what_was_brought_about_on_purpose_is_marked_until_it_happens_by_itself(incidents):
    incidents.injecting("root/sub", until=10.0)
    incidents(restarting("root/sub/a", at=1.0))
    incidents(restarting("root/b", at=1.0))
    assert [i.injected for i in incidents.open()] == [True, False]
    incidents(restarting("root/sub/a", at=11.0))
    assert [i.injected for i in incidents.open()] == [False, False]
    incidents.injecting("root", until=20.0)
    incidents(restarting("root/b", at=12.0))
    assert [i.injected for i in incidents.open()] == [False, False]


def paused(path="root/a", at=1.0):
    return ChildPaused(path=path, at=at, exit=Crashed(None, CRASH))


def test_an_incident_is_marked_when_its_last_failure_was_under_maintenance(incidents):
    incidents(paused())
    (incident,) = incidents.open()
    assert (incident.maintenance, incident.worst, incident.verdict) == (True, Outcome.PAUSED, "maintenance")
    incidents(started())
    assert incidents.open()[0].maintenance
    incidents(restarting(at=2.0))
    assert not incidents.open()[0].maintenance
    incidents(paused(at=3.0))
    (incident,) = incidents.open()
    assert (incident.maintenance, incident.count, incident.worst) == (True, 3, Outcome.PAUSED)


def test_a_failed_start_under_maintenance_is_one_failure_and_marked_from_the_first(incidents, told):
    exit = Crashed(None, CRASH)
    incidents(ChildStartFailed(path="root/sub/a", at=1.0, generation=2, exit=exit, paused=True))
    incidents(ChildPaused(path="root/sub/a", at=1.0, exit=exit, start_failed=True))
    assert [change.incident.maintenance for change in told] == [True, True]
    (incident,) = incidents.open()
    assert (incident.count, incident.worst) == (1, Outcome.PAUSED)


def test_a_child_that_waited_for_its_restart_has_not_failed_once_more_under_maintenance(incidents, told):
    incidents(restarting())
    incidents(ChildPaused(path="root/a", at=2.0, exit=None))
    assert kinds(told) == [IncidentOpened]


# ------------------------------------------------------------------------------------------------ in real trees


async def test_a_temporary_child_that_fails_under_maintenance_of_one_above_it_is_marked_too():
    incidents, events = Incidents(), EventRecorder()
    a, b = Probe("a"), Probe("b")
    sub = supervisor("sub", children=[a.spec(restart=Restart.TEMPORARY), b.spec(restart=Restart.TEMPORARY)])
    async with open_supervisor(supervisor("root", children=[sub]), hooks=[incidents, events]) as root:
        await root.pause()
        a.crash()
        await events.wait_for(ChildExited, "root/sub/a")
        await root.resume()
        b.crash()
        await events.wait_for(ChildExited, "root/sub/b")
        assert [(i.path, i.maintenance) for i in incidents.open()] == [("root/sub/a", True), ("root/sub/b", False)]


@pytest.mark.virtual_time
@pytest.mark.parametrize("replaced", [False, True])
async def test_the_incident_of_a_temporary_child_is_over_when_its_own_policy_says_so(replaced):
    incidents, events = Incidents(), EventRecorder()
    child = Probe("a", Crash(ValueError("bad"), after=1.0), Run())
    policy = FailurePolicy(healthy_after=200.0 if replaced else 5.0)
    spec = child.spec(restart=Restart.PERMANENT if replaced else Restart.TEMPORARY, policy=policy)
    async with open_supervisor(supervisor("root", children=[spec]), hooks=[incidents, events]) as root:
        await anyio.sleep(2.0)
        if replaced:
            await root.replace("a", child.spec(policy=FailurePolicy(healthy_after=5.0)), restart=False)
        await anyio.sleep(3.5)
        incidents.tick(anyio.current_time())
        assert len(incidents.open()) == 1
        await anyio.sleep(1.0)
        incidents.tick(anyio.current_time())
        assert not incidents.open()


@pytest.mark.virtual_time
async def test_an_incident_under_maintenance_is_open_until_the_child_is_healthy_again_and_has_its_downtime():
    incidents, events = Incidents(), EventRecorder()
    child = Probe("a", Crash(ValueError("bad"), after=10.0), Run())
    async with open_supervisor(supervisor("root", children=[child.spec()]), hooks=[incidents, events]) as root:
        await root.pause()
        await events.wait_for(ChildPaused)
        await anyio.sleep(1_000.0)
        incidents.tick(anyio.current_time())
        (incident,) = incidents.open()
        assert (incident.maintenance, incident.path) == (True, "root/a")
        await root.resume()
        await anyio.sleep(61.0)
        incidents.tick(anyio.current_time())
        assert incidents.open() == ()
        assert incidents.all()[0].downtime == pytest.approx(1_000.0)


@pytest.mark.virtual_time
async def test_a_parked_child_keeps_its_incident_open_until_somebody_starts_it():
    incidents, events = Incidents(), EventRecorder()
    child = Probe("a", Crash(ValueError("bad")), Run())
    policy = FailurePolicy(on(ValueError, GiveUp(), name="bad_symbol"))
    tree = supervisor("root", children=[child.spec(policy=policy)])
    async with open_supervisor(tree, hooks=[incidents, events]) as root:
        await events.wait_for(ChildFailed)
        await anyio.sleep(10_000.0)
        incidents.tick(anyio.current_time())
        (incident,) = incidents.open()
        assert (incident.worst, incident.verdict, incident.count) == (Outcome.FAILED, "bad_symbol", 1)
        await root.restart_child("a")
        await anyio.sleep(61.0)
        incidents.tick(anyio.current_time())
        assert incidents.open() == ()


@pytest.mark.virtual_time
async def test_a_supervisor_that_gives_up_is_on_the_incident_of_the_child_and_has_none_of_its_own():
    incidents, events = Incidents(), EventRecorder()
    a = Probe("a", Crash(RuntimeError("boom"), after=1.0), Crash(RuntimeError("boom"), after=1.0), Run())
    sub = supervisor("sub", intensity=1, children=[a.spec()])
    async with open_supervisor(supervisor("root", children=[sub]), hooks=[incidents, events]):
        await events.wait_for(ChildStarted, "root/sub", count=2)
        (incident,) = incidents.all()
        assert (incident.path, incident.worst, incident.count) == ("root/sub/a", Outcome.GAVE_UP, 2)
        await anyio.sleep(61.0)
        incidents.tick(anyio.current_time())
        assert incidents.open() == ()


@pytest.mark.virtual_time
async def test_a_start_that_fails_below_is_the_incident_of_the_child_and_waits_with_its_supervisor():
    incidents, events = Incidents(), EventRecorder()
    a = Probe("a", Crash(RuntimeError("boom"), after=1.0), FailStart(OSError("refused")), Run())
    later = FailurePolicy(
        on((StartError, IntensityReached), RestartAfter(Backoff(500.0, cap=500.0, jitter=0.0)), name="later")
    )
    sub = supervisor("sub", intensity=0, policy=later, children=[a.spec()])
    async with open_supervisor(supervisor("root", children=[sub]), hooks=[incidents, events]):
        await anyio.sleep(990.0)  # of which 500 s before each try
        incidents.tick(anyio.current_time())
        assert {i.path for i in incidents.all()} == {"root/sub/a"}
        assert {(i.type, i.state) for i in incidents.all()} == {("RuntimeError", "open"), ("OSError", "open")}
        await events.wait_for(ChildStarted, "root/sub/a", count=2)
        await anyio.sleep(61.0)
        incidents.tick(anyio.current_time())
        assert incidents.open() == ()


@pytest.mark.virtual_time
async def test_a_failed_start_and_the_decision_about_it_are_one_failure():
    incidents, events = Incidents(), EventRecorder()
    refused = FailStart(OSError("refused"))
    a = Probe("a", Crash(RuntimeError("boom"), after=1.0), refused, refused, Run())
    tree = supervisor("root", children=[a.spec()])
    async with open_supervisor(tree, hooks=[incidents, events]):
        await events.wait_for(ChildStarted, "root/a", count=2)
        assert [(i.type, i.count, i.worst) for i in incidents.all()] == [
            ("RuntimeError", 1, Outcome.RESTARTED),
            ("OSError", 2, Outcome.RESTARTED),
        ]


@pytest.mark.virtual_time
async def test_a_tree_that_does_not_start_leaves_an_incident_as_grave_as_giving_up():
    incidents = Incidents()
    a = Probe("a", FailStart(OSError("no such host")))
    with pytest.raises(StartError):
        async with open_supervisor(supervisor("root", children=[a.spec()]), hooks=[incidents]):
            pass
    (incident,) = incidents.open()
    assert (incident.path, incident.type, incident.worst) == ("root/a", "OSError", Outcome.GAVE_UP)


@pytest.mark.virtual_time
async def test_a_temporary_child_is_not_expected_back():
    incidents, events = Incidents(), EventRecorder()
    async with open_supervisor(dynamic_supervisor("root"), hooks=[incidents, events]) as root:
        await root.start_child(Probe("job", Crash(ValueError("bad"))).spec(restart=Restart.TEMPORARY))
        await events.wait_for(ChildExited, "root/job")
        (incident,) = incidents.open()
        assert (incident.worst, incident.down_since) == (Outcome.LEFT, None)
        await anyio.sleep(61.0)
        incidents.tick(anyio.current_time())
        assert incidents.open() == ()


@pytest.mark.virtual_time
async def test_one_that_recovers_and_is_done_leaves_nothing_open():
    incidents, events = Incidents(), EventRecorder()
    job = Probe("job", Crash(ValueError("bad")), Finish(after=1.0))
    tree = supervisor("root", children=[job.spec(restart=Restart.TRANSIENT)])
    async with open_supervisor(tree, hooks=[incidents, events]):
        await events.wait_for(ChildExited, "root/job")
        await anyio.sleep(61.0)
        incidents.tick(anyio.current_time())
        assert incidents.open() == ()


@pytest.mark.virtual_time
async def test_a_permanent_child_that_returns_has_an_incident_without_an_exception():
    incidents, events = Incidents(), EventRecorder()
    tree = supervisor("root", children=[Probe("a", Finish(), Run()).spec()])
    async with open_supervisor(tree, hooks=[incidents, events]):
        await events.wait_for(ChildStarted, "root/a", count=2)
        (incident,) = incidents.open()
        assert (incident.type, incident.message, incident.count) == ("Normal", "", 1)


@pytest.mark.virtual_time
async def test_one_that_refuses_to_stop_has_an_incident():
    incidents, events = Incidents(), EventRecorder()
    a = Probe("a", Refuse(100.0), Run())
    async with open_supervisor(supervisor("root", children=[a.spec(shutdown=0.1)]), hooks=[incidents, events]) as root:
        with pytest.raises(Exception, match="refused to stop"):
            await root.restart("a")
        await events.wait_for(ChildRefused)
        (incident,) = incidents.open()
        assert (incident.type, incident.worst) == ("Refused", Outcome.REFUSED)
        await events.wait_for(ChildStarted, "root/a", count=2)
        await anyio.sleep(61.0)
        incidents.tick(anyio.current_time())
        assert incidents.open() == ()


@pytest.mark.virtual_time
async def test_siblings_taken_along_have_none():
    incidents, events = Incidents(), EventRecorder()
    a, b = Probe("a", Crash(ValueError("x"), after=1.0), Run()), Probe("b")
    tree = supervisor("root", strategy=Strategy.ONE_FOR_ALL, children=[b.spec(), a.spec()])
    async with open_supervisor(tree, hooks=[incidents, events]) as root:
        await events.wait_for(ChildStarted, "root/a", count=2)
        await root.restart("b")
        assert [incident.path for incident in incidents.all()] == ["root/a"]
