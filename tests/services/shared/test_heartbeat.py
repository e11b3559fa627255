import itertools
import json
import os
import threading
import time

import pytest

from services.shared.heartbeat import start_heartbeat


class Recorder:
    """A log that keeps what it is told."""

    def __init__(self):
        self.lines = []

    def warning(self, message, *args, emoji=""):
        self.lines.append(("warning", message % args))

    def ok(self, message, *args, emoji=""):
        self.lines.append(("ok", message % args))


@pytest.fixture
def beating(market):
    """Start heartbeats that end with the test."""
    stops, log = [], Recorder()

    def start(payload_fn=None, *, interval=0.1, ttl=0.5, url=None, logger=log):
        config = {
            "heartbeat": {"interval_sec": interval, "ttl_sec": ttl},
            "buses": {"system-redis": {"url": url or market.url}},
        }
        stops.append(start_heartbeat("massive", config, logger, payload_fn))
        return stops[-1]

    start.log = log
    yield start
    for stop in stops:
        stop.set()
    wait_for(lambda: not beats_in_threads())


def beats_in_threads():
    return [thread for thread in threading.enumerate() if thread.name == "massive:heartbeat"]


def wait_for(condition, within=5.0):
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.005)


def last_beat(raw):
    return json.loads(raw.get("massive:heartbeat") or b"{}")


def test_a_beat_is_a_key_that_expires_and_a_message_with_the_same_text(beating, raw):
    with raw.pubsub() as channel:
        channel.subscribe("massive:heartbeat")
        beating()
        message = next(m for m in channel.listen() if m["type"] == "message")
        wait_for(lambda: raw.get("massive:heartbeat"))
    beat = json.loads(message["data"])
    assert beat["service"] == "massive"
    assert beat["pid"] == os.getpid()
    assert abs(beat["ts"] - time.time()) < 5
    assert 0 <= beat["uptime"] < 5
    assert 0 < raw.pttl("massive:heartbeat") <= 500
    assert beat.keys() == last_beat(raw).keys()


def test_it_keeps_its_interval_without_drift(beating, raw):
    with raw.pubsub() as channel:
        channel.subscribe("massive:heartbeat")
        beating(lambda: time.sleep(0.03) or {}, interval=0.1)
        came = [time.monotonic() for m in itertools.islice(channel.listen(), 22) if m["type"] == "message"]
    gaps = [after - before for before, after in itertools.pairwise(came)]
    assert len(gaps) == 20
    assert abs(sum(gaps) / len(gaps) - 0.1) < 0.01
    assert max(gaps) < 0.2


def test_what_the_supervisor_knows_is_in_the_beat_and_cannot_replace_what_the_heartbeat_says(beating, raw):
    beating(lambda: {"state": "running", "restarts": 3, "pid": 1})
    wait_for(lambda: last_beat(raw))
    assert last_beat(raw)["state"] == "running"
    assert last_beat(raw)["restarts"] == 3
    assert last_beat(raw)["pid"] == os.getpid()


@pytest.mark.parametrize("broken", [lambda: 1 / 0, lambda: {"what": object()}, lambda: None])
def test_a_payload_that_fails_does_not_stop_the_beat_and_shows_in_it(beating, raw, broken):
    beating(broken)
    wait_for(lambda: last_beat(raw))
    first = last_beat(raw)
    assert "Error" in first["payload_error"]
    wait_for(lambda: last_beat(raw)["ts"] > first["ts"])


def test_a_stop_takes_effect_at_once_and_the_key_vanishes(beating, raw):
    stop = beating(interval=30, ttl=60)
    wait_for(lambda: last_beat(raw))
    began = time.monotonic()
    stop.set()
    wait_for(lambda: not beats_in_threads())
    assert time.monotonic() - began < 0.5


async def test_redis_going_away_and_coming_back_is_said_once_each(beating, market, raw, until):
    beating(interval=0.05, ttl=0.5)
    await until(lambda: last_beat(raw))
    market.kill()
    await until(lambda: beating.log.lines)
    time.sleep(0.3)
    await market.start()
    raw.delete("massive:heartbeat")
    await until(lambda: last_beat(raw))
    await until(lambda: len(beating.log.lines) == 2)
    time.sleep(0.2)
    assert [level for level, _ in beating.log.lines] == ["warning", "ok"]


def test_the_process_dies_with_a_beating_heart(beating):
    beating()
    (thread,) = beats_in_threads()
    assert thread.daemon


def test_the_password_of_the_bus_is_not_logged(beating):
    beating(url="redis://u:hunter2@127.0.0.1:1/0")
    wait_for(lambda: beating.log.lines)
    assert "redis://…@127.0.0.1:1/0" in beating.log.lines[0][1]
    assert "hunter2" not in str(beating.log.lines)


@pytest.mark.parametrize(("interval", "ttl"), [(0, 15), (5, 5), (-1, 3)])
def test_an_interval_that_outlives_the_key_is_refused(beating, interval, ttl):
    with pytest.raises(ValueError, match="0 < interval_sec < ttl_sec"):
        beating(interval=interval, ttl=ttl)


def test_a_config_without_system_redis_is_refused():
    with pytest.raises(KeyError, match="system-redis"):
        start_heartbeat("massive", {"heartbeat": {"interval_sec": 1, "ttl_sec": 2}, "buses": {}}, Recorder())
