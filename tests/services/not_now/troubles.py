"""States in which a server says that it cannot do it now: real ones where one server can be brought into them."""

import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import redis


class Trouble:
    """A server, and a go-between before it, in trouble for the block."""

    def __init__(self, code, bring, heal):
        self.code = code
        self.bring = bring
        self.heal = heal

    @contextmanager
    def on(self, bus, between):
        with redis.Redis.from_url(bus.url) as raw:
            held = self.bring(raw, bus, between)
            try:
                yield
            finally:
                self.heal(raw, held, between)


def _said(code, text):
    def bring(raw, bus, between):
        between.say(f"-{code} {text}\r\n".encode())

    return Trouble(code, bring, lambda raw, held, between: between.be_honest())


def _configured(code, wrong, right):
    def change(raw, settings):
        for name, value in settings.items():
            raw.config_set(name, value)

    return Trouble(code, lambda raw, bus, between: change(raw, wrong), lambda raw, held, between: change(raw, right))


def _replica(code, stale):
    def bring(raw, bus, between):
        raw.config_set("replica-serve-stale-data", stale)
        raw.execute_command("REPLICAOF", "127.0.0.1", "1")

    def heal(raw, held, between):
        raw.execute_command("REPLICAOF", "NO", "ONE")

    return Trouble(code, bring, heal)


def _busy(raw, bus, between):
    raw.config_set("busy-reply-threshold", 10)

    def run():
        another = redis.Redis.from_url(bus.url, socket_timeout=60)
        with another, suppress(redis.exceptions.RedisError):  # it will be killed
            another.eval("while true do end", 0)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _no_more_busy(raw, thread, between):
    while thread.is_alive():
        with suppress(redis.exceptions.RedisError):  # it does not run yet, or not any more
            raw.execute_command("SCRIPT", "KILL")
        thread.join(0.01)


def _cannot_save(raw, bus, between):
    in_the_way = Path(raw.config_get("dir")["dir"]) / raw.config_get("dbfilename")["dbfilename"]
    in_the_way.mkdir()
    raw.config_set("save", "3600 1")
    raw.execute_command("BGSAVE")
    while raw.info("persistence")["rdb_bgsave_in_progress"]:
        pass
    return in_the_way


def _can_save(raw, in_the_way, between):
    raw.config_set("save", "")
    in_the_way.rmdir()


TROUBLES = {
    trouble.code: trouble
    for trouble in (
        _configured("OOM", {"maxmemory": 1}, {"maxmemory": 0}),
        _configured("NOREPLICAS", {"min-replicas-to-write": 1}, {"min-replicas-to-write": 0}),
        _replica("READONLY", "yes"),
        _replica("MASTERDOWN", "no"),
        Trouble("BUSY", _busy, _no_more_busy),
        Trouble("MISCONF", _cannot_save, _can_save),
        _said("LOADING", "Valkey is loading the dataset in memory"),
        _said("CLUSTERDOWN", "The cluster is down"),
        _said("TRYAGAIN", "Multiple keys request during rehashing of slot"),
        _said("UNBLOCKED", "force unblock from blocking operation, instance state changed (master -> replica?)"),
    )
}
"""Each word of `NOT_NOW`, as a server says it."""
