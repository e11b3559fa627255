"""What the demo of all services prints beside what every demo prints."""

from services.marketswarm.demo.report import AllReport, Row
from services.massive.demo.screen import Screen, names, span, table


class AllScreen(Screen):
    """Prints the rows of the failure table."""

    def row(self, row: Row) -> None:
        """What a fault did, what it was called, and what it cost."""
        self.result("verdict", ", ".join(row.verdicts) or "none")
        self.result("restarted", f"{names(row.restarted)}; {row.untouched} untouched")
        incidents = f"{' '.join(row.incidents)}: {row.failures} failure{'s'[: row.failures != 1]}"
        self.result("incidents", f"{incidents}, down for {span(row.downtime_s)}")
        self.result("outcome", row.outcome)

    def all_summary(self, report: AllReport) -> None:
        """The whole run as a table and a line."""
        self.act("summary")
        head = ("FAILURE", "VERDICT", "RESTARTED", "UNTOUCHED", "INCIDENTS", "FAILURES", "DOWN")
        rows = [
            (
                row.failure,
                ", ".join(row.verdicts),
                str(len(row.restarted)),
                str(row.untouched),
                str(len(row.incidents)),
                str(row.failures),
                span(row.downtime_s),
            )
            for row in report.rows
        ]
        self.say(table([head, *rows]))
        flow = ", ".join(f"{count:,} {name}" for name, count in report.flow.items())
        self.say(f"\nover the buses in {report.seconds:.0f} s: {flow}. Open incidents: {report.open_incidents}.")
