"""What happened lately, numbered."""

from otp.control.tree.event_log import EventLog
from otp.events import ChildStarted


def started(number):
    return ChildStarted(path=f"r/c{number}", at=float(number), generation=1, downtime=None)


def filled(count, **options):
    event_log = EventLog(now=lambda: 1.0, wall=lambda: 1_000.0, **options)
    for number in range(1, count + 1):
        event_log(started(number))
    return event_log


def test_entries_are_numbered_from_one_and_shown_as_rows():
    event_log = filled(2)
    event_log.note("operator.stop", "r/c1", "stop by ann", "WARNING")
    rows = [entry.row() for entry in event_log.newest()]
    assert [(row.seq, row.event, row.path, row.level) for row in rows] == [
        (3, "operator.stop", "r/c1", "WARNING"),
        (2, "child.started", "r/c2", rows[1].level),
        (1, "child.started", "r/c1", rows[2].level),
    ]
    assert [row.wall for row in rows] == [1_000.0, 1_001.0, 1_000.0]
    assert all(row.text for row in rows)


def test_what_came_after_a_number_is_told_oldest_first():
    event_log = filled(5)
    assert [entry.seq for entry in event_log.since(2)] == [3, 4, 5]
    assert event_log.since(5) == ()
    assert [entry.seq for entry in event_log.since(0)] == [1, 2, 3, 4, 5]


def test_only_the_newest_are_kept_and_numbers_go_on():
    event_log = filled(10, kept=3)
    assert event_log.seq == 10
    assert [entry.seq for entry in event_log.since(0)] == [8, 9, 10]
    assert [entry.seq for entry in event_log.newest()] == [10, 9, 8]


def test_an_event_costs_one_entry_and_no_sentence():
    event_log = filled(1)
    (entry,) = event_log.since(0)
    assert entry.what == started(1)


def test_an_event_that_waited_for_the_loop_has_the_time_when_it_was():
    event_log = EventLog(now=lambda: 10.0, wall=lambda: 1_000.0)
    event_log(started(4))
    (entry,) = event_log.since(0)
    assert entry.wall == 994.0


def test_that_a_child_is_up_again_is_news_and_that_it_is_up_is_not():
    event_log = EventLog(now=lambda: 2.0, wall=lambda: 1_000.0)
    event_log(started(1))
    event_log(ChildStarted(path="r/c1", at=2.0, generation=2, downtime=0.5, recovering=True))
    assert [(row.level, row.text) for row in (entry.row() for entry in event_log.since(0))] == [
        ("DEBUG", "is up"),
        ("INFO", "up again after 500.0 ms"),
    ]
