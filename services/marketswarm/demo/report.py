"""What the demo of all services measured."""

from msgspec import Struct


class Row(Struct, frozen=True, kw_only=True):
    """One row of the failure table, on real parts.

    Attributes:
        failure: the class of failure.
        fault: what was done.
        verdicts: what the supervisor called what came of it.
        restarted: children that have a new incarnation, without those of restarted supervisors.
        untouched: how many have not.
        incidents: ids of the incidents that it opened.
        failures: how many they collected.
        downtime_s: seconds, the longest of an incident.
        outcome: what happened, in a sentence.
    """

    failure: str
    fault: str
    verdicts: tuple[str, ...]
    restarted: tuple[str, ...]
    untouched: int
    incidents: tuple[str, ...]
    failures: int
    downtime_s: float
    outcome: str


class AllReport(Struct, frozen=True, kw_only=True):
    """The whole run.

    Attributes:
        schema: of this document.
        seconds: how long it took.
        rows: of the failure table.
        flow: how much of each kind went over the buses.
        open_incidents: incidents that were not resolved in the end.
    """

    schema: int = 1
    seconds: float
    rows: tuple[Row, ...]
    flow: dict[str, int]
    open_incidents: int
