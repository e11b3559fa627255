"""The harness in small: it runs, and it notices what it is there to notice."""

from collections import Counter

import pytest

from tests.endurance import chaos, restarts
from tests.endurance.books import Trading, received
from tests.endurance.restarts import GROWTH, Sample
from tests.endurance.table import Line, print_table


@pytest.mark.timeout(180)
def test_some_thousand_restarts_with_everything_on_leave_nothing_behind():
    lines = restarts.run(5_000)
    assert [line for line in lines if not line.holds] == []


@pytest.mark.timeout(300)
def test_a_few_seconds_of_chaos_lose_nothing_and_double_nothing(monkeypatch):
    for name in ("TRUTH_REDIS_URL", "TRUTH_REDIS_KEY", "LOG_LEVEL", "EXECUTION_BROKER"):
        monkeypatch.delenv(name, raising=False)
    lines = chaos.run(0.1, seed=3)
    assert [line for line in lines if not line.holds] == []
    assert int(next(line for line in lines if line.what.startswith("trades and quotes")).figure.replace(",", "")) > 100


def lines_of(samples, *, goal=1_000, last=None, code=0, failures=()):
    asker = restarts.Asker(None)
    asker.answers, asker.failures = 7, list(failures)
    last = {"crashes": goal, "counted": goal} if last is None else last
    return [
        line.what
        for line in restarts._lines(goal, samples, seconds=1.0, last=last, code=code, asker=asker)
        if not line.holds
    ]


def samples(**growing):
    """Twenty samples of a run in which these figures grow with each."""
    flat = {"rss": 50_000, "threads": 5, "files": 14, "tasks": 18}
    return [
        Sample(crashes=n * 50, **{name: base + growing.get(name, 0) * n for name, base in flat.items()})
        for n in range(1, 21)
    ]


def test_a_run_in_which_nothing_grows_is_fine():
    assert lines_of(samples()) == []


@pytest.mark.parametrize(
    ("growing", "what"),
    [
        ({"rss": GROWTH // 5}, "its growth until the end"),
        ({"threads": 1}, "threads, when warm and at the end"),
        ({"files": 1}, "descriptors"),
        ({"tasks": 1}, "tasks"),
    ],
)
def test_whatever_grows_with_the_restarts_is_a_violation(growing, what):
    assert lines_of(samples(**growing)) == [what]


def test_a_crash_that_is_not_counted_an_answer_that_did_not_come_and_a_wrong_end_are_violations():
    assert lines_of(samples(), last={"crashes": 1_000, "counted": 999}) == ["crashes that the history does not know"]
    assert lines_of(samples(), failures=[OSError()]) == ["questions answered"]
    assert lines_of(samples(), code=70) == ["exit code"]
    assert "restarts" in lines_of(samples(), last={"crashes": 999, "counted": 999})


def order(n, quantity=10):
    return {"id": f"o{n}", "signal": f"s{n}", "quantity": quantity}


def fill(n, quantity=10, part=1):
    return {"id": f"o{n}:{part}", "order": f"o{n}", "symbol": "AAPL", "side": "buy", "quantity": quantity}


def books(**other):
    agreeing = {
        "signals": ["s1", "s2", "weak"],
        "orders": [order(1), order(2)],
        "fills": [fill(1), fill(2)],
        "told_fills": [fill(1), fill(2)],
        "settled": 2,
        "positions": {"AAPL": 20},
        "declined": ["weak"],
    }
    return Trading(**{**agreeing, **other})


def test_books_that_agree():
    assert books().agrees


@pytest.mark.parametrize(
    ("other", "wrong"),
    [
        ({"declined": []}, {"signals without an outcome"}),
        ({"declined": ["weak", "s1"]}, {"signals with two outcomes"}),
        ({"settled": 3}, {"orders that the broker does not know, or has twice"}),
        ({"told_fills": [fill(1), fill(2), fill(2, part=2)]}, {"fills lost"}),
        ({"positions": {"AAPL": 10}}, {"positions that are not the sum of their fills"}),
        ({"positions": {"AAPL": 20, "MSFT": 1}}, {"positions that are not the sum of their fills"}),
        ({"fills": [fill(1), fill(2, quantity=5)], "positions": {"AAPL": 15}}, {"orders filled with another quantity"}),
        (
            {"fills": [fill(1), fill(2), fill(2)], "positions": {"AAPL": 30}},
            {"fills doubled", "orders filled with another quantity"},
        ),
        (
            {"orders": [order(1), order(2), order(2)], "settled": 3},
            {"orders doubled", "signals with two outcomes"},
        ),
    ],
)
def test_each_way_in_which_trading_may_be_wrong_is_seen(other, wrong):
    assert {what for what, count in books(**other).wrong.items() if count} == wrong


class Shop:
    """What chaos needs of a service to go through its frames."""

    def __init__(self, folder, received, killed=""):
        self.taps, self.killed = [folder / "tap-0", folder / "tap-1"], [folder / "tap-1"]
        self.taps[0].write_text(received)
        self.taps[1].write_text(killed)


@pytest.mark.parametrize(
    ("tap", "killed", "on_bus", "wrong"),
    [
        ("T.A 1\nT.A 2\n", "", ["T.A 1", "T.A 2"], []),
        ("T.A 1\nT.A 2\n", "", ["T.A 1"], ["lost between socket and bus"]),
        ("T.A 1\n", "", ["T.A 1", "T.A 1"], ["doubled on the bus"]),
        ("T.A 1\n", "", ["T.A 1", "T.A 9"], ["doubled on the bus"]),
        ("T.A 1\n", "T.A 2\n", ["T.A 1"], []),  # it was in the memory of a process that was killed
        ("T.A 1\n", "T.A 2\n", ["T.A 1", "T.A 2", "T.A 2"], ["doubled on the bus"]),
    ],
)
def test_frames_lost_or_doubled_are_seen(tmp_path, tap, killed, on_bus, wrong):
    reign = chaos.Chaos.__new__(chaos.Chaos)
    reign._service = Shop(tmp_path, tap, killed)
    reign._tape = type("Tape", (), {"on_bus": Counter(on_bus)})
    assert [line.what for line in reign._frames() if not line.holds] == wrong


def test_a_process_that_never_had_a_socket_received_nothing(tmp_path):
    assert received(tmp_path / "none") == Counter()


def test_a_table_says_whether_all_limits_are_kept(capsys):
    assert print_table("title", [Line("a", "1"), Line("b", "2", "≤ 3")])
    assert not print_table("title", [Line("a", "1"), Line("b", "4", "≤ 3", holds=False)])
    assert capsys.readouterr().out.splitlines()[-1].split() == ["b", "4", "≤", "3", "VIOLATED"]
