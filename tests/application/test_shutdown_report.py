"""One line on how a stop went, made of the events of the stop."""

from otp.application.shutdown_report import ShutdownReport
from otp.events import ChildExited, ChildLate, ChildRefused, SupervisorExited, SupervisorStopping
from otp.exits import Killed, Refused, Shutdown

CHAIN = ("drain (/srv/app/feed/stream.py:88)", "sleep (/usr/lib/site-packages/anyio/x.py:3)")


def stopping(path="root", at=10.0):
    return SupervisorStopping(path=path, at=at, exit=Shutdown())


def down(path="root", at=15.5):
    return SupervisorExited(path=path, at=at, exit=Shutdown())


def exited(path, exit, **fields):
    return ChildExited(**{"path": path, "at": 12.0, "generation": 1, "exit": exit, "asked": True} | fields)


def late(path, **fields):
    return ChildLate(**{"path": path, "at": 12.0, "generation": 1, "grace": 5.0, "chain": CHAIN} | fields)


def refused(path):
    return ChildRefused(path=path, at=12.5, generation=1, chain=CHAIN)


def report(*events):
    report = ShutdownReport("root")
    for event in events:
        report(event)
    return report


def said(*events):
    return tuple(report(*events).sentence())


def test_a_stop_in_time_is_told_with_how_long_it_took():
    events = stopping(), exited("root/a", Shutdown()), down("root/sub", at=14.0), down()
    assert said(*events) == ("INFO", "stopped in 5.5 s, by request")


def test_who_was_late_is_named_with_its_time_and_where_it_hung():
    events = stopping(), late("root/sub/a"), exited("root/sub/a", Killed()), exited("root/sub", Killed()), down()
    assert said(*events) == (
        "WARNING",
        "stopped in 5.5 s, by request; killed: root/sub/a after 5 s, in drain (feed/stream.py:88)",
    )


def test_who_was_late_while_it_awaited_nothing_of_its_own_is_named_with_its_time():
    assert said(stopping(), late("root/a", chain=()), down()) == (
        "WARNING",
        "stopped in 5.5 s, by request; killed: root/a after 5 s",
    )


def test_who_was_cut_short_is_named_and_not_who_is_meant_to_be_killed():
    events = stopping(), exited("root/a", Killed()), exited("root/b", Killed(), brutal=True), down()
    assert said(*events) == ("WARNING", "stopped in 5.5 s, by request; killed: root/a")


def test_who_refused_and_ended_after_all_is_an_error():
    events = stopping(), late("root/a"), refused("root/a"), exited("root/a", Killed()), down()
    text = "stopped in 5.5 s, by request; refused to stop, and ended after all: root/a in drain (feed/stream.py:88)"
    assert said(*events) == ("ERROR", text)


def test_what_happened_before_the_stop_is_no_part_of_it():
    events = late("root/a"), exited("root/a", Killed()), refused("root/b"), exited("root/b", Killed())
    assert said(*events, stopping(), down()) == ("INFO", "stopped in 5.5 s, by request")


def test_a_tree_that_has_not_stopped_has_nothing_to_report():
    assert report().sentence() is None
    assert report(stopping("root/sub"), down("root/sub")).sentence() is None
    assert report(stopping()).sentence() is None


def test_the_last_words_name_who_still_runs_whenever_it_refused():
    ending = exited("root/d", Refused(("root/d/x",)))
    words = report(refused("root/b"), stopping(), late("root/a"), exited("root/a", Killed()), ending, down())
    level, text = words.last_words(70)
    assert level == "CRITICAL"
    assert text.split("; ") == [
        "not all stopped after 5.5 s, by request",
        "killed: root/a after 5 s, in drain (feed/stream.py:88)",
        "the process exits with code 70, with this still running: root/b in drain (feed/stream.py:88)",
    ]


def test_the_last_words_are_said_even_if_nobody_is_known():
    text = "the process exits with code 143, with this still running: something that cannot be told"
    assert tuple(report().last_words(143)) == ("CRITICAL", text)
