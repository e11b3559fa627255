"""Rows and messages as a server would send them."""

from msgspec.structs import replace  # noqa: F401

from otp.control.wire.rows import ChildRow, Delta, EventRow, Snapshot


def row(path, **given):
    """A worker that is up and well, unless something else is said."""
    usual = {
        "kind": "worker",
        "state": "running",
        "ready": True,
        "restart": "permanent",
        "generation": 1,
        "up_s": 60.0,
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
    return ChildRow(path=path, **{**usual, **given})


def supervisor(path, **given):
    return row(path, **{"kind": "supervisor", "strategy": "one_for_one", "intensity": 5, "period_s": 60.0, **given})


def down(path, **given):
    """A worker that waits for its restart."""
    waiting = {
        "state": "backoff",
        "ready": False,
        "up_s": None,
        "crashes": 5,
        "manual": 1,
        "streak": 3,
        "next_retry_s": 7.4,
        "down_s": 2.6,
        "downtime_s": 41.2,
        "last_cause": "ConnectionClosed: 1006",
        "incident": "01K9ZQ3M7F3Q",
    }
    return row(path, **{**waiting, **given})


def snapshot(root, *children, **given):
    usual = {
        "seq": 0,
        "app": root.path,
        "pid": 4121,
        "version": "0",
        "backend": "asyncio",
        "wall": 1_800_000_000.0,
        "up_s": 8_040.0,
        "state": "up",
        "lag_s": 0.003,
        "blocked": None,
        "faults": False,
        "needs": (),
        "open_incidents": 0,
    }
    return Snapshot(root=root, children=children, **{**usual, **given})


def delta(root, *changed, **given):
    usual = {
        "seq": 0,
        "wall": 1_800_000_001.0,
        "state": "up",
        "blocked": None,
        "removed": (),
        "needs": (),
        "open_incidents": 0,
        "events": (),
    }
    return Delta(root=root, changed=changed, **{**usual, **given})


def event(seq, path, text, level="WARNING", kind="child.restarting"):
    return EventRow(seq=seq, wall=1_800_000_000.0 + seq, event=kind, path=path, level=level, text=text)


def massive(**given):
    """A tree of eight children, one of which waits for its restart."""
    return snapshot(
        supervisor("massive", strategy="rest_for_one", up_s=8_040.0, used=1, intensity=5),
        row("massive/orchestrator", up_s=8_045.0),
        supervisor("massive/workers", used=3, intensity=5, up_s=8_045.0),
        row("massive/workers/chain_worker", up_s=8_045.0, manual=1),
        down("massive/workers/ws_worker"),
        row("massive/workers/spot_worker", up_s=12.0, crashes=2, collateral=3, downtime_s=3.0),
        supervisor("massive/model", kind="supervisor", strategy="dynamic", up_s=8_000.0),
        row("massive/model/builder", up_s=500.0, paused=True, paused_s=725.0),
        row("massive/publisher", state="stopped", up_s=None, ready=True),
        **{"state": "degraded", "open_incidents": 1, "seq": 10, **given},
    )


def large(count):
    """A tree of that many workers, ten to a supervisor."""
    rows = []
    for number in range(count):
        if number % 10 == 0:
            rows.append(supervisor(f"big/s{number // 10}"))
        rows.append(row(f"big/s{number // 10}/w{number}"))
    return snapshot(supervisor("big"), *rows)
