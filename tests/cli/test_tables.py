"""Aligned text, and the text of others in it."""

import pytest

from otp.cli.tables import Cell, Column, table
from otp.cli.terminal import cut, cut_start, width
from otp.control.wire.looks import Tone
from otp.text.printable import printable

COLUMNS = (Column("NAME", least=6, keeps_end=True), Column("N", right=True), Column("WHY", least=5))
ROWS = [("massive/one", "7", "it broke"), ("b", "1234", Cell("fine", Tone.GOOD))]


def text(*given, **options):
    return "\n".join(table(*given, **options))


def test_columns_are_as_wide_as_what_is_in_them():
    assert text(COLUMNS, ROWS) == ("NAME            N  WHY\nmassive/one     7  it broke\nb            1234  fine")


def test_the_last_column_that_allows_it_is_cut_first_and_then_the_one_before():
    assert text(COLUMNS, ROWS, within=24).splitlines()[1] == "massive/one     7  it b…"
    assert text(COLUMNS, ROWS, within=20).splitlines()[1] == "…ve/one     7  it b…"


def test_nothing_is_cut_below_its_least_however_narrow_it_is():
    assert text(COLUMNS, ROWS, within=1) == text(COLUMNS, ROWS, within=19)


def test_a_column_gives_up_its_least_before_a_table_is_too_wide():
    columns = (Column("NAME", least=10), Column("WHY", least=10))
    assert text(columns, [("x" * 30, "y" * 30)], within=22).splitlines()[1] == "xxxxxxxxx…  yyyyyyyyy…"
    assert text(columns, [("x" * 30, "y" * 30)], within=16).splitlines()[1] == "xxxxxxx…  yyyyy…"


@pytest.mark.parametrize("within", range(19, 40))
def test_a_table_that_can_be_cut_fits(within):
    assert max(map(width, text(COLUMNS, ROWS, within=within).splitlines())) <= within


def test_colours_move_nothing():
    plain, coloured = text(COLUMNS, ROWS), text(COLUMNS, ROWS, colour=True)
    assert "\x1b[32mfine\x1b[0m" in coloured
    assert "\x1b" not in plain


def test_a_table_without_rows_has_its_titles():
    assert text(COLUMNS, []) == "NAME  N  WHY"


def test_control_characters_of_others_do_not_reach_the_terminal():
    assert text((Column("A"),), [("\x1b[2Jx\r\ny\u202e",)]) == "A\n [2Jx  y"
    assert printable("plain") == "plain"
    assert "\x9b" not in printable("\x9b31m")


def test_wide_signs_count_twice_and_marks_above_not_at_all():
    assert width("日本") == 4
    assert width("e\u0301") == 1
    assert text((Column("A"), Column("B")), [("日本", "x"), ("ab", "y")]).splitlines()[1:] == ["日本  x", "ab    y"]


def test_a_cut_text_ends_or_begins_with_a_sign_that_says_so():
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcd", 4) == "abcd"
    assert cut_start("abcdef", 4) == "…def"
    assert width(cut("日本語", 4)) <= 4
