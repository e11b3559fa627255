"""What the demo prints: a heading for each act, what came of it, and a summary at the end."""

from collections.abc import Sequence

import click

from services.massive.demo.report import FaultReport, Report

__all__ = ("Screen",)


class Screen:
    """Writes to standard output; `quiet`: to standard error, so that only the report is on standard output."""

    def __init__(self, *, quiet: bool) -> None:
        self._err = quiet

    def say(self, text: str = "") -> None:
        """One line, or several."""
        click.echo(text, err=self._err)

    def act(self, title: str) -> None:
        """The heading of what comes next."""
        self.say(f"\n── {title} {'─' * max(0, 96 - len(title))}")

    def came_of(self, fault: FaultReport) -> None:
        """What a fault did, and what it did not."""
        self.say(f"   restarted   {_names(fault.restarted)}")
        self.say(f"   untouched   {_names(fault.untouched)}")
        gap = "" if fault.data_gap_s is None else f"   feed on the bus again after {_seconds(fault.data_gap_s)}"
        self.say(f"   down        {_seconds(fault.downtime_s)}{gap}")
        self.say(f"   events      {fault.lost} lost, {fault.duplicated} duplicated")
        self.say(f"   outcome     {fault.outcome}")

    def summary(self, report: Report) -> None:
        """The whole run as two tables and a line."""
        self.act("summary")
        self.say(_table(_child_rows(report)))
        self.say()
        self.say(_table(_fault_rows(report)))
        self.say(
            f"\n{report.events_in:,} events in, {report.events_out:,} on the bus: {report.lost} lost, "
            f"{report.duplicated} duplicated.  {report.heartbeats} heartbeats, {report.heartbeat_gaps} gaps.  "
            f"{report.seconds:.0f} s."
        )


def _child_rows(report: Report) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("CHILD", "GEN", "CRASHES", "MANUAL", "COLLATERAL", "DOWNTIME")]
    rows += [
        (c.path, str(c.gen), str(c.crashes), str(c.manual), str(c.collateral), _seconds(c.downtime_s))
        for c in report.children
    ]
    return rows


def _fault_rows(report: Report) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("FAULT", "RESTARTED", "UNTOUCHED", "DOWN", "LOST", "DUPLICATED")]
    rows += [
        (f.fault, str(len(f.restarted)), str(len(f.untouched)), _seconds(f.downtime_s), str(f.lost), str(f.duplicated))
        for f in report.faults
    ]
    return rows


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def _names(paths: Sequence[str]) -> str:
    return ", ".join(path.rpartition("/")[2] for path in paths) or "none"


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
