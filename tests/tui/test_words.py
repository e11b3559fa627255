"""What a child looks like in words: durations, states, columns, order and filter."""

import pytest

from otp.text.durations import short
from otp.text.printable import printable
from otp.tui.colours import first_theme, next_theme
from otp.tui.columns import columns_for, name_of, time_of
from otp.tui.order import Order, arranged, found
from tests.tui.trees import down, massive, row, supervisor


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0s"),
        (-1.0, "0.0s"),
        (7.49, "7.4s"),
        (9.99, "9.9s"),
        (10.0, "10s"),
        (59.99, "59s"),
        (60.0, "1:00"),
        (725.0, "12:05"),
        (3_599.9, "59:59"),
        (8_040.0, "2h14m"),
        (86_399.0, "23h59m"),
        (6 * 86_400 + 7_200.0, "6d02h"),
        (400 * 86_400.0, "400d00h"),
    ],
)
def test_a_duration_is_short(seconds, text):
    assert short(seconds) == text
    assert len(text) <= 7


def test_the_time_is_that_since_it_is_up_or_until_it_is_tried_again_or_since_it_is_down():
    assert time_of(row("r/a", up_s=8_040.0)).text == "up 2h14m"
    assert time_of(down("r/a", next_retry_s=7.4)).text == "next 7.4s"
    assert time_of(down("r/a", next_retry_s=None, down_s=41.0)).text == "down 41s"
    assert time_of(row("r/a", up_s=None)).text == "·"


def test_a_name_is_indented_in_a_tree_and_else_a_path_without_the_root():
    assert [name_of(row(path), as_tree=True) for path in ("r", "r/a", "r/a/b")] == ["r", "  a", "    b"]
    assert [name_of(row(path), as_tree=False) for path in ("r", "r/a", "r/a/b")] == ["r", "a", "a/b"]


def cells(child, width):
    return {column.title: column.cell(child).text for column in columns_for(width)}


def test_at_80_columns_all_counts_are_shown_and_one_note():
    assert list(cells(down("r/a"), 80)) == ["STATE", "TIME", "CRASH", "MAN", "COL", "STRK", "DOWN", "NOTE"]
    assert cells(down("r/a"), 80)["NOTE"] == "…3M7F3Q"
    assert cells(down("r/a", paused=True), 80)["NOTE"] == "paused"
    assert cells(supervisor("r", used=3, intensity=50), 80)["NOTE"] == "used 3/50"
    assert cells(row("r/a"), 80)["NOTE"] == ""


def test_with_more_room_budget_and_incident_are_columns_of_their_own():
    wide = cells(down("r/a"), 99)
    assert (wide["USED"], wide["INCIDENT"]) == ("", "01K9ZQ3M7F3Q")
    assert cells(supervisor("r", used=5, intensity=5), 99)["USED"] == "5/5"
    assert cells(row("r/a", paused=True, paused_s=725.0), 99)["INCIDENT"] == "paused 12:05"
    assert cells(row("r/a", paused=True), 99)["INCIDENT"] == "paused"


def test_with_less_room_columns_go_and_the_state_goes_last():
    assert list(cells(row("r/a"), 60)) == ["STATE", "TIME", "CRASH", "NOTE"]
    assert list(cells(row("r/a"), 32)) == ["STATE"]
    assert cells(row("r/a"), 10) == {}


def test_counts_show_what_is_something():
    shown = cells(down("r/a", crashes=5, manual=1, collateral=0, streak=3, downtime_s=41.2), 99)
    assert [shown[title] for title in ("CRASH", "MAN", "COL", "STRK", "DOWN")] == ["5", "1", "·", "3", "41s"]


ROWS = (
    supervisor("r", up_s=100.0),
    row("r/fresh", up_s=1.0, crashes=2),
    row("r/parked", state="failed", ready=False, up_s=None, down_s=50.0, downtime_s=50.0, crashes=1),
    down("r/waiting", crashes=5, down_s=3.0, downtime_s=90.0),
    row("r/shaky", up_s=30.0, streak=2, manual=9, downtime_s=60.0),
)


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        (Order.TREE, ["r", "fresh", "parked", "waiting", "shaky"]),
        (Order.PROBLEMS, ["parked", "waiting", "shaky", "r", "fresh"]),
        (Order.RECENT, ["fresh", "shaky", "r", "parked", "waiting"]),
        (Order.RESTARTS, ["waiting", "fresh", "parked", "shaky", "r"]),
        (Order.DOWN, ["parked", "waiting", "shaky", "r", "fresh"]),
    ],
)
def test_an_order_puts_first_what_it_is_about(order, ids):
    assert [one.path.rpartition("/")[2] for one in arranged(ROWS, order)] == ids


def test_the_orders_go_round():
    order, seen = Order.TREE, []
    for _ in Order:
        seen.append(order)
        order = order.next()
    assert seen == list(Order)
    assert order is Order.TREE


@pytest.mark.parametrize(
    ("sought", "ids"),
    [
        ("", ["massive", "orchestrator", "workers", "chain_worker", "ws_worker", "spot_worker", "model", "builder"]),
        ("WS_", ["ws_worker"]),
        ("backoff", ["ws_worker"]),
        ("paused", ["builder"]),
        ("workers/*", ["chain_worker", "ws_worker", "spot_worker"]),
        ("massive/model/*", ["builder"]),
        ("nobody", []),
    ],
)
def test_a_filter_fits_paths_states_and_patterns(sought, ids):
    tree = massive()
    rows = [one for one in (tree.root, *tree.children) if one.path != "massive/publisher"]
    assert [one.path.rpartition("/")[2] for one in found(rows, sought, with_above=False)] == ids


def test_a_filtered_tree_keeps_those_above_so_that_it_stays_a_tree():
    tree = massive()
    kept = found((tree.root, *tree.children), "ws_worker", with_above=True)
    assert [one.path for one in kept] == ["massive", "massive/workers", "massive/workers/ws_worker"]


def test_a_message_cannot_move_the_cursor():
    assert printable("a\x1b[31mb\nc\u202ed") == "a [31mb c d"
    assert printable("äöü ✓") == "äöü ✓"


def test_the_first_colours_are_those_of_the_terminal_unless_somebody_asks_for_others():
    assert first_theme({}) == "ansi-dark"
    assert first_theme({"COLORFGBG": "15;0"}) == "ansi-dark"
    assert first_theme({"COLORFGBG": "0;15"}) == "ansi-light"
    assert first_theme({"COLORFGBG": "0;15", "TEXTUAL_THEME": "nord"}) == "nord"


def test_the_colours_go_round():
    assert next_theme("ansi-dark") == "ansi-light"
    assert next_theme("textual-light") == "ansi-dark"
    assert next_theme("nord") == "ansi-dark"
