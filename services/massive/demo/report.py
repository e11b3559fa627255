"""What the demo measured, as it is printed with `-o json`."""

from msgspec import Struct


class ChildReport(Struct, frozen=True, kw_only=True):
    """One child at the end.

    Attributes:
        path: from the root down.
        pid: of the process that it runs in.
        gen: incarnations.
        crashes: restarts because it ended by itself.
        manual: restarts that somebody asked for.
        collateral: restarts because of a sibling or of a supervisor above.
        downtime_s: seconds from an end to being up again, all together.
    """

    path: str
    pid: int
    gen: int
    crashes: int
    manual: int
    collateral: int
    downtime_s: float


class FaultReport(Struct, frozen=True, kw_only=True):
    """One fault and what it did.

    Attributes:
        fault: what was done.
        restarted: paths of the children with a new incarnation.
        untouched: paths of those that went on.
        downtime_s: the longest time that one of them was down.
        data_gap_s: seconds until the feed's next event was on the bus; None where the feed did not stop.
        lost: events that the provider sent to a subscriber and that are not on the bus.
        duplicated: events that are on the bus more than once.
        outcome: how it ended, in a few words.
    """

    fault: str
    restarted: tuple[str, ...]
    untouched: tuple[str, ...]
    downtime_s: float
    data_gap_s: float | None
    lost: int
    duplicated: int
    outcome: str


class Report(Struct, frozen=True, kw_only=True):
    """The whole run.

    Attributes:
        seconds: how long it took.
        children: all children, in start order.
        faults: one by one.
        events_in: events that came off the socket.
        events_out: events that are on the bus, each counted once.
        lost: events that the provider sent to a subscriber and that are not on the bus.
        duplicated: events that are on the bus more than once.
        heartbeats: beats that were heard.
        heartbeat_gaps: times between two beats that were longer than one and a half intervals.
    """

    schema: int = 1
    app: str = "massive"
    seconds: float
    children: tuple[ChildReport, ...]
    faults: tuple[FaultReport, ...]
    events_in: int
    events_out: int
    lost: int
    duplicated: int
    heartbeats: int
    heartbeat_gaps: int
