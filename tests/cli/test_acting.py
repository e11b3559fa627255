"""What the commands that act ask for, and how they tell what was done."""

import json
import time

import pytest

from otp.control.wire.commands import Drain, InjectFault, Pause, Reset, Restart, Resume, Start, Stop, Watch
from otp.control.wire.rows import Delta
from tests.cli import rows
from tests.cli.prepared import HANG, LEAVE

WORKER = "massive/workers/ws_worker"

VERBS = [
    ("restart", "restarted", Restart),
    ("stop", "stopped", Stop),
    ("start", "started", Start),
    ("reset", "reset", Reset),
    ("pause", "paused", Pause),
    ("resume", "resumed", Resume),
]


@pytest.mark.parametrize(("verb", "done", "kind"), VERBS)
def test_what_was_done_is_one_line(otp_of, verb, done, kind):
    otp = otp_of({kind: rows.acted(rows.change())})
    result = otp(verb, "workers/ws_worker")
    assert result.exit_code == 0
    assert result.stdout == (f"{done} {WORKER}  running → running  in 12 ms  (others untouched: 19)  op 3f2a61c0\n")
    assert otp.server.asked == [kind(path="workers/ws_worker")]


@pytest.mark.parametrize(("verb", "done", "kind"), VERBS)
def test_reason_all_and_dry_run_are_passed_on(otp_of, verb, done, kind):
    otp = otp_of({kind: rows.acted(rows.change(), dry_run=True)})
    result = otp(verb, "workers/*", "--all", "--dry-run", "--reason", "new key")
    assert otp.server.asked == [kind(path="workers/*", all=True, dry_run=True, reason="new key")]
    assert result.stdout == f"would {verb} {WORKER}  running\nuntouched: 19\n"


def test_a_pause_may_end_by_itself(otp_of):
    otp = otp_of({Pause: rows.acted(rows.change())})
    otp("pause", "workers", "--for", "1h30m")
    assert otp.server.asked == [Pause(path="workers", seconds=5400.0)]


def test_a_fault_has_a_kind_a_number_and_a_time(otp_of):
    otp = otp_of({InjectFault: rows.acted(rows.change())})
    otp("fault", "block-loop", "x", "--times", "3", "--for", "10s")
    otp("fault", "crash", "x")
    assert otp.server.asked == [
        InjectFault(path="x", kind="block-loop", times=3, seconds=10.0),
        InjectFault(path="x", kind="crash", seconds=30.0),
    ]


def test_a_fault_that_cannot_be_and_faults_for_many_are_told_in_sentences(otp_of):
    changes = (
        rows.change("massive/a"),
        rows.change("massive/b"),
        rows.change("massive/c", error="conflict", message="it is down"),
    )
    result = otp_of({InjectFault: rows.acted(*changes)})("fault", "crash", "*", "--all")
    assert "\n2 of 3 get a fault  (others untouched: 19)" in result.stdout
    assert result.stderr == "Error: massive/c gets no fault: it is down\n"


RADIUS = tuple(f"massive/workers/w{n}" for n in range(12))


@pytest.mark.parametrize("dry_run", [False, True])
def test_siblings_that_are_touched_are_named_the_first_ones_or_with_wide_all(otp_of, dry_run):
    otp = otp_of({Restart: rows.acted(rows.change(RADIUS[0], radius=RADIUS), dry_run=dry_run)})
    said = otp("restart", "w0").stdout
    assert f"  and with it: {', '.join(RADIUS[1:9])} and 3 more\n" in said
    assert f"  and with it: {', '.join(RADIUS[1:])}\n" in otp("restart", "w0", "-o", "wide").stdout


def test_many_are_a_line_each_and_a_sum(otp_of):
    changes = (
        rows.change("massive/a", after="stopped"),
        rows.change("massive/b", after="stopped", message="it was slow"),
    )
    assert otp_of({Stop: rows.acted(*changes, untouched=7)})("stop", "*", "--all").stdout == (
        "stopped massive/a  running → stopped  in 12 ms\n"
        "stopped massive/b  running → stopped  in 12 ms  it was slow\n"
        "2 of 2 stopped  (others untouched: 7)  op 3f2a61c0\n"
    )


@pytest.mark.parametrize(
    ("errors", "code"), [(["conflict"], 8), (["error", "error"], 1), (["conflict", "error"], 1), (["novel"], 1)]
)
def test_what_was_not_done_is_on_standard_error_with_the_exit_code_for_it(otp_of, errors, code):
    failed = [rows.change(f"massive/{n}", error=error, message="it is busy") for n, error in enumerate(errors)]
    result = otp_of({Stop: rows.acted(rows.change("massive/ok"), *failed)})("stop", "*", "--all")
    assert result.exit_code == code
    assert result.stdout.startswith("stopped massive/ok  running → running")
    assert result.stderr.count("was not stopped: it is busy\n") == len(errors)


def test_more_than_one_without_all_shows_the_list_and_is_refused(otp_of):
    result = otp_of({Stop: ("refused", "workers/* names 2 children: a, b; add --all to act on all of them")})(
        "stop", "workers/*"
    )
    assert result.exit_code == 5
    assert "names 2 children: a, b; add --all" in result.stderr


def test_the_answer_for_programs_has_the_operation(otp_of):
    otp = otp_of({Restart: rows.acted(rows.change(), rows.change("massive/b", error="conflict"))})
    whole = json.loads(otp("restart", "x", "-o", "json").stdout)
    assert (whole["schema"], whole["op"], whole["untouched"], len(whole["changes"])) == (
        1,
        "3f2a61c09b1d4e7f8a5b",
        19,
        2,
    )
    lines = [json.loads(line) for line in otp("restart", "x", "-o", "jsonl").stdout.splitlines()]
    assert [(line["op"], line["path"]) for line in lines] == [(whole["op"], WORKER), (whole["op"], "massive/b")]
    assert otp("restart", "x", "-o", "name").stdout == f"{WORKER}\n"


def test_drain_waits_for_the_end_of_the_process(otp_of):
    otp = otp_of({})
    otp.server.answer(Drain, rows.DRAINING, then=LEAVE)
    result = otp("drain", "--within", "30s", "--reason", "deploy")
    assert result.exit_code == 0
    assert result.stdout.startswith("drained massive  2 children stopped  in ")
    assert otp.server.asked == [Drain(seconds=30.0, reason="deploy")]


def test_a_process_that_does_not_end_in_time_is_exit_code_7(otp_of, monkeypatch):
    monkeypatch.setattr("otp.cli.drain.LAST_CHANCE", 0.0)
    stopping = (rows.snapshot(), lambda: time.sleep(0.3) or b"")
    result = otp_of({Drain: rows.DRAINING, Watch: lambda _: iter(stopping)})("drain", "--timeout", "50ms")
    assert result.exit_code == 7
    assert "massive has not ended after 50 ms" in result.stderr


def test_a_drain_that_somebody_refused_was_not_in_order(otp_of):
    ended = rows.child("massive/a", state="refused", ready=False, up_s=None)
    told = Delta(
        seq=900,
        wall=rows.NOW,
        state="stopping",
        blocked=None,
        root=rows.snapshot().root,
        changed=(rows.down("massive/feeds/refused_feed", "stopped"),),
        removed=(),
        needs=(),
        open_incidents=0,
        events=(rows.event(900, "refuses to stop and still runs", "massive/b", "ERROR", "child.refused"),),
    )
    messages = (rows.snapshot((*rows.CHILDREN, ended)), told)
    result = otp_of({Drain: rows.DRAINING, Watch: lambda _: iter(messages)})("drain")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "massive has ended, but not in order: massive/a, massive/b refused to stop" in result.stderr


def test_a_drain_that_cannot_be_watched_waits_for_the_end_all_the_same(otp_of, monkeypatch):
    monkeypatch.setattr("otp.cli.drain.LAST_CHANCE", 0.0)
    assert (
        otp_of({Drain: rows.DRAINING, Watch: ("refused", "64 clients watch already")})(
            "drain", "--timeout", "50ms"
        ).exit_code
        == 7
    )
    otp = otp_of({Watch: ("gone", "the tree has ended")})
    otp.server.answer(Drain, rows.DRAINING)
    otp.server._last.add(Watch)
    assert otp("drain").exit_code == 0


def test_a_dry_drain_lists_who_would_be_stopped_in_order(otp_of):
    draining = type(rows.DRAINING)(op="x", dry_run=True, children=rows.DRAINING.children)
    result = otp_of({Drain: draining})("drain", "--dry-run")
    assert result.stdout == "would stop massive, 2 children, in this order:\n  massive/b\n  massive/a\n"


def test_an_act_without_an_answer_in_time_says_that_it_may_be_done(otp_of):
    result = otp_of({Restart: HANG})("restart", "x", "--timeout", "50ms")
    assert result.exit_code == 7
    assert "it may still be done" in result.stderr
