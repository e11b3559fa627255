"""Lengths of time, in and out."""

import math

import pytest

from otp.text.clock import ago, clock, stamp
from otp.text.durations import duration, parse_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (math.inf, "–"),
        (-1.0, "0 ms"),
        (0.0, "0 ms"),
        (0.012, "12 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (7.44, "7.4 s"),
        (59.94, "59.9 s"),
        (59.96, "00:00:59"),
        (2467.0, "00:41:07"),
        (86_399.9, "23:59:59"),
        (86_400.0, "1d 00:00"),
        (526_440.0, "6d 02:14"),
    ],
)
def test_a_length_of_time_is_said_as_short_as_it_matters(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("30s", 30.0), ("10m", 600.0), ("1h30m", 5400.0), ("2d", 172_800.0), ("7", 7.0), (" 1.5s ", 1.5)],
)
def test_a_length_of_time_is_read_with_its_units_or_as_seconds(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "10x", "m10", "10 m", "1h-3m", "-5s", "inf", "nan", "٣s٣"])
def test_what_is_no_length_of_time_is_told_how_one_is_written(text):
    with pytest.raises(ValueError, match="expected a length of time such as 30s, 10m or 1h30m, got "):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0", "0s", "366d", "9" * 400 + "d"])
def test_no_time_at_all_and_more_than_a_year_are_refused(text):
    with pytest.raises(ValueError, match="above 0 and up to 365d"):
        parse_duration(text)


def test_what_was_today_has_no_date_and_what_was_not_has_one():
    noon = 1_790_000_000.0
    assert len(clock(noon, noon)) == len("12:41:03")
    assert clock(noon - 86_400.0, noon).endswith(clock(noon, noon))
    assert len(stamp(noon - 86_400.0, noon)) == len("09-20 12:41:03.000")
    assert clock(None, noon) == "–"


def test_a_clock_that_was_set_back_puts_nothing_into_the_future():
    assert ago(100.0, 90.0) == "0 ms ago"
    assert ago(90.0, 100.0) == "10.0 s ago"
