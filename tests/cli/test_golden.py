"""What each command prints of a fixed tree, in every format, beside `golden/`: one file a command."""

import json
import re
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from otp.cli.sections import SECTIONS
from otp.control.wire.commands import (
    Drain,
    Explain,
    GetEvents,
    GetHealth,
    GetIncidents,
    GetSnapshot,
    GetStack,
    GetWhy,
    InjectFault,
    Pause,
    Reset,
    ResolveIncident,
    Restart,
    Resume,
    Start,
    Stop,
    Watch,
)
from otp.control.wire.protocol import Resolved
from otp.control.wire.rows import Blocked, NeedRow
from tests import golden
from tests.cli import rows

GOLDEN = Path(__file__).parent / "golden"
FORMATS = ("table", "wide", "json", "jsonl", "name")

NEEDS = (
    NeedRow(path="massive", name="system-redis", down_s=3.0, outages=1, downtime_s=3.0, last="ConnectionRefusedError"),
    NeedRow(path="massive", name="lake", down_s=None, outages=2, downtime_s=60.0, last="TimeoutError"),
)
BLOCKED = Blocked(
    path="massive/workers/ws_worker", seconds=12.3, stack=("calc.py:10 heavy",), callback="hook shop.audit"
)
EVERY_STATE = ("pending", "stopping", "exited", "restarting", "paused", "unheard of")
TREE = rows.snapshot(
    (*rows.CHILDREN, *(rows.down(f"massive/feeds/{state}", state) for state in EVERY_STATE)),
    needs=NEEDS,
    blocked=BLOCKED,
    faults=True,
    stale_s=2.5,
)
DONE = rows.acted(
    rows.change(radius=(rows.WS_WORKER.path, "massive/workers/redis_publisher"), message="it was down already"),
    rows.change("massive/orchestrator", before="stopped", after="starting"),
)
PLANNED = rows.acted(rows.change(could_follow=("If it fails again, it is parked.",)), dry_run=True)
FAILED = rows.acted(rows.change(), rows.change("massive/a", after="refused", error="error", message="it does not stop"))


def acted(command):
    return PLANNED if command.dry_run else DONE


ANSWERS = {
    GetSnapshot: TREE,
    GetHealth: rows.SICK,
    GetEvents: rows.EVENTS,
    GetIncidents: rows.INCIDENTS,
    Explain: rows.EXPLAINED,
    GetWhy: replace(rows.WHY, stacks=rows.STACKS.stacks, needs=NEEDS),
    GetStack: rows.STACKS,
    ResolveIncident: Resolved(
        op="3f2a61c09b1d4e7f8a5b", incident=rows.incident(state="resolved", resolved_wall=rows.NOW)
    ),
    Drain: lambda command: replace(rows.DRAINING, dry_run=command.dry_run),
    Watch: [rows.well()],
    Stop: FAILED,
    InjectFault: acted,
    **dict.fromkeys((Restart, Start, Reset, Pause, Resume), acted),
}

COMMANDS = {
    "tree": ("tree",),
    "tree-on-paper": ("tree", "shop:spec"),
    "ps": ("ps",),
    "ps-pattern": ("ps", "workers"),
    "describe": ("describe", "workers/ws_worker"),
    "describe-supervisor": ("describe", "workers"),
    "events": ("events", "-v"),
    "incidents": ("incidents", "--all"),
    "incidents-resolve": ("incidents", "resolve", rows.INCIDENT),
    "explain": ("explain", "till"),
    "explain-on-paper": ("explain", "till", "--target", "shop:spec"),
    "why": ("why", "workers/ws_worker"),
    "stack": ("stack", "workers/ws_worker"),
    "health": ("health",),
    "wait": ("wait", "massive", "--timeout", "2s"),
    "restart": ("restart", "workers/ws_worker"),
    "restart-dry-run": ("restart", "workers/ws_worker", "--dry-run"),
    "stop-failed": ("stop", "**", "--all"),
    "start": ("start", "workers/ws_worker"),
    "reset": ("reset", "workers/ws_worker"),
    "pause": ("pause", "workers/ws_worker"),
    "resume": ("resume", "workers/ws_worker"),
    "fault": ("fault", "crash", "workers/ws_worker"),
    "drain": ("drain",),
    "drain-dry-run": ("drain", "--dry-run"),
}


@pytest.fixture(autouse=True)
def one_clock_and_one_place(monkeypatch):
    """Local time is UTC, it is always the same time, and the trees are those of this folder."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(time, "time", lambda: rows.NOW + 5.0)
    monkeypatch.syspath_prepend("tests/cli")
    yield
    monkeypatch.undo()
    time.tzset()


def answers(name):
    if name == "describe-supervisor":
        return ANSWERS | {GetWhy: replace(ANSWERS[GetWhy], child=rows.CHILDREN[1], siblings=(), explained=None)}
    return ANSWERS | ({GetSnapshot: rows.well()} if name == "wait" else {})


def printed(otp, words):
    """What the command prints in each format; how long it took is another each time."""
    found = {}
    for form in FORMATS:
        result = otp(*words, "-o", form)
        text = re.sub(r"(in|after) \d+ ms$|(?<=in )\d+ ms(?=  op)", "SOON", result.stdout, flags=re.MULTILINE)
        text = (
            re.sub(r'("took_s"|"up_s")(: ?)[0-9.e-]+', r"\g<1>\g<2>0.0", text)
            if words[0] in ("drain", "wait")
            else text
        )
        found[form] = json.loads(text) if form == "json" else text.splitlines()
        found[f"{form} exit code"] = result.exit_code
        assert not result.stderr or words[0] == "stop", result.stderr
    found["jsonl"] = [json.loads(line) for line in found["jsonl"]]
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_prints_is_what_it_printed(otp_of, name):
    otp = otp_of(answers(name))
    found = printed(otp, COMMANDS[name])
    golden.check(GOLDEN / f"{name}.json", found, free=("table", "wide"))


def test_each_file_is_of_a_command_and_each_command_of_the_help_has_one():
    print_documents = {name for section in SECTIONS.values() for name in section} - {
        "run",
        "check",
        "top",
        "completion",
    }
    assert {path.stem for path in GOLDEN.glob("*.json")} == {*COMMANDS}
    assert {words[0] for words in COMMANDS.values()} == print_documents


def test_a_field_that_is_gone_or_different_is_found():
    before = {"a": 1, "b": [{"c": 2}, {"c": 3}]}
    assert list(golden.lost(before, {"a": 1, "b": [{"c": 2, "new": 0}, {"c": 3}], "new": 0})) == []
    assert list(golden.lost(before, {"a": 2, "b": [{}, {"c": 4}]})) == ["$.a", "$.b[0].c", "$.b[1].c"]
    assert list(golden.lost(before, {"b": []})) == ["$.a", "$.b"]
