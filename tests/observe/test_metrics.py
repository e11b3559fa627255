"""Metrics, read back from the exposition text."""

import anyio
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from otp import Strategy, open_supervisor, supervisor
from otp.events import ChildFailed, ChildStarted
from otp.observe.history import History
from otp.observe.incidents import Incidents
from otp.observe.metrics import metrics_registry
from otp.observe.outbox import Outbox
from otp.observe.outlet import Outlet
from otp.policy import Backoff, FailurePolicy, GiveUp, RestartAfter, on
from otp.runtime.inspect import Lag
from otp.testing import Crash, EventRecorder, Probe, Run


def exposed(registry):
    text = generate_latest(registry).decode()
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.virtual_time
async def test_restarts_downtime_and_states_are_those_of_the_tree():
    history, incidents, events = History(), Incidents(), EventRecorder()
    a = Probe("a", Crash(RuntimeError("x"), after=5.0), Run())
    b = Probe("b", Run(), Run(), Crash(ValueError("bad"), after=20.0))
    policy = FailurePolicy(
        on(RuntimeError, RestartAfter(Backoff(10.0, cap=10.0, jitter=0.0)), name="blip"),
        on(ValueError, GiveUp(), name="bad"),
    )
    tree = supervisor("root", strategy=Strategy.REST_FOR_ONE, children=[a.spec(policy=policy), b.spec(policy=policy)])
    registry = metrics_registry(history, incidents, now=anyio.current_time)
    async with open_supervisor(tree, hooks=[history, incidents, events]) as root:
        await events.wait_for(ChildStarted, "root/a", count=2)
        await root.restart("b")
        await events.wait_for(ChildFailed)
        await anyio.sleep(7.0)
        seen = exposed(registry)
    assert seen["otp_restarts_total", "crash", "root/a", "blip"] == 1
    assert seen["otp_restarts_total", "manual", "root/b", ""] == 1
    assert seen["otp_restarts_total", "collateral", "root/b", ""] == 1
    assert ("otp_restarts_total", "crash", "root/b", "bad") not in seen
    assert seen["otp_failures_total", "root/b"] == 1
    assert seen["otp_downtime_seconds_total", "root/a"] == pytest.approx(10.0)
    assert seen["otp_downtime_seconds_total", "root/b"] == pytest.approx(7.0)
    assert (seen["otp_up", "root/a"], seen["otp_up", "root/b"]) == (1, 0)
    assert seen["otp_state", "root/a", "running"] == seen["otp_state", "root/b", "failed"] == 1
    assert seen["otp_incidents_open", "root/b"] == 1
    assert seen["otp_incidents_opened_total",] == 2


async def test_outboxes_tell_what_waits_and_what_was_dropped():
    async def send(item):
        raise ConnectionError

    outbox = Outbox("redis", send, limit=2)
    for n in range(5):
        outbox.put(n)
    seen = exposed(metrics_registry(History(), now=lambda: 0.0, outboxes=[outbox]))
    assert (seen["otp_outbox_waiting", "redis"], seen["otp_outbox_dropped_total", "redis"]) == (2, 3)


async def test_what_the_log_goes_through_tells_how_many_lines_it_dropped():
    outlet = Outlet("here", lambda text: None)
    outlet.put("line\n")
    outlet.close(5.0)
    assert ("otp_outbox_sent_total", "log here") not in exposed(metrics_registry(History(), now=lambda: 0.0))
    outlet = Outlet("here", lambda text: None)
    try:
        outlet.put("line\n")
        assert outlet.flush(5.0)
        seen = exposed(metrics_registry(History(), now=lambda: 0.0))
        assert (seen["otp_outbox_sent_total", "log here"], seen["otp_outbox_dropped_total", "log here"]) == (1, 0)
    finally:
        outlet.close(5.0)


def test_the_lag_is_that_of_the_loop_watch():
    seen = exposed(metrics_registry(History(), now=lambda: 0.0, lag=lambda: Lag(last=0.3, worst=0.5)))
    assert (seen["otp_loop_lag_seconds",], seen["otp_loop_lag_worst_seconds",]) == (0.3, 0.5)


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "prometheus_client", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install .*\[metrics\]'"):
        metrics_registry(History(), now=lambda: 0.0)


def test_labels_from_a_hostile_tree_do_not_break_the_text():
    history = History()
    history(ChildStarted(path='root/a"\n\\b', at=0.0, generation=1, downtime=None))
    assert exposed(metrics_registry(history, now=lambda: 1.0))["otp_up", 'root/a"\n\\b'] == 1
