"""Paths, and the patterns that name several of them."""

import pytest

from otp.core.paths import is_pattern, is_within, join, matches, parts


def test_a_path_is_joined_and_taken_apart_whatever_slashes_stand_at_its_ends():
    assert join("", "massive") == "massive"
    assert join("massive", "workers") == "massive/workers"
    assert parts("/massive//workers/") == ("massive", "workers")
    assert parts("") == ()


def test_within_is_the_path_itself_and_what_is_below_it_and_not_who_is_called_alike():
    assert is_within("a/b", "a/b")
    assert is_within("a/b/c", "a/b")
    assert not is_within("a/bc", "a/b")
    assert not is_within("a", "a/b")


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
