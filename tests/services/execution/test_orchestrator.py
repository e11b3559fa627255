"""The orchestrator: limits of an operator, and orders that are stuck."""

import time

import pytest
from msgspec.structs import replace

from services.execution import orchestrator
from services.execution.board import Board


class Log:
    """What the orchestrator says."""

    def __init__(self):
        self.lines = []

    def warning(self, message, *args):
        self.lines.append(message % args)

    ok = warning


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def board():
    return Board()


@pytest.fixture(autouse=True)
def _often(monkeypatch):
    monkeypatch.setattr(orchestrator, "WATCH_INTERVAL", 0.01)


@pytest.fixture
def orchestrated(execution, shared, board, log, run_worker):
    """Run an orchestrator for the block."""
    return lambda: run_worker(orchestrator.run, execution, board, shared.control, log)


async def test_without_an_operator_the_configured_limits_hold(orchestrated, board, execution):
    async with orchestrated():
        assert await board.limits() == execution.limits


async def test_an_operators_limits_go_before_the_configured_ones_for_as_long_as_they_stand(
    orchestrated, board, execution, look
):
    look.raw.hset("execution:limits", mapping={"max_quantity": 7, "sentiment_age": "2.5"})
    changed = replace(execution.limits, max_quantity=7, sentiment_age=2.5)
    async with orchestrated():
        assert await board.limits() == changed
        look.raw.delete("execution:limits")
        await look.until(lambda: board._limits == execution.limits)


@pytest.mark.parametrize(
    "wrong", [{"max_quantity": "many"}, {"max_quantity": "0"}, {"max_quantty": "7"}, {b"\xff": "1"}]
)
async def test_limits_that_make_no_sense_are_told_once_and_change_nothing(orchestrated, board, look, log, wrong):
    look.raw.hset("execution:limits", mapping={"max_quantity": 7})
    async with orchestrated():
        look.raw.hset("execution:limits", mapping=wrong)
        await look.until(lambda: log.lines)
        looks = look.raw.info("commandstats")["cmdstat_hgetall"]["calls"]
        await look.until(lambda: look.raw.info("commandstats")["cmdstat_hgetall"]["calls"] > looks + 5)
        assert (await board.limits()).max_quantity == 7
    (line,) = log.lines
    assert "execution:limits makes no sense, the limits stay as they are" in line


async def test_limits_that_make_no_sense_at_the_start_leave_the_configured_ones(orchestrated, board, execution, look):
    look.raw.hset("execution:limits", "max_quantity", "many")
    async with orchestrated():
        assert await board.limits() == execution.limits


async def test_orders_that_are_stuck_are_told_once_by_all_incarnations_and_once_that_they_are_not(
    orchestrated, look, log, execution
):
    old = time.time() - execution.stuck_after - 1
    look.raw.hset("execution:order:o1", mapping={"state": "accepted", "symbol": "GOOG"})
    look.raw.zadd("execution:open", {"o1": old, "young": time.time()})
    for _ in range(2):
        async with orchestrated():
            await look.until(lambda: look.raw.smembers("execution:stuck") == {b"o1"})
    assert log.lines == ["not done after 30 s: 1 orders, o1 (GOOG, accepted)"]
    async with orchestrated():
        look.raw.zadd("execution:open", {f"o{n}": old for n in range(2, 9)})
        await look.until(lambda: len(log.lines) == 2)
        assert "7 orders" in log.lines[1]
        assert log.lines[1].endswith("and 2 more")
        look.raw.delete("execution:open")
        await look.until(lambda: len(log.lines) == 3)
    assert log.lines[2] == "no order is stuck any more"
    assert not look.raw.exists("execution:stuck")


async def test_while_redis_is_away_it_keeps_the_limits_and_goes_on_afterwards(
    orchestrated, board, execution, market, look
):
    async with orchestrated():
        market.kill()
        assert await board.limits() == execution.limits
        await market.start()
        look.raw.hset("execution:limits", "max_quantity", 9)
        await look.until(lambda: board._limits.max_quantity == 9)
