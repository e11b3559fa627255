"""The thread that watches: what it tells, and how it comes back."""

import pytest

from otp.control.client.feed import QUEUE, Feed
from otp.control.client.link import Arrived, Joined, Link, Lost
from otp.control.wire.commands import GetEvents, GetSnapshot
from otp.control.wire.rows import Blocked, Snapshot
from tests.tui.screens import running, wait_for
from tests.tui.server import Server
from tests.tui.trees import delta, massive, replace, supervisor


@pytest.fixture
def path(place):
    return place / "massive.sock"


@pytest.fixture
def server(path):
    with Server(path, massive()) as server:
        yield server


@pytest.fixture
def feed(path):
    return Feed(path, retry=0.02, silence=0.05, patience=0.3)


class Heard:
    """All that a feed has told."""

    def __init__(self, feed):
        self.feed, self.news = feed, []

    def __call__(self, kind):
        self.news += self.feed.take()
        return [one for one in self.news if isinstance(one, kind)]


def test_it_tells_who_is_there_and_then_the_messages_in_order(server, feed):
    heard = Heard(feed)
    with running(feed):
        wait_for(lambda: heard(Arrived))
        for seq in (11, 12):
            server.say(delta(supervisor("massive"), seq=seq))
        wait_for(lambda: len(heard(Arrived)) == 3)
    assert isinstance(heard.news[0], Joined)
    assert [one.message.seq for one in heard(Arrived)] == [10, 11, 12]
    assert heard(Arrived)[0].message == server.tree
    assert heard(Arrived)[0].at <= heard(Arrived)[2].at


def test_a_process_that_ends_is_lost_at_once_and_found_again_when_it_is_back(path, feed):
    heard = Heard(feed)
    first = Server(path, massive())
    with running(feed):
        wait_for(lambda: heard(Arrived))
        first.end()
        wait_for(lambda: heard(Lost))
        assert "ended" in heard(Lost)[0].why
        with Server(path, massive(pid=5000)):
            wait_for(lambda: len(heard(Arrived)) == 2)
    assert [one.message.pid for one in heard(Arrived)] == [4121, 5000]


def test_a_process_that_is_not_there_yet_is_waited_for(path, feed):
    heard = Heard(feed)
    with running(feed):
        wait_for(lambda: heard(Lost))
        assert "there is no socket" in heard(Lost)[0].why
        with Server(path, massive()):
            wait_for(lambda: heard(Arrived))


def test_in_silence_it_asks_for_a_sign_of_life_that_costs_the_tree_nothing(server, feed):
    heard = Heard(feed)
    with running(feed):
        wait_for(lambda: len(server.commands(GetEvents)) > 2)
    assert set(server.commands(GetEvents)) == {GetEvents(limit=0)}
    assert heard(Lost) == []


def test_a_process_that_stands_still_is_lost_since_it_was_last_heard(server, feed):
    heard = Heard(feed)
    with running(feed):
        wait_for(lambda: heard(Arrived))
        server.still.set()
        wait_for(lambda: heard(Lost))
        assert heard(Lost)[0].at >= heard(Arrived)[0].at
        server.still.clear()
        wait_for(lambda: len(heard(Arrived)) > 1)


def test_now_and_then_it_asks_for_a_whole_snapshot(server, path):
    feed = Feed(path, retry=0.02, silence=0.02, refresh=0.05)
    heard = Heard(feed)
    with running(feed):
        wait_for(lambda: len(server.commands(GetSnapshot)) > 1)
        wait_for(lambda: len(heard(Arrived)) > 1)
    assert all(isinstance(one.message, Snapshot) for one in heard(Arrived))


def test_a_snapshot_that_is_older_than_the_block_of_the_loop_is_not_told(server, path):
    feed = Feed(path, retry=0.02, silence=0.02, refresh=0.05)
    heard = Heard(feed)
    with running(feed):
        wait_for(lambda: heard(Arrived))
        server.tree = replace(server.tree, blocked=Blocked(path="massive", seconds=9.0, stack=()), seq=99)
        asked = len(server.commands(GetSnapshot))
        wait_for(lambda: len(server.commands(GetSnapshot)) > asked + 1)
    assert 99 not in [one.message.seq for one in heard(Arrived)]


def test_what_the_screen_does_not_take_does_not_pile_up(server, feed):
    with running(feed):
        wait_for(lambda: server.watchers)
        for seq in range(QUEUE + 50):
            server.say(delta(supervisor("massive"), seq=seq))
        wait_for(lambda: feed.waiting == QUEUE)
        assert len(feed.take()) == QUEUE
        heard = Heard(feed)
        wait_for(lambda: len(heard(Arrived)) >= 50)


def test_the_link_is_lost_since_it_was_lost_first_and_live_with_the_first_message():
    lost = Link().after(Lost("gone", 5.0)).after(Lost("still gone", 9.0))
    assert (lost.state, lost.since, lost.why) == ("lost", 5.0, "still gone")
    assert lost.now(100.0) == 5.0
    live = lost.after(Arrived(massive(), 20.0))
    assert (live.state, live.why, live.now(100.0)) == ("live", "", 100.0)
    assert live.after(Lost("gone", 30.0)).since == 30.0
