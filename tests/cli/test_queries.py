"""What the commands that look say, in each format."""

import json
import re

import pytest
from msgspec.structs import replace

from otp.control.wire.commands import (
    Explain,
    GetEvents,
    GetHealth,
    GetIncidents,
    GetSnapshot,
    GetStack,
    GetWhy,
    ResolveIncident,
)
from otp.control.wire.protocol import Events, Incidents, Resolved
from otp.control.wire.rows import Blocked
from tests.cli import rows

ANSWERS = {
    GetSnapshot: rows.snapshot(),
    GetHealth: rows.SICK,
    GetEvents: rows.EVENTS,
    GetIncidents: rows.INCIDENTS,
    Explain: rows.EXPLAINED,
    GetWhy: rows.WHY,
    GetStack: rows.STACKS,
}

LOOKS = [
    ("tree",),
    ("ps",),
    ("describe", "workers/ws_worker"),
    ("events",),
    ("incidents",),
    ("explain", "till"),
    ("why", "workers/ws_worker"),
    ("stack", "workers/ws_worker"),
    ("health",),
]


@pytest.fixture
def otp(otp_of):
    return otp_of(ANSWERS)


def document(result):
    return json.loads(result.stdout)


# ------------------------------------------------------------------------------------------------ all of them


@pytest.mark.parametrize("look", LOOKS)
def test_each_json_document_has_a_schema(otp, look):
    assert document(otp(*look, "-o", "json"))["schema"] == 1


@pytest.mark.parametrize("look", LOOKS)
def test_each_line_of_jsonl_is_a_document_with_a_schema(otp, look):
    lines = otp(*look, "-o", "jsonl").stdout.splitlines()
    assert lines
    assert {json.loads(line)["schema"] for line in lines} == {1}


@pytest.mark.parametrize("look", LOOKS)
def test_tags_of_the_wire_are_in_no_document(otp, look):
    assert '"type"' not in otp(*look, "-o", "json").stdout


@pytest.mark.parametrize("look", [look for look in LOOKS if look[0] not in ("explain", "health")])
def test_a_table_fits_80_columns(otp, look, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = otp(*look).stdout.splitlines()
    assert lines
    assert max(map(len, lines)) <= 80
    assert "…" in "".join(lines) or look[0] in ("events", "stack")


@pytest.mark.parametrize("look", [("tree",), ("ps",), ("incidents",), ("describe", "x"), ("why", "x")])
def test_wide_cuts_nothing_however_narrow_the_terminal(otp, look, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert rows.CLOSED in otp(*look, "-o", "wide").stdout


@pytest.mark.parametrize("look", [("tree",), ("ps",), ("incidents",)])
def test_without_a_terminal_nothing_is_cut_either(otp, look):
    assert rows.CLOSED in otp(*look).stdout


@pytest.mark.parametrize("look", LOOKS)
def test_there_are_colours_on_a_terminal_only(otp, look):
    assert "\x1b" not in otp(*look).stdout


@pytest.mark.parametrize("look", [("tree",), ("ps",), ("why", "x"), ("events",)])
def test_control_characters_of_children_are_taken_out(otp_of, look):
    evil = rows.child("massive/x", last_cause="\x1b]0;owned\x07\r\nnext", last_wall=rows.NOW, up_s=None)
    otp = otp_of(
        {
            GetSnapshot: rows.snapshot((evil,)),
            GetWhy: replace(rows.WHY, child=evil),
            GetEvents: Events((rows.event(1, evil.last_cause),)),
        }
    )
    said = otp(*look).stdout
    assert "owned" in said
    assert "\x1b" not in said
    assert "\x07" not in said


# ------------------------------------------------------------------------------------------------ ps


def test_ps_as_json_is_what_it_was_promised_to_be(otp):
    found = document(otp("ps", "-o", "json"))
    assert found["app"] == "massive"
    assert len(found["children"]) == 20
    promised = {
        "path": "massive/workers/ws_worker",
        "state": "backoff",
        "ready": False,
        "up_s": None,
        "crashes": 5,
        "manual": 0,
        "collateral": 0,
        "streak": 3,
        "next_retry_s": 7.4,
        "downtime_s": 41.2,
        "last_cause": rows.CLOSED,
    }
    assert promised.items() <= found["children"][2].items()


def test_ps_is_a_line_for_each_child_in_start_order(otp, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert otp("ps", "workers").stdout == (
        "PATH                             STATE    UP          ↺  STREAK  LAST-CAUSE\n"
        "massive/workers                  RUNNING  6d 02:14    0       0\n"
        "massive/workers/ws_worker        BACKOFF  next 7.4 s  5       3  ProviderClosed: 1012 (service rest…\n"
        "massive/workers/redis_publisher  RUNNING  00:41:07    3       0  ConnectionError: reset (00:41:07 a…\n"
        "massive/workers/redis_archiver   RUNNING  6d 02:14    0       0  maintenance, 00:12:00 left\n"
    )


def test_ps_wide_has_all_figures(otp):
    title, _, worker, *_ = otp("ps", "workers", "-o", "wide").stdout.splitlines()
    assert re.split(r"  +", title) == [
        *("PATH", "STATE", "READY", "UP", "CRASHES", "MANUAL", "COLLATERAL", "STREAK"),
        *("DOWN", "AVAIL", "MTBF", "VERDICT", "INCIDENT", "MAINTENANCE", "LAST-CAUSE"),
    ]
    for figure in ("no", "41.2 s", "99.952%", "04:31:00", "provider", rows.INCIDENT):
        assert f"  {figure}  " in worker


@pytest.mark.parametrize(
    ("path", "ends"),
    [
        ("workers/ws_worker", ["ws_worker"]),
        ("massive/workers/ws_worker", ["ws_worker"]),
        ("*/redis_*", ["redis_publisher", "redis_archiver"]),
        ("work*", ["workers", "ws_worker", "redis_publisher", "redis_archiver"]),
        ("**/held_feed", ["held_feed"]),
    ],
)
def test_a_path_or_a_pattern_chooses_with_the_root_in_front_or_without(otp, path, ends):
    assert [line.rpartition("/")[2] for line in otp("ps", path, "-o", "name").stdout.splitlines()] == ends


def test_status_is_another_name_of_ps(otp):
    assert otp("status").stdout == otp("ps").stdout


@pytest.mark.parametrize(
    "look", [("ps",), ("tree",), ("ps", "workers"), ("describe", "workers/ws_worker"), ("health",)]
)
def test_something_that_is_not_up_is_exit_code_3(otp, look):
    assert otp(*look).exit_code == 3


def test_all_well_is_exit_code_0(otp_of):
    otp = otp_of({GetSnapshot: rows.well(), GetHealth: rows.HEALTHY})
    assert [otp(look).exit_code for look in ("ps", "tree", "health")] == [0, 0, 0]


def test_only_what_is_shown_counts(otp):
    assert otp("ps", "orchestrator").exit_code == 0
    assert otp("ps", "**/done_feed").exit_code == 0


@pytest.mark.parametrize(
    "fields",
    [{"state": "starting"}, {"blocked": Blocked(path="massive/a", seconds=2.0, stack=())}],
)
def test_a_tree_that_is_not_up_as_a_whole_is_not_up(otp_of, fields):
    otp = otp_of({GetSnapshot: rows.snapshot((rows.child("massive/a"),), **{"state": "up"} | fields)})
    assert otp("ps").exit_code == 3
    assert otp("tree").exit_code == 3


@pytest.mark.parametrize("arguments", [("ps", "workers/ws_wrker"), ("wait", "workers/ws_wrker")])
def test_an_unknown_path_is_exit_code_4_and_is_told_the_nearest(otp, arguments):
    result = otp(*arguments)
    assert result.exit_code == 4
    assert "there is no child massive/workers/ws_wrker; did you mean massive/workers/ws_worker" in result.stderr
    assert result.stdout == ""


def test_why_of_a_child_below_a_supervisor_that_is_down_says_what_becomes_of_that(otp_of):
    stopped = rows.down("massive/workers", "stopped", kind="supervisor", down_s=None)
    found = replace(rows.WHY, child=rows.down("massive/workers/a", "stopped", down_s=None), supervisor=stopped)
    said = otp_of({GetWhy: found})("why", "a").stdout
    assert "its supervisor is down: it stays down until somebody starts it: otp start massive/workers\n" in said
    assert "  supervisor  massive/workers  STOPPED\n" in said


# ------------------------------------------------------------------------------------------------ tree


def test_the_live_tree_is_drawn_with_its_figures(otp_of):
    otp = otp_of({GetSnapshot: rows.snapshot(rows.CHILDREN[:4])})
    assert otp("tree").stdout.replace(rows.CLOSED, "CLOSED") == (
        "massive  pid 4121 · up 6d 02:14 · 3/4 up · 1 open incident · loop lag 3 ms · uvloop\n"
        "TREE                   KIND          STATE    UP          ↺  NOTES\n"
        "massive                rest_for_one  RUNNING  6d 02:14    0  0/5 in 60 s\n"
        "├─ orchestrator        worker        RUNNING  6d 02:14    0\n"
        "└─ workers             one_for_one   RUNNING  6d 02:14    0  3/5 in 60 s\n"
        "   ├─ ws_worker        worker        BACKOFF  next 7.4 s  5  streak 3  1HB3V0ZK7Q2F  CLOSED\n"
        "   └─ redis_publisher  worker        RUNNING  00:41:07    3  ConnectionError: reset (00:41:07 ago)\n"
    )


def test_the_head_of_a_tree_says_what_is_wrong_with_all_of_it(otp_of):
    snapshot = rows.snapshot(
        (),
        state="starting",
        blocked=Blocked(path="massive/a", seconds=3.2, stack=("main.py:1 run", "model.py:88 fit")),
        stale_s=4.1,
        needs=rows.WHY.needs,
        faults=True,
        lag_s=None,
        open_incidents=2,
    )
    head = otp_of({GetSnapshot: snapshot})("tree").stdout.partition("TREE")[0]
    assert head == (
        "massive  pid 4121 · up 6d 02:14 · 0/0 up, starting · 2 open incidents · faults enabled · uvloop\n"
        "BLOCKED for 3.2 s by massive/a in model.py:88 fit\n"
        "this is how it was 4.1 s ago: the event loop does not answer\n"
        "system-redis is down for 3.0 s: ConnectionRefusedError\n"
    )


def test_ps_of_a_blocked_tree_says_so_and_how_old_it_is_and_that_not_all_is_up(otp_of):
    blocked = Blocked(path="massive/a", seconds=3.2, stack=("model.py:88 fit",))
    otp = otp_of({GetSnapshot: rows.snapshot((rows.child("massive/a"),), state="up", blocked=blocked, stale_s=4.1)})
    for arguments in ((), ("a",)):
        result = otp("ps", *arguments)
        assert result.exit_code == 3
        assert result.stdout.startswith(
            "BLOCKED for 3.2 s by massive/a in model.py:88 fit\n"
            "this is how it was 4.1 s ago: the event loop does not answer\n"
            "PATH "
        )
    assert otp("ps", "-o", "name").stdout == "massive/a\n"


def test_tree_as_json_is_the_whole_snapshot(otp):
    found = document(otp("tree", "-o", "json"))
    assert found["root"]["path"] == "massive"
    assert [found[key] for key in ("app", "pid", "backend", "state", "open_incidents")] == [
        *("massive", 4121, "uvloop", "degraded", 1)
    ]


def test_tree_with_a_target_is_on_paper_and_asks_nobody(otp, monkeypatch):
    monkeypatch.syspath_prepend("tests/cli")
    assert otp("tree", "shop:spec").stdout.startswith("TREE           RESTART    SHUTDOWN\n")
    assert otp.server.asked == []


def test_a_tree_on_paper_is_there_for_programs_too(otp, monkeypatch):
    monkeypatch.syspath_prepend("tests/cli")
    found = document(otp("tree", "shop:spec", "-o", "json"))
    assert (found["schema"], found["app"]) == (1, "shop")
    by_path = {row["path"]: row for row in found["tree"]}
    assert (by_path["shop/till"]["kind"], by_path["shop/stock"]["shutdown"]) == ("worker", None)
    assert otp("tree", "shop:spec", "-o", "name").stdout.splitlines() == list(by_path)
    lines = [json.loads(line) for line in otp("tree", "shop:spec", "-o", "jsonl").stdout.splitlines()]
    assert lines == [{"schema": 1, **row} for row in found["tree"]]


# ------------------------------------------------------------------------------------------------ events


def test_events_are_lines_as_in_the_log(otp, monkeypatch):
    monkeypatch.setattr("time.time", lambda: rows.NOW)
    lines = otp("events").stdout.splitlines()
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.000 WARNING  massive/workers/ws_worker  restarting after .* \(1 of 5 in 60 s\)", lines[0]
    )


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ((), GetEvents(limit=20)),
        (("workers/*", "-n", "7"), GetEvents(path="workers/*", limit=7)),
        (("-v",), GetEvents(limit=20, debug=True)),
    ],
)
def test_events_asks_for_what_was_wanted(otp, arguments, asked):
    assert otp("events", *arguments).exit_code == 0
    assert otp.server.asked == [asked]


def test_no_lines_are_no_lines(otp):
    assert otp("events", "-n", "0").stdout == ""


@pytest.mark.parametrize("look", ["events", "incidents"])
def test_nothing_about_somebody_unknown_is_exit_code_4_and_nothing_about_a_child_is_nothing(otp_of, look):
    otp = otp_of({GetEvents: Events(()), GetIncidents: Incidents(()), GetSnapshot: rows.snapshot()})
    unknown = otp(look, "wrokers")
    assert (unknown.exit_code, "there is no child massive/wrokers; did you mean" in unknown.stderr) == (4, True)
    assert otp(look, "workers").exit_code == 0
    gone = otp_of({GetEvents: rows.EVENTS, GetIncidents: rows.INCIDENTS, GetSnapshot: rows.snapshot(())})
    assert gone(look, "workers/ws_worker").exit_code == 0


# ------------------------------------------------------------------------------------------------ incidents


def test_incidents_are_a_table_newest_first(otp, monkeypatch):
    monkeypatch.setattr("time.time", lambda: rows.NOW)
    title, first, second = otp("incidents").stdout.splitlines()
    assert title.split() == ["ID", "OPENED", "PATH", "COUNT", "DOWN", "CAUSE"]
    assert first.startswith(rows.INCIDENT)
    assert first.endswith(rows.CLOSED)
    assert second.endswith("[injected] Injected")


def test_no_incidents_are_said_in_words_and_in_an_empty_document(otp_of):
    otp = otp_of({GetIncidents: Incidents(())})
    assert otp("incidents").stdout == "no incidents\n"
    assert document(otp("incidents", "-o", "json"))["incidents"] == []
    assert otp("incidents", "-o", "jsonl").stdout == ""


@pytest.mark.parametrize("words", [("incidents",), ("incidents", "list")])
def test_incidents_lists_with_or_without_the_word(otp, words):
    assert otp(*words, "workers/*", "--all").exit_code == 0
    assert otp.server.asked == [GetIncidents(path="workers/*", resolved=True)]


def test_an_incident_that_is_over_says_so(otp_of):
    otp = otp_of({GetIncidents: Incidents((rows.incident(state="resolved", maintenance=True),))})
    assert "[resolved, maintenance] ProviderClosed" in otp("incidents", "--all").stdout


def test_an_incident_is_resolved_with_a_reason(otp_of):
    otp = otp_of({ResolveIncident: Resolved(op="abcdef0123456789", incident=rows.incident())})
    result = otp("incidents", "resolve", rows.INCIDENT, "--reason", "fixed upstream")
    assert result.stdout == f"resolved {rows.INCIDENT}  massive/workers/ws_worker  {rows.CLOSED}  op abcdef01\n"
    assert otp.server.asked == [ResolveIncident(incident=rows.INCIDENT, reason="fixed upstream")]
    found = document(otp("incidents", "resolve", rows.INCIDENT, "-o", "json"))
    assert (found["op"], found["incident"]["id"]) == ("abcdef0123456789", rows.INCIDENT)


# ------------------------------------------------------------------------------------------------ one child


def test_describe_has_figures_settings_and_failures(otp):
    said = otp("describe", "workers/ws_worker", "-o", "wide").stdout
    for part in (
        "massive/workers/ws_worker  BACKOFF\n",
        "worker, permanent",
        "next 7.4 s",
        "5 after a crash, 0 by hand, 0 with others; streak 3",
        "41.2 s, up 99.952% of the time, 04:31:00 between failures",
        "(provider)",
        "permanent, takes along stock, guests, light",
        f"{rows.INCIDENT}  open, 5 ×  ProviderClosed",
    ):
        assert part in said


def test_describe_of_a_supervisor_lists_its_children(otp_of):
    otp = otp_of({GetWhy: replace(rows.WHY, child=rows.CHILDREN[1]), GetSnapshot: rows.snapshot()})
    result = otp("describe", "workers")
    assert result.exit_code == 0
    assert "supervisor, one_for_one, permanent" in result.stdout
    assert "BACKOFF     ws_worker\n" in result.stdout
    assert "3/5 in 60 s\n" in result.stdout
    assert [row["path"] for row in document(otp("describe", "workers", "-o", "json"))["children"]] == [
        f"massive/workers/{id}" for id in ("ws_worker", "redis_publisher", "redis_archiver")
    ]


def test_why_is_one_screen_with_the_newest_of_each_part(otp, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    result = otp("why", "workers/ws_worker")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) <= 40
    names = [line[2:14].strip() for line in result.stdout.splitlines()[1:] if line[2:14].strip()]
    assert names == [
        *("now", "cause", "next", "settings", "incidents", "needs"),
        *("supervisor", "siblings", "failures", "happened", "log"),
    ]
    assert "it is tried again in 7.4 s" in result.stdout
    assert "subscribed to 19 symbols" in result.stdout
    assert "subscribed to 0 symbols" not in result.stdout


def test_why_tells_of_the_settings_for_a_failure_like_the_last_one(otp_of):
    known = replace(rows.WHY, child=replace(rows.WS_WORKER, verdict="unclassified"))
    assert "failure 6 in a row" in otp_of({GetWhy: known})("why", "x").stdout
    assert "failure 6 in a row" not in otp_of({GetWhy: rows.WHY})("why", "x").stdout
    assert "failure 6 in a row" in otp_of({GetWhy: rows.WHY})("why", "x", "-o", "wide").stdout
    assert "shop (5 in 60 s): at the earliest gives up" in otp_of({GetWhy: rows.WHY})("why", "x").stdout


def test_why_shows_where_the_worker_itself_is(otp_of):
    otp = otp_of({GetWhy: replace(rows.WHY, stacks=rows.STACKS.stacks)})
    assert "now in      run (massive/stream.py:88)\n" in otp("why", "x").stdout
    assert "keepalive" not in otp("why", "x").stdout
    assert "keepalive" in otp("why", "x", "-o", "wide").stdout


def test_why_wide_says_all(otp):
    said = otp("why", "workers/ws_worker", "-o", "wide").stdout
    assert said.count("restarting in 1.0 s after") == 20
    assert "subscribed to 0 symbols" in said


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (rows.down("m/x", "failed"), "otp restart m/x"),
        (rows.down("m/x", "stopped"), "otp start m/x"),
        (rows.down("m/x", "held"), "what it needs is there again"),
        (rows.down("m/x", "refused"), "only the end of the process ends it"),
        (rows.child("m/x", paused=True), "until otp resume m/x"),
        (rows.child("m/x", paused=True, paused_s=60.0), "until otp resume m/x, or 00:01:00 left"),
        (rows.child("m/x", streak=2), "it is up; 2 failures in a row are forgotten once it is healthy"),
    ],
)
def test_why_says_what_happens_next_or_what_to_do(otp_of, row, said):
    assert said in otp_of({GetWhy: replace(rows.WHY, child=row)})("why", "x").stdout


def test_stack_shows_what_each_task_awaits(otp):
    assert otp("stack", "ws_worker").stdout == (
        "massive/workers/ws_worker  RUNNING\n"
        "  run (massive/stream.py:88)\n"
        "  → recv (websockets/connection.py:304)\n"
        "  task keepalive\n"
        "    ping (massive/stream.py:140)\n"
    )
    assert "/usr/lib/websockets/connection.py:304" in otp("stack", "ws_worker", "-o", "wide").stdout


def test_health_says_what_is_not_well(otp):
    assert otp("health").stdout == (
        "massive  degraded  15/20 up, live, ready\n"
        "  massive/workers/ws_worker is backoff, next try in 7.4 s: ProviderClosed\n"
    )


# ------------------------------------------------------------------------------------------------ explain


def test_explain_says_when_it_is_given_up_and_whom_a_restart_touches(otp):
    said = otp("explain", "till").stdout
    assert said.startswith("shop/till  permanent, takes along stock, guests, light\n")
    assert said.endswith("  a restart touches 3: shop/till, shop/stock, shop/light; untouched: 4\n")
    assert document(otp("explain", "till", "-o", "json"))["explanation"]["takes_along"] == ["stock", "guests", "light"]


@pytest.mark.parametrize("path", ["stock/counter", "shop/stock/counter"])
def test_a_tree_on_paper_is_explained_without_a_process(otp, monkeypatch, path):
    monkeypatch.syspath_prepend("tests/cli")
    result = otp("explain", path, "--target", "shop:spec")
    assert (result.exit_code, otp.server.asked) == (0, [])
    assert result.stdout.endswith("  a restart touches 1: shop/stock/counter; untouched: 5\n")


def test_on_paper_siblings_are_touched_with_all_below_them(otp, monkeypatch):
    monkeypatch.syspath_prepend("tests/cli")
    found = document(otp("explain", "till", "--target", "shop:spec", "-o", "json"))
    below = ["shop/stock", "shop/stock/counter", "shop/stock/truck", "shop/guests", "shop/light"]
    assert (found["radius"], found["untouched"]) == (["shop/till", *below], 0)


def test_a_tree_on_paper_may_need_a_config(otp, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend("tests/cli")
    (tmp_path / "c.json").write_text('{"name": "mall", "tills": 3}')
    result = otp("explain", "till1", "--target", "shop:tree_of", "--config", str(tmp_path / "c.json"))
    assert result.stdout.startswith("mall/till1  permanent")
    assert result.stdout.endswith("untouched: 2\n")


def test_what_is_not_on_paper_is_exit_code_4(otp, monkeypatch):
    monkeypatch.syspath_prepend("tests/cli")
    result = otp("explain", "cellar", "--target", "shop:spec")
    assert result.exit_code == 4
    assert result.stderr == "Error: shop/cellar: no such child; it has till, stock, guests, light\n"


def test_a_config_without_a_target_is_a_usage_error(otp):
    result = otp("explain", "till", "--config", "c.json")
    assert result.exit_code == 2
    assert "--config belongs to --target" in result.stderr
