"""Rows of a tree as an operator might meet it, for the tests of the command line."""

from otp.control.wire.protocol import Acted, Draining, Events, Incidents, Stacks
from otp.control.wire.rows import (
    Change,
    ChildRow,
    EventRow,
    Explained,
    FailureRow,
    Health,
    IncidentRow,
    LogRow,
    NeedRow,
    Snapshot,
    StackRow,
    TaskRow,
    Why,
)
from otp.core.explain import explain
from tests.cli.shop import spec

NOW = 1_790_000_000.0


def child(path, **fields):
    row = {
        "path": path,
        "kind": "worker",
        "state": "running",
        "ready": True,
        "restart": "permanent",
        "generation": 1,
        "up_s": 526_440.0,
        "crashes": 0,
        "manual": 0,
        "collateral": 0,
        "streak": 0,
        "next_retry_s": None,
        "down_s": None,
        "downtime_s": 0.0,
        "availability": 1.0,
        "mtbf_s": None,
        "verdict": "",
        "last_cause": "",
        "last_wall": None,
        "incident": "",
        "paused": False,
        "paused_s": None,
    }
    return ChildRow(**row | fields)


def down(path, state, **fields):
    return child(path, **{"state": state, "ready": False, "up_s": None, "down_s": 12.0} | fields)


def group(path, strategy="one_for_one", **fields):
    return child(path, kind="supervisor", strategy=strategy, intensity=5, period_s=60.0, **fields)


CLOSED = "ProviderClosed: 1012 (service restart) by wss://socket.massive.example/options/very/long/path?feed=delayed"
INCIDENT = "1HB3V0ZK7Q2F"

WS_WORKER = down(
    "massive/workers/ws_worker",
    "backoff",
    crashes=5,
    streak=3,
    next_retry_s=7.4,
    downtime_s=41.2,
    availability=0.99952,
    mtbf_s=16_260.0,
    verdict="provider",
    last_cause=CLOSED,
    last_wall=NOW - 12,
    incident=INCIDENT,
)

CHILDREN = (
    child("massive/orchestrator"),
    group("massive/workers", used=3),
    WS_WORKER,
    child(
        "massive/workers/redis_publisher",
        up_s=2467.0,
        crashes=3,
        last_cause="ConnectionError: reset",
        last_wall=NOW - 2467,
    ),
    child("massive/workers/redis_archiver", paused=True, paused_s=720.0),
    group("massive/feeds", "rest_for_one"),
    *(child(f"massive/feeds/a_feed_with_quite_a_long_name_{n:02}", manual=n) for n in range(8)),
    down("massive/feeds/held_feed", "held", last_cause="ConnectionRefusedError: [Errno 111]", last_wall=NOW - 12),
    down("massive/feeds/failed_feed", "failed", last_cause="AuthError: key is revoked", last_wall=NOW - 3600),
    down("massive/feeds/stopped_feed", "stopped", down_s=None),
    child("massive/feeds/done_feed", state="done", up_s=None),
    down("massive/feeds/refused_feed", "refused", last_cause="it does not stop", last_wall=NOW),
    child("massive/feeds/starting_feed", state="starting", ready=False, up_s=None),
)


def snapshot(children=CHILDREN, **fields):
    row = {
        "seq": 812,
        "app": "massive",
        "pid": 4121,
        "version": "0.1.0",
        "backend": "uvloop",
        "wall": NOW,
        "up_s": 526_440.0,
        "state": "degraded",
        "lag_s": 0.003,
        "blocked": None,
        "faults": False,
        "root": group("massive", "rest_for_one", up_s=526_440.0),
        "children": tuple(children),
        "needs": (),
        "open_incidents": 1,
    }
    return Snapshot(**row | fields)


def well():
    return snapshot((child("massive/a"), child("massive/b")), state="up", open_incidents=0)


def event(seq, text, path=WS_WORKER.path, level="WARNING", kind="child.restarting"):
    return EventRow(seq=seq, wall=NOW + seq, event=kind, path=path, level=level, text=text)


EVENTS = Events(
    (
        event(1, "restarting after ProviderClosed: 1012  (1 of 5 in 60 s)"),
        event(2, "up again after 4.2 ms", level="INFO", kind="child.started"),
        event(3, "is up", "massive/feeds/held_feed", "DEBUG", "child.started"),
    )
)


def incident(**fields):
    row = {
        "id": INCIDENT,
        "path": WS_WORKER.path,
        "state": "open",
        "count": 5,
        "cause": "services.massive.errors.ProviderClosed",
        "message": CLOSED.partition(": ")[2],
        "frame": "workers/stream.py:88 run",
        "fingerprint": "a91c0e5d7731",
        "verdict": "provider",
        "worst": "delayed",
        "opened_wall": NOW - 300,
        "last_wall": NOW - 12,
        "resolved_wall": None,
        "downtime_s": 41.2,
        "injected": False,
        "maintenance": False,
    }
    return IncidentRow(**row | fields)


INCIDENTS = Incidents((incident(), incident(id="1HB3V0ZK0001", injected=True, count=1, cause="Injected", message="")))

STACKS = Stacks(
    (
        StackRow(
            path=WS_WORKER.path,
            state="running",
            tasks=(
                TaskRow(
                    name="massive/workers/ws_worker",
                    depth=0,
                    chain=("run (/srv/services/massive/stream.py:88)", "recv (/usr/lib/websockets/connection.py:304)"),
                ),
                TaskRow(name="keepalive", depth=1, chain=("ping (/srv/services/massive/stream.py:140)",)),
            ),
        ),
    )
)

_EXPLANATION = explain(spec, "shop/till")
EXPLAINED = Explained(
    text=str(_EXPLANATION), explanation=_EXPLANATION, radius=("shop/till", "shop/stock", "shop/light"), untouched=4
)

WHY = Why(
    child=WS_WORKER,
    supervisor=CHILDREN[1],
    siblings=CHILDREN[3:5],
    incidents=(incident(),),
    failures=tuple(
        FailureRow(
            wall=NOW - 60 + n, outcome="delayed", verdict="provider", text=CLOSED, frame="workers/stream.py:88 run"
        )
        for n in range(5)
    ),
    needs=(
        NeedRow(
            path="massive", name="system-redis", down_s=3.0, outages=1, downtime_s=3.0, last="ConnectionRefusedError"
        ),
    ),
    timeline=tuple(event(n, "restarting in 1.0 s after ProviderClosed: 1012") for n in range(20)),
    log=tuple(LogRow(wall=NOW + n, level="INFO", text=f"subscribed to {n} symbols") for n in range(20)),
    stacks=(),
    explained=EXPLAINED,
)

SICK = Health(
    app="massive",
    state="degraded",
    live=True,
    ready=True,
    up=15,
    total=20,
    problems=("massive/workers/ws_worker is backoff, next try in 7.4 s: ProviderClosed",),
)
HEALTHY = Health(app="massive", state="up", live=True, ready=True, up=2, total=2, problems=())


def change(path=WS_WORKER.path, **fields):
    row = {"path": path, "radius": (path,), "before": "running", "after": "running", "took_s": 0.012}
    return Change(**row | fields)


def acted(*changes, dry_run=False, untouched=19):
    return Acted(op="3f2a61c09b1d4e7f8a5b", dry_run=dry_run, changes=changes, untouched=untouched)


DRAINING = Draining(op="3f2a61c09b1d4e7f8a5b", dry_run=False, children=("massive/b", "massive/a"))
