"""Which children a command means."""

import pytest

from otp.control.wire.targets import SHOWN, Node, NoSuchChild, TooMany, absolute, chosen, one


def nodes(*paths):
    return [Node(path, "running", "") for path in ("shop", *(f"shop/{path}" for path in paths))]


TREE = nodes("a", "workers", "workers/b", "workers/c", "workers/deep", "workers/deep/b")


def paths(pattern, **options):
    return [node.path for node in chosen(TREE, pattern, **options)]


@pytest.mark.parametrize("path", ["workers/b", "shop/workers/b", "/workers/b/", "/shop//workers/b"])
def test_a_path_names_one_child_with_or_without_the_root_in_front(path):
    assert paths(path, many=False) == ["shop/workers/b"]


def test_the_root_is_named_by_its_id():
    assert paths("shop", many=False) == ["shop"]
    assert absolute("shop", "shop") == "shop"


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("workers/*", ["shop/workers/b", "shop/workers/c", "shop/workers/deep"]),
        ("*", ["shop/a", "shop/workers"]),
        ("**/b", ["shop/workers/b", "shop/workers/deep/b"]),
        ("workers/[bc]", ["shop/workers/b", "shop/workers/c"]),
        ("?", ["shop/a"]),
    ],
)
def test_a_pattern_names_all_that_fit_in_start_order(pattern, named):
    assert paths(pattern) == named


def test_of_those_within_each_other_only_the_outermost_is_named():
    assert paths("**") == ["shop"]
    assert paths("workers/**") == ["shop/workers"]


def test_more_than_one_has_to_be_meant_and_the_message_names_them():
    with pytest.raises(TooMany, match=r"workers/\* names 3 children: shop/workers/b, .*; add --all"):
        paths("workers/*", many=False)
    assert paths("workers/deep/*", many=False) == ["shop/workers/deep/b"]


def test_a_look_at_one_wants_exactly_one():
    assert one(TREE, "**/deep").path == "shop/workers/deep"
    with pytest.raises(TooMany, match=r"\*\*/b names 2 children: .*; name one of them"):
        one(TREE, "**/b")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("c", "there is no child shop/c; did you mean shop/workers/c?"),
        ("wrkers", "there is no child shop/wrkers; did you mean shop/workers"),
        ("zzzzzzzz", "there is no child shop/zzzzzzzz; there are shop/a, shop/workers"),
        ("zz*", "no child matches shop/zz*; there are shop/a"),
        ("", "no child is named; there are shop/a"),
        ("///", "no child is named; there are shop/a"),
    ],
)
def test_what_nobody_is_called_is_answered_with_what_could_be_meant(path, says):
    with pytest.raises(NoSuchChild) as raised:
        chosen(TREE, path)
    assert says in str(raised.value)


def test_a_message_lists_only_some_of_many():
    many = nodes(*(f"w{number}" for number in range(100)))
    with pytest.raises(TooMany, match=rf"names 100 children: .* and {100 - SHOWN} more;"):
        chosen(many, "w*", many=False)
    with pytest.raises(NoSuchChild, match=rf"and {100 - SHOWN} more"):
        chosen(many, "x*")


def test_a_path_spelt_wrong_is_found_by_what_it_shares_with_the_right_one():
    with pytest.raises(NoSuchChild, match="did you mean shop/workers/deep"):
        chosen(TREE, "shop/wokers/dep")
