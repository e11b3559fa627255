"""Who did what, why, and what came of it: in the timeline, and in the log."""

import re

import pytest
from loguru import logger

from otp import supervisor
from otp.control.tree.audit import LONGEST_REASON, one_line
from otp.control.wire.commands import Drain, GetEvents, InjectFault, Pause, ResolveIncident, Restart, Stop
from otp.events import ChildStarted
from otp.faults import Faults
from otp.testing import Crash, FailStart, Probe, Run
from tests.control.stage import OPERATOR, in_one_loop


@pytest.fixture
def anyio_backend(virtual):
    return virtual


@pytest.fixture
def logged():
    records = []
    sink = logger.add(lambda message: records.append(message.record), level="INFO", format="{message}")
    yield records
    logger.remove(sink)


def shop(*plan):
    return supervisor("shop", children=[Probe("a", *plan).spec(), Probe("b").spec()])


async def audited(stage):
    events = await stage.ask(GetEvents())
    return [row for row in events.events if row.event.startswith(("operator.", "maintenance.over"))]


async def test_an_entry_says_who_what_why_and_before_and_after(logged):
    async with in_one_loop(shop()) as stage:
        await stage.ask(Stop(path="a", reason="new key"), op="abcdef123456")
        (row,) = await audited(stage)
        assert (row.event, row.path, row.level) == ("operator.stop", "shop/a", "INFO")
        text = r"stop by ann \(pid 77\), running → stopped in \d+ ms; reason: new key  \[op abcdef12\]"
        assert re.fullmatch(text, row.text)
        (record,) = [record for record in logged if record["extra"].get("event") == "operator.stop"]
        assert record["message"] == f"shop/a  {row.text}"
        extra = record["extra"]
        assert (extra["path"], extra["op"], extra["uid"], extra["pid"]) == (
            "shop/a",
            "abcdef123456",
            OPERATOR.uid,
            OPERATOR.pid,
        )


async def test_what_failed_is_a_warning_with_what_was_wrong(logged):
    async with in_one_loop(shop(Run(), FailStart(ValueError("no disk")), Run())) as stage:
        await stage.ask(Restart(path="a"))
        (row,) = await audited(stage)
        assert (row.level, "shop/a did not start" in row.text) == ("WARNING", True)
        assert "WARNING" in [record["level"].name for record in logged]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (Pause(path="a", seconds=90.0), "pause for 90 s by ann"),
        (Pause(path="a"), "pause by ann"),
        (InjectFault(path="a", kind="crash", times=2, seconds=9.0), "fault crash 2 times within 9 s by ann"),
        (InjectFault(path="a", kind="hang"), "fault hang within 30 s by ann"),
        (Drain(seconds=3.0), "drain within 3 s by ann"),
        (Drain(), "drain by ann"),
    ],
)
async def test_what_was_asked_is_told_with_its_numbers(command, says):
    async with in_one_loop(shop(), faults=Faults()) as stage:
        await stage.ask(command)
        texts = [entry.row().text for entry in stage.event_log.newest() if entry.row().event.startswith("operator.")]
        assert texts[0].startswith(says)


async def test_every_child_of_a_pattern_has_its_own_entry():
    async with in_one_loop(shop()) as stage:
        await stage.ask(Restart(path="*", all=True), op="many")
        assert [(row.path, row.text.endswith("[op many]")) for row in await audited(stage)] == [
            ("shop/a", True),
            ("shop/b", True),
        ]


async def test_a_dry_run_and_a_look_and_what_was_refused_leave_no_trace():
    async with in_one_loop(shop()) as stage:
        await stage.ask(Restart(path="a", dry_run=True))
        await stage.ask(Drain(dry_run=True))
        await stage.refused(Restart(path="nobody"))
        await stage.refused(Restart(path="*"))
        assert await audited(stage) == []


async def test_a_resolved_incident_is_audited_at_its_child():
    async with in_one_loop(shop(Crash(ValueError("x")), Run())) as stage:
        await stage.events.wait_for(ChildStarted, "shop/a", count=2)
        (incident,) = stage.seen.incidents.open()
        await stage.ask(ResolveIncident(incident=incident.id, reason="known"))
        rows = await audited(stage)
        assert [row.path for row in rows] == ["shop/a"]
        assert incident.id in rows[0].text


async def test_a_reason_can_neither_forge_a_line_nor_give_away_a_secret(logged):
    reason = "why\n2026-01-01 shop/b  stop by root\x1b[31m password=hunter2secret \u202e"
    async with in_one_loop(shop()) as stage:
        await stage.ask(Restart(path="a", reason=reason), op="x\n\x1b[2Jyyyyy")
        (row,) = await audited(stage)
        for text in (row.text, *(record["message"] for record in logged)):
            assert text.isprintable()
            assert "hunter2secret" not in text
        assert "why 2026-01-01 shop/b  stop by root" in row.text


async def test_braces_in_a_reason_are_only_braces(logged):
    async with in_one_loop(shop()) as stage:
        await stage.ask(Restart(path="a", reason="{0} {path.__class__} {}"))
        (row,) = await audited(stage)
        assert "reason: {0} {path.__class__} {}" in row.text
        assert any("{path.__class__}" in record["message"] for record in logged)


def test_a_line_is_not_endless():
    assert len(one_line("ab " * 10_000)) <= LONGEST_REASON
