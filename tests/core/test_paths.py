"""The arithmetic of paths."""

from otp.core.paths import ancestors, below_root, id_of, is_within, join, parent_of, parts


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


def test_a_path_has_an_id_and_a_parent_and_the_root_has_none():
    assert (parent_of("massive/workers/ws"), id_of("massive/workers/ws")) == ("massive/workers", "ws")
    assert (parent_of("massive"), id_of("massive")) == ("", "massive")


def test_the_ancestors_are_those_above_the_nearest_first():
    assert list(ancestors("massive/workers/ws")) == ["massive/workers", "massive"]
    assert list(ancestors("massive")) == []


def test_below_the_root_its_id_is_left_out():
    assert below_root("massive/workers/ws") == "workers/ws"
    assert below_root("massive") == ""
