"""The mirror of a tree: what a watcher's messages come to, and how it goes on between two of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from otp.control.client.link import Arrived, Joined, Lost
from otp.control.client.mirror import KEPT_EVENTS, Mirror
from otp.control.wire.rows import Blocked, NeedRow
from tests.tui.test_texts import GREETING
from tests.tui.trees import delta, down, event, massive, row, snapshot, supervisor

ROOT = supervisor("root")


def mirror_of(*children, at=100.0, **given):
    mirror = Mirror()
    mirror.apply(snapshot(ROOT, *children, **given), at)
    return mirror


def some(*events):
    """Events that make a delta one of a tree in which something happened."""
    return events or (event(1, "root", "something"),)


def test_before_the_first_message_there_is_nothing():
    mirror = Mirror()
    assert (mirror.paths, mirror.total, mirror.up, mirror.state, mirror.seq) == ((), 0, 0, "", 0)
    assert (mirror.age(5.0), mirror.up_s(5.0), mirror.blocked(5.0), mirror.needs) == (0.0, 0.0, None, ())


def test_a_change_of_a_tree_that_nobody_has_shown_is_nothing():
    mirror = Mirror()
    assert mirror.apply(delta(ROOT, row("root/a"), seq=1, events=some()), 1.0) == frozenset()
    assert mirror.paths == ()


def test_a_snapshot_is_shown_in_its_order_with_the_root_first():
    mirror = Mirror()
    tree = massive()
    touched = mirror.apply(tree, 0.0)
    assert mirror.paths == ("massive", *(child.path for child in tree.children))
    assert touched == set(mirror.paths)
    assert (mirror.up, mirror.total, mirror.state, mirror.open_incidents) == (7, 8, "degraded", 1)
    assert mirror.rows(0.0) == [tree.root, *tree.children]


def test_a_child_that_changed_keeps_its_place():
    mirror = mirror_of(row("root/a"), row("root/b"))
    assert mirror.apply(delta(ROOT, down("root/a"), seq=1, events=some()), 101.0) == {"root/a"}
    assert mirror.paths == ("root", "root/a", "root/b")
    assert mirror.row("root/a", 101.0) == down("root/a")
    assert mirror.up == 1


def test_a_new_child_stands_behind_its_siblings_and_all_that_is_below_them():
    mirror = mirror_of(supervisor("root/s"), row("root/s/x"), row("root/b"))
    mirror.apply(delta(ROOT, row("root/s/y"), row("root/c"), seq=1, events=some()), 101.0)
    assert mirror.paths == ("root", "root/s", "root/s/x", "root/s/y", "root/b", "root/c")


def test_a_new_supervisor_may_come_behind_its_children_in_a_message():
    mirror = mirror_of(row("root/a"))
    mirror.apply(delta(ROOT, row("root/s/x"), supervisor("root/s"), seq=1, events=some()), 101.0)
    assert mirror.paths == ("root", "root/a", "root/s", "root/s/x")


def test_who_is_removed_takes_along_all_below_and_no_namesake():
    mirror = mirror_of(supervisor("root/s"), supervisor("root/s/t"), row("root/s/t/x"), row("root/s2"))
    gone = mirror.apply(delta(ROOT, removed=("root/s",), seq=1, events=some()), 101.0)
    assert gone == {"root/s", "root/s/t", "root/s/t/x"}
    assert mirror.paths == ("root", "root/s2")
    assert "root/s/t/x" not in mirror
    with pytest.raises(KeyError):
        mirror.row("root/s", 101.0)


def test_who_is_removed_and_new_in_one_message_stands_last_and_without_what_was_below():
    mirror = mirror_of(supervisor("root/s"), row("root/s/x"), row("root/b"))
    mirror.apply(delta(ROOT, supervisor("root/s"), removed=("root/s",), seq=1, events=some()), 101.0)
    assert mirror.paths == ("root", "root/b", "root/s")


def test_removing_who_is_not_there_is_nothing():
    mirror = mirror_of(row("root/a"))
    mirror.apply(delta(ROOT, removed=("root/z", "root/z/y"), seq=1, events=some()), 101.0)
    assert mirror.paths == ("root", "root/a")


def test_another_snapshot_takes_the_place_of_all_that_was_known():
    mirror = mirror_of(supervisor("root/s"), row("root/s/x"))
    assert mirror.apply(snapshot(ROOT, row("root/s"), seq=9), 101.0) == {"root", "root/s", "root/s/x"}
    assert mirror.paths == ("root", "root/s")
    assert mirror.seq == 9


def test_clocks_go_on_between_two_messages():
    waiting = down("root/a", up_s=None, next_retry_s=7.4, down_s=2.5, downtime_s=41.0, paused=True, paused_s=60.0)
    mirror = mirror_of(row("root/b", up_s=60.0, downtime_s=3.0), waiting)
    up, later = mirror.row("root/b", 104.0), mirror.row("root/a", 104.0)
    assert (up.up_s, up.downtime_s, up.down_s, up.next_retry_s, up.paused_s) == (64.0, 3.0, None, None, None)
    assert (later.up_s, later.next_retry_s, later.down_s, later.downtime_s) == (None, pytest.approx(3.4), 6.5, 45.0)
    assert later.paused_s == 56.0
    assert replace(later, next_retry_s=7.4, down_s=2.5, downtime_s=41.0, paused_s=60.0) == waiting


def test_a_countdown_ends_at_nothing_and_time_does_not_go_back():
    mirror = mirror_of(down("root/a", next_retry_s=2.0, paused_s=1.0))
    assert mirror.row("root/a", 110.0).next_retry_s == 0.0
    assert mirror.row("root/a", 110.0).paused_s == 0.0
    assert mirror.row("root/a", 90.0) == down("root/a", next_retry_s=2.0, paused_s=1.0)


def test_each_row_has_the_time_of_its_own_message():
    mirror = mirror_of(row("root/a", up_s=10.0), row("root/b", up_s=10.0))
    mirror.apply(delta(ROOT, row("root/b", up_s=0.5), seq=1, events=some()), 105.0)
    assert (mirror.row("root/a", 106.0).up_s, mirror.row("root/b", 106.0).up_s) == (16.0, 1.5)
    assert mirror.age(106.0) == 1.0
    assert mirror.up_s(106.0) == 8_046.0


def test_a_snapshot_that_was_true_some_time_ago_is_as_old_as_it_says():
    mirror = mirror_of(row("root/a", up_s=10.0), stale_s=4.0)
    assert mirror.row("root/a", 100.0).up_s == 14.0


def test_who_keeps_the_loop_is_known_by_the_second_until_nobody_does():
    culprit = Blocked(path="root/a", seconds=3.0, stack=("a.py:1 f",))
    mirror = mirror_of(row("root/a"))
    assert mirror.blocked(100.0) is None
    mirror.apply(delta(ROOT, blocked=culprit), 105.0)
    assert mirror.blocked(107.0) == replace(culprit, seconds=5.0)
    mirror.apply(delta(ROOT), 108.0)
    assert mirror.blocked(109.0) is None


def test_a_message_that_only_says_who_keeps_the_loop_tells_nothing_else():
    """Its other fields are those of the last change, which may be older than a snapshot that was asked for since."""
    culprit = Blocked(path="root/a", seconds=3.0, stack=())
    mirror = mirror_of(row("root/a"), seq=7, state="up", open_incidents=2)
    old = delta(supervisor("root", up_s=1.0), seq=3, state="degraded", blocked=culprit)
    assert mirror.apply(old, 105.0) == frozenset()
    assert (mirror.state, mirror.open_incidents, mirror.seq) == ("up", 2, 7)
    assert mirror.row("root", 105.0).up_s == 65.0
    assert mirror.blocked(105.0) == culprit


def test_a_snapshot_says_whether_the_loop_turns_too():
    culprit = Blocked(path="root/a", seconds=3.0, stack=())
    mirror = mirror_of(row("root/a"), blocked=culprit)
    assert mirror.blocked(101.0) == replace(culprit, seconds=4.0)
    mirror.apply(snapshot(ROOT, row("root/a")), 102.0)
    assert mirror.blocked(102.0) is None


def test_a_change_that_the_snapshot_has_already_is_not_applied_again_but_its_events_are_kept():
    mirror = mirror_of(row("root/a", crashes=3), seq=7)
    late = delta(ROOT, row("root/a", crashes=2), row("root/gone"), seq=6, events=(event(6, "root/a", "six"),))
    assert mirror.apply(late, 101.0) == frozenset()
    assert mirror.row("root/a", 100.0).crashes == 3
    assert "root/gone" not in mirror
    assert [one.seq for one in mirror.events] == [6]


def test_events_are_kept_in_order_each_once_and_not_without_end():
    mirror = mirror_of()
    first = tuple(event(n, "root", "x") for n in range(1, 4))
    mirror.apply(delta(ROOT, seq=3, events=first), 101.0)
    mirror.apply(delta(ROOT, seq=4, events=(*first[1:], event(4, "root", "y"))), 102.0)
    assert [one.seq for one in mirror.events] == [1, 2, 3, 4]
    mirror.apply(delta(ROOT, seq=9_000, events=tuple(event(n, "root", "x") for n in range(5, 9_001))), 103.0)
    assert (len(mirror.events), mirror.events[-1].seq) == (KEPT_EVENTS, 9_000)


def test_events_outlive_a_new_snapshot_of_the_same_process_and_no_other():
    mirror = mirror_of()
    mirror.apply(delta(ROOT, seq=1, events=(event(1, "root", "x"),)), 101.0)
    mirror.apply(snapshot(ROOT, seq=5), 102.0)
    assert [one.seq for one in mirror.events] == [1]
    mirror.apply(snapshot(ROOT, seq=0, pid=999), 103.0)
    assert list(mirror.events) == []
    mirror.apply(delta(ROOT, seq=1, events=(event(1, "root", "again"),)), 104.0)
    assert [one.text for one in mirror.events] == ["again"]


def test_what_is_said_of_the_whole_is_that_of_the_last_message():
    need = NeedRow(path="root", name="redis", down_s=1.0, outages=1, downtime_s=1.0, last="refused")
    mirror = mirror_of(row("root/a"))
    mirror.apply(delta(ROOT, seq=4, state="degraded", needs=(need,), open_incidents=3, events=some()), 101.0)
    assert (mirror.state, mirror.needs, mirror.open_incidents, mirror.seq) == ("degraded", (need,), 3, 4)


def test_news_of_a_feed_tell_what_has_changed_and_how_the_client_stands():
    mirror = Mirror()
    assert mirror.take(Joined(GREETING)) == frozenset()
    assert mirror.take(Arrived(snapshot(ROOT, row("root/a")), 100.0)) == {"root", "root/a"}
    assert mirror.take(Arrived(delta(ROOT, down("root/a"), seq=1, events=some()), 101.0)) == {"root/a"}
    assert (mirror.link.state, mirror.link.greeting) == ("live", GREETING)
    assert mirror.take(Lost("gone", 102.0)) == frozenset()
    assert (mirror.link.state, mirror.link.now(500.0)) == ("lost", 102.0)


IDS = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(IDS, min_size=1, max_size=3).map(lambda ids: "/".join(["root", *ids]))
CHANGES = st.lists(st.tuples(st.sampled_from(["put", "remove"]), PATHS), max_size=25)


@given(CHANGES)
def test_whatever_comes_the_order_is_that_of_a_plain_list_of_paths(changes):
    mirror, known = mirror_of(), []
    for seq, (kind, path) in enumerate(changes, start=1):
        new = [one for one in line_to(path) if one not in known] if kind == "put" else []
        removed = (path,) if kind == "remove" else ()
        changed = [row(one) for one in reversed(new)]  # those below first: a message need not have them in order
        mirror.apply(delta(ROOT, *changed, seq=seq, removed=removed, events=(event(seq, path, "x"),)), 101.0)
        known = [one for one in known if not f"{one}/".startswith(f"{path}/") or kind == "put"] + new
    assert mirror.paths == tuple(walk(known, "root"))
    assert mirror.total == len(known)


def line_to(path):
    """The path and those above it, without the root, outermost first."""
    ids = path.split("/")
    return ["/".join(ids[:length]) for length in range(2, len(ids) + 1)]


def walk(known, path):
    """Depth first, siblings in the order in which they came."""
    yield path
    for one in known:
        if one.rpartition("/")[0] == path:
            yield from walk(known, one)
