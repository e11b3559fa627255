"""Incidents in Redis, for readers outside the process. Nothing is written while all is well.

    otp:{app}:inc:<id>              hash    the incident; 30 days
    otp:{app}:inc:open              set     ids of the open ones
    otp:{app}:inc:by-time           zset    ids by the time of opening, the newest 10 000
    otp:{app}:child:<path>          hash    a child with an open incident; it expires unless it is refreshed
    otp:{app}:ev                    stream  one entry for each change that was written, about 10 000
    otp:{app}:dedup:<fingerprint>   string  the last incident of this kind; one hour

Each change is one script, as atomic as a MULTI. A try whose answer was lost is made again, and its entry must not be in the
stream twice. A MULTI cannot recognize that; the script does, by the incident's revision. The caller makes the client and
keeps it: nothing here imports redis.
"""

import socket
from collections.abc import Callable
from typing import Any, Protocol

from otp.observe.history import History
from otp.observe.incident import Incident, IncidentChange
from otp.observe.outbox import Outbox

Word = str | bytes | int | float

KEPT_FOR = 30 * 24 * 3_600
"""Seconds that an incident is kept after its last change."""

KEPT = 10_000
"""Incidents that are kept by time, and entries of the stream."""

RECURS_WITHIN = 3_600
"""Seconds in which a new incident of the same kind is called a recurrence of the last one."""

REFRESH_EVERY = 15.0
"""Seconds between two writes of a child with an open incident; its key lives three times as long."""

# KEYS  incident, open, by-time, child, ev, dedup
# ARGV  id, revision, state, opened, event, kept_for, kept, recurs_within, child_ttl, n, n fields, fields of the child
_CHANGE = """
local known = redis.call('HGET', KEYS[1], 'revision')
if known and tonumber(known) >= tonumber(ARGV[2]) then return 0 end
local n = tonumber(ARGV[10])
redis.call('HSET', KEYS[1], unpack(ARGV, 11, 10 + n))
if not known and not redis.call('SET', KEYS[6], ARGV[1], 'NX', 'EX', ARGV[8]) then
  redis.call('HSET', KEYS[1], 'recurs', redis.call('GET', KEYS[6]))
  redis.call('SET', KEYS[6], ARGV[1], 'EX', ARGV[8])
end
redis.call('EXPIRE', KEYS[1], ARGV[6])
redis.call(ARGV[3] == 'open' and 'SADD' or 'SREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - tonumber(ARGV[7]))
redis.call('HSET', KEYS[4], unpack(ARGV, 11 + n))
redis.call('EXPIRE', KEYS[4], ARGV[9])
redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[7], '*', 'event', ARGV[5], 'id', ARGV[1], 'revision', ARGV[2])
return 1
"""


class RedisClient(Protocol):
    """A Redis client, one that does not retry by itself."""

    async def execute_command(self, *words: Word) -> Any:
        """Send one command and return its reply."""
        ...


_Words = tuple[Word, ...]
"""The words of one command, which writes a change or refreshes a child."""

_OF_INCIDENT = ("path", "fingerprint", "type", "message", "frame", "verdict", "worst", "count", "downtime", "state")
"""Fields that an incident's hash has under the names of its attributes."""

_OF_CHILD = ("state", "failures", "crashes", "manual", "collateral", "streak", "downtime")
"""Fields that a child's hash has under the names of its history's attributes."""


class RedisSink:
    """A listener of `Incidents` that writes them to Redis through an outbox.

    Args:
        client: stays the caller's, who closes it.
        app: the name of the application, for the keys.
        history: for the counters of the children.
        now: the tree's clock, needed with a history.
        host: is written with each incident; None: the name of this machine.
        refresh_every: seconds between two writes of a child with an open incident.
        limit: items that may wait while Redis is down.

    Attributes:
        outbox: the owner runs it, see `open_outbox`.
    """

    lasting = True

    def __init__(
        self,
        client: RedisClient,
        app: str,
        *,
        history: History | None = None,
        now: Callable[[], float] | None = None,
        host: str | None = None,
        refresh_every: float = REFRESH_EVERY,
        limit: int = 1_000,
    ) -> None:
        self.outbox: Outbox[_Words] = Outbox(f"redis {app}", self._send, limit=limit)
        self._client = client
        self._prefix = f"otp:{{{app}}}"
        self._history = history
        self._now = now
        self._host = socket.gethostname() if host is None else host
        self._every = refresh_every
        self._child_ttl = max(1, round(3 * refresh_every))
        self._open: dict[str, Incident] = {}
        self._refreshed = 0.0

    def __call__(self, change: IncidentChange) -> None:
        """Put a change into the outbox, in place of an older one of the same incident that waits."""
        incident = change.incident
        if incident.state == "open":
            self._open[incident.id] = incident
        else:
            self._open.pop(incident.id, None)
        self.outbox.put(self._change(change), key=incident.id)

    def tick(self, now: float) -> None:
        """Refresh the keys of children with open incidents, before they expire. Call it every second."""
        if not self._open or now < self._refreshed + self._every:
            return
        self._refreshed = now
        for path in dict.fromkeys(incident.path for incident in self._open.values()):
            words = ("EVAL", _REFRESH, 1, self._key("child", path), self._child_ttl, *self._child(path))
            self.outbox.put(words, key=("child", path))

    async def _send(self, words: _Words) -> None:
        await self._client.execute_command(*words)

    def _change(self, change: IncidentChange) -> _Words:
        incident = change.incident
        fields = _flat(self._fields(incident))
        keys = (
            self._key("inc", incident.id),
            self._key("inc", "open"),
            self._key("inc", "by-time"),
            self._key("child", incident.path),
            self._key("ev"),
            self._key("dedup", incident.fingerprint),
        )
        about = (incident.id, incident.revision, incident.state, incident.opened.wall, _tag(change))
        limits = (KEPT_FOR, KEPT, RECURS_WITHIN, self._child_ttl)
        child = self._child(incident.path)
        return ("EVAL", _CHANGE, len(keys), *keys, *about, *limits, len(fields), *fields, *child)

    def _fields(self, incident: Incident) -> dict[str, Word]:
        return {name: getattr(incident, name) for name in _OF_INCIDENT} | {
            "opened": incident.opened.wall,
            "last": incident.last.wall,
            "resolved": incident.resolved.wall if incident.resolved is not None else "",
            "host": self._host,
            "injected": int(incident.injected),
            "maintenance": int(incident.maintenance),
            "revision": incident.revision,
        }

    def _child(self, path: str) -> _Words:
        history = self._history.child(path, self._now()) if self._history is not None and self._now else None
        if history is None:
            return ("host", self._host)
        down = history.down if history.down is not None else ""
        return _flat({name: getattr(history, name) for name in _OF_CHILD} | {"down": down, "host": self._host})

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))


_REFRESH = """
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""


def _flat(fields: dict[str, Word]) -> _Words:
    return tuple(word for field in fields.items() for word in field)


def _tag(change: IncidentChange) -> str:
    return str(type(change).__struct_config__.tag)
