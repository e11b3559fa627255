"""Patterns that name several patterns."""

import sys
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp.core import patterns
from otp.core.patterns import MAX_PARTS, MAX_PATTERN, Pattern, is_pattern, matches
from otp.errors import PatternError


@pytest.mark.parametrize("path", ["workers/*", "work?rs", "**/feed", "[ab]"])
def test_what_may_name_several_is_a_pattern(path):
    assert is_pattern(path)
    assert not is_pattern("massive/workers/ws_worker")


@pytest.mark.parametrize(
    ("path", "pattern", "named"),
    [
        ("m/workers/a", "m/workers/a", True),
        ("m/workers/a", "m/workers/*", True),
        ("m/workers", "m/workers/*", False),
        ("m/workers/a/b", "m/workers/*", False),
        ("m/workers/a", "m/*", False),
        ("m/workers/feed_1", "m/*/feed_?", True),
        ("m/workers/feed_10", "m/*/feed_?", False),
        ("m/workers/a", "m/workers/[ab]", True),
        ("m/workers/c", "m/workers/[ab]", False),
        ("m/workers/A", "m/workers/a", False),
        ("m", "**", True),
        ("m/workers/a", "**", True),
        ("m/workers/a", "**/a", True),
        ("a", "**/a", True),
        ("m/workers/a", "m/**/a", True),
        ("m/a", "m/**/a", True),
        ("m/workers/a", "m/**/b", False),
        ("m/workers", "m/workers/a", False),
    ],
)
def test_a_star_stands_for_one_id_and_two_for_any_number(path, pattern, named):
    assert matches(path, pattern) is named


@pytest.mark.parametrize(
    ("path", "pattern", "named"),
    [
        ("m/ab", "m/[!a]b", False),
        ("m/cb", "m/[!a]b", True),
        ("m/b", "m/[a-c]", True),
        ("m/d", "m/[a-c]", False),
        ("m/-", "m/[a-]", True),
        ("m/[", "m/[", True),
        ("m/]", "m/[]]", True),
        ("m/a", "m/[z-a]", False),
        ("m/ab", "m/a**b", True),
        ("m/a/b", "m/a**b", False),
        ("m/a/b", "m/*/**/*", True),
        ("m/a", "m/*/**/*", False),
        ("m/ab", "m/a/**", False),
        ("m/a", "m/a*/**", True),
        ("m/a/b/c", "m/**/**/c", True),
    ],
)
def test_classes_and_stars_side_by_side_mean_what_a_shell_means(path, pattern, named):
    assert matches(path, pattern) is named


def test_within_a_pattern_is_what_it_names_and_all_below_that():
    pattern = Pattern("m/w*/a?")
    below = ["m/w/a1", "m/work/a1/b", "m/w/a1/b/c"]
    assert all(map(pattern.matches_within, below))
    assert not any(map(pattern.matches_within, ["m", "m/w", "m/w/a", "m/w/a1b", "m/x/a1"]))
    assert not any(map(pattern.matches, below[1:]))


_ids = st.text("ab", min_size=1, max_size=4)
_parts = st.text("ab*?", min_size=1, max_size=5).filter(lambda part: "**" not in part) | st.just("**")


def _by_guessing(ids, patterns):
    """The meaning in its simplest words, which may take for ever."""
    if not patterns:
        return not ids
    if patterns[0] == "**":
        return any(_by_guessing(ids[skipped:], patterns[1:]) for skipped in range(len(ids) + 1))
    return bool(ids) and fnmatchcase(ids[0], patterns[0]) and _by_guessing(ids[1:], patterns[1:])


@given(st.lists(_ids, min_size=1, max_size=5), st.lists(_parts, min_size=1, max_size=4))
def test_it_names_what_guessing_names(ids, patterns):
    pattern = Pattern("/".join(patterns))
    assert pattern.matches("/".join(ids)) is _by_guessing(ids, patterns)
    above = any(_by_guessing(ids[:length], patterns) for length in range(1, len(ids) + 1))
    assert pattern.matches_within("/".join(ids)) is above


HOSTILE = ["**/" * (MAX_PARTS - 1) + "zz", "*a" * (MAX_PATTERN // 2), "a*" * 60 + "[!a]", "**/*a*a*a*a*/" * 10 + "z"]


def steps(pattern, path):
    """Lines of otp.core.paths that run to match, a measure of work that no machine changes."""
    counted = 0

    def trace(frame, event, _):
        nonlocal counted
        if frame.f_code.co_filename != patterns.__file__:
            return None
        counted += event == "line"
        return trace

    pattern.matches(path)  # what each character does is known from here on
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        pattern.matches(path)
    finally:
        sys.settrace(before)
    return counted


@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("id", ["a", "aaaa", "ab"])
def test_a_path_of_four_times_the_length_costs_four_times_the_work_whatever_the_pattern(pattern, id):
    compiled = Pattern(pattern)
    short, long = ("/".join([id] * count) for count in (50, 200))
    assert steps(compiled, long) <= 4 * steps(compiled, short)
    assert steps(compiled, long) <= 10 * len(long)


@pytest.mark.parametrize("pattern", ["a" * MAX_PATTERN + "*", "*/" * (MAX_PARTS + 1)])
def test_a_pattern_that_is_too_long_is_refused_in_words(pattern):
    with pytest.raises(
        PatternError, match=f"may have {MAX_PATTERN} characters and {MAX_PARTS} parts, and this one has"
    ):
        Pattern(pattern)
