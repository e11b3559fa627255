"""The lines above the tree, the pages beside it, and the lines about commands."""

from otp.control.client.link import Arrived, Joined, Link, Lost
from otp.control.client.mirror import Mirror
from otp.control.wire.commands import Restart
from otp.control.wire.protocol import Acted, Greeting
from otp.control.wire.rows import Blocked, Change, FailureRow, IncidentRow, LogRow, NeedRow
from otp.tui.confirm import radius, result
from otp.tui.headline import alarms, headline
from otp.tui.pages import PAGES, event_line, page
from otp.tui.requests import Outcome
from tests.tui.server import why
from tests.tui.trees import down, event, massive, replace, row, supervisor

GREETING = Greeting(protocol=1, app="massive", pid=4121, version="0", role="operate", faults=False)


def seen(tree, role="operate"):
    """A mirror and a link that have it since 100."""
    mirror = Mirror()
    mirror.apply(tree, 100.0)
    return mirror, Link().after(Joined(replace(GREETING, role=role))).after(Arrived(tree, 100.0))


def words(page_name, child, answer):
    return "\n".join(f"{label.plain:10} {text.plain}" for label, text in page(page_name, child, answer))


def test_the_first_line_says_who_it_is_and_how_it_is():
    text = headline(*seen(massive()), 100.0).plain
    assert text == (" massive  degraded  7/8 up · 1 open incident · lag 3 ms · pid 4121 · asyncio · up 2h14m")
    assert "read-only" in headline(*seen(massive(), role="read"), 100.0).plain
    assert "incident" not in headline(*seen(massive(open_incidents=0)), 100.0).plain
    assert "2 open incidents" in headline(*seen(massive(open_incidents=2)), 100.0).plain
    assert "lag" not in headline(*seen(massive(lag_s=None)), 100.0).plain


def test_before_there_is_a_tree_the_first_line_says_what_is_waited_for():
    assert "connecting" in headline(Mirror(), Link(), 0.0).plain
    assert "connecting to massive" in headline(Mirror(), Link().after(Joined(GREETING)), 0.0).plain


def test_when_all_is_well_there_is_no_alarm():
    assert list(alarms(*seen(massive()), 100.0)) == []


def test_a_blocked_loop_names_the_child_the_seconds_and_the_place():
    blocked = Blocked(path="massive/workers/ws_worker", seconds=12.0, stack=("a.py:1 main", "calc.py:10 heavy"))
    (line,) = alarms(*seen(massive(blocked=blocked)), 103.0)
    assert line.plain == " !! EVENT LOOP BLOCKED for 15s  by massive/workers/ws_worker  calc.py:10 heavy"
    (line,) = alarms(*seen(massive(blocked=replace(blocked, stack=()))), 103.0)
    assert line.plain.endswith("by massive/workers/ws_worker")


def test_a_need_that_is_down_is_a_warning_and_one_that_is_back_is_none():
    need = NeedRow(path="massive", name="redis", down_s=12.0, outages=2, downtime_s=30.0, last="refused\n")
    (line,) = alarms(*seen(massive(needs=(need, replace(need, name="bus", down_s=None)))), 103.0)
    assert line.plain == " ! redis down for 15s: refused "


def test_a_process_that_is_gone_is_said_and_its_clocks_stand_still():
    mirror, link = seen(massive())
    lost = link.after(Lost("the process has ended", 104.0))
    (line,) = alarms(mirror, lost, 110.0)
    assert line.plain.startswith(" !! DISCONNECTED for 6.0s  the process has ended")
    assert headline(mirror, lost, 90_000.0).plain.endswith("up 2h14m")


def test_the_summary_has_all_figures_without_an_answer():
    text = words("Summary", down("massive/workers/ws_worker", last_wall=0.0, verdict="blip", mtbf_s=120.0), None)
    for part in (
        "◷ backoff  next 7.4s",
        "5 crashed · 1 manual · 0 collateral · streak 3",
        "41s all together · up 100.000% of the time · 2:00 up for each failure",
        "ConnectionClosed: 1006  (blip)",
        "permanent worker, start 1",
    ):
        assert part in text
    assert "budget" not in text


def test_the_summary_of_a_supervisor_has_its_budget_and_of_a_paused_child_until_when():
    text = words("Summary", supervisor("massive", used=3, paused=True, paused_s=60.0), None)
    assert "3 of 5 restarts in 60 s used" in text
    assert "permanent one_for_one supervisor" in text
    assert "no restarts, no alerts, for another 1:00" in text
    assert "until somebody resumes" in words("Summary", row("massive/a", paused=True), None)


def test_the_summary_has_incidents_needs_radius_and_failures_of_the_answer():
    child = down("massive/workers/ws_worker")
    incident = IncidentRow(
        id="01K9ZQ3M7F3Q",
        path=child.path,
        state="open",
        count=5,
        cause="ConnectionClosed",
        message="1006\x1b",
        frame="feeds.py:131 recv",
        fingerprint="a91c0e",
        verdict="blip",
        worst="delayed",
        opened_wall=0.0,
        last_wall=0.0,
        resolved_wall=None,
        downtime_s=1.0,
        injected=True,
        maintenance=False,
    )
    failure = FailureRow(wall=0.0, outcome="delayed", verdict="blip", text="ConnectionClosed: 1006", frame="f.py:1 g")
    need = NeedRow(path="massive", name="redis", down_s=None, outages=2, downtime_s=30.0, last="")
    answer = replace(why(child, child), incidents=(incident,), failures=(failure,), needs=(need,))
    text = words("Summary", child, answer)
    assert ", 5 failures, injected: 1006  at feeds.py:131 recv" in text
    once = replace(answer, incidents=(replace(incident, count=1),))
    assert ", 1 failure, injected" in words("Summary", child, once)
    assert "redis is there · 2 outages, 30s" in text
    assert "touches workers/ws_worker; 7 untouched" in text
    assert "ConnectionClosed: 1006  f.py:1 g → delayed" in text


def test_a_wide_radius_is_cut_short_in_the_summary():
    child = row("massive/a")
    answer = why(child, child)
    answer = replace(answer, explained=replace(answer.explained, radius=tuple(f"massive/{id}" for id in "abcde")))
    assert "touches a, b, c and 2 more; 7 untouched" in words("Summary", child, answer)


def test_the_other_pages_show_the_answer_the_newest_first():
    child = row("massive/a")
    log = (LogRow(wall=0.0, level="INFO", text="first"), LogRow(wall=1.0, level="ERROR", text="second\x07"))
    answer = replace(why(child, child), log=log)
    assert "restarting after ConnectionClosed: 1006" in words("Events", child, answer)
    first, second = page("Log", child, answer)
    assert (first[1].plain, second[1].plain) == ("second ", "first")
    assert first[0].plain.endswith("ERROR")
    assert "→ read_loop (feeds.py:131)" in words("Stack", child, answer)
    assert "given up after 5 failures" in words("Policy", child, answer)


def test_pages_without_anything_say_so():
    child = row("massive/a")
    answer = replace(why(child, child), timeline=(), stacks=(), explained=None)
    assert "nothing happened" in words("Events", child, answer)
    assert "it has logged nothing" in words("Log", child, answer)
    assert "it does not run" in words("Stack", child, answer)
    assert "choose a worker" in words("Stack", supervisor("massive"), answer)
    assert "the root" in words("Policy", child, answer)
    assert all("asking" in words(name, child, None) for name in PAGES if name != "Summary")


def test_an_event_names_its_child_unless_that_is_known():
    one = event(1, "massive/a", "is up\n", level="WARNING")
    assert event_line(one)[1].plain == "massive/a  is up "
    assert event_line(one, "massive/a")[1].plain == "is up "
    assert event_line(one)[0].plain.endswith("WARN ")


def change(path, **given):
    usual = {"radius": (path,), "before": "running", "after": "running", "took_s": 0.084}
    return Change(path=path, **{**usual, **given})


def acted(*changes):
    return Acted(op="62e21817bc164c75917a09cb60402aaa", dry_run=True, changes=changes, untouched=6)


def test_the_dialog_names_what_is_touched_each_once_and_counts_the_rest():
    text = radius(acted(change("m/a", radius=("m/a", "m/b")), change("m/b", message="it is down"))).plain
    assert text == "touches 2 of 8, 6 untouched\n  m/a\n  m/b\n! it is down"
    many = radius(acted(change("m/a", radius=tuple(f"m/w{n}" for n in range(12))))).plain
    assert "m/w7" in many
    assert "m/w8" not in many
    assert many.endswith("… and 4 more")


def test_what_came_of_a_command_is_one_line():
    wanted = Restart(path="m/a")
    assert result(Outcome(wanted, acted(change("m/a")))).plain == "✓ restart m/a: running in 84 ms  (op 62e21817)"
    assert "in 12s; as asked" in result(Outcome(wanted, acted(change("m/a", took_s=12.0, message="as asked")))).plain
    failed = change("m/a", error="error", message="it did not start\x1b")
    assert result(Outcome(wanted, acted(failed))).plain == "✗ restart m/a: error: it did not start   (op 62e21817)"
    assert result(Outcome(wanted, "looking only\n")).plain == "✗ restart m/a: looking only "
