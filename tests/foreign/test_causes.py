"""Walks over exceptions are loops that end, and all stand in one place."""

import ast
import itertools
import pathlib

import pytest

from otp.foreign.causes import BOUND, causes, leaves, tame, tracebacks

ROOT = pathlib.Path(__file__).parents[2]
SOURCES = sorted(path for folder in ("otp", "services", "trees") for path in (ROOT / folder).rglob("*.py"))

LINKS = {"__cause__", "__context__", "exceptions", "tb_next", "__traceback__", "split", "subgroup"}
WALKERS = {
    "format_exception",
    "format_exc",
    "print_exception",
    "print_exc",
    "TracebackException",
    "walk_tb",
    "extract_tb",
}

ONE_STEP = {
    # redis-py wraps a refusal into one ConnectionError; these files are loaded by workers, which know nothing of otp.
    ("services/shared/redis_refusals.py", "_with_causes"),
    ("services/shared/redis_client.py", "_told"),
    # Python's own, of a bounded text, with a guard around it
    ("otp/observe/sanitize.py", "_traceback"),
    # what a service logs with its own log, cut and guarded there
    ("services/shared/logutil.py", "_trace"),
}


def links_read(tree):
    """The functions that read a link of an exception, or have Python walk one."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    modules = isinstance(node.value, ast.Name) and node.value.id in ("click", "redis", "asyncio")
                    link = node.attr in LINKS - {"split"} and not modules
                    group_split = node.attr == "split" and isinstance(node.value, ast.Name) and "err" in node.value.id
                    if link or group_split or node.attr in WALKERS:
                        yield function.name
                if isinstance(node, ast.Name) and node.id in WALKERS:
                    yield function.name


def test_nobody_else_walks_an_exception():
    found = {
        (str(path.relative_to(ROOT)), name)
        for path in SOURCES
        if path != ROOT / "otp/foreign/causes.py"
        for name in links_read(ast.parse(path.read_text()))
    }
    assert found == ONE_STEP


def test_the_look_for_walks_finds_them():
    text = "def walk(e):\n while e:\n  e = e.__cause__\ndef group(g):\n return [group(e) for e in g.exceptions]\n"
    assert set(links_read(ast.parse(text))) == {"walk", "group"}


def chain(count, link="__cause__"):
    errors = [ValueError(number) for number in range(count)]
    for error, following in itertools.pairwise(errors):
        setattr(error, link, following)
    return errors


def test_causes_are_told_each_once_beginning_with_the_exception():
    errors = chain(3)
    assert list(causes(errors[0])) == errors
    errors[2].__cause__ = errors[1]
    assert list(causes(errors[0])) == errors
    assert list(causes(None)) == []


def test_leaves_are_told_each_once_in_their_order():
    one, two, three = ValueError(1), ValueError(2), ValueError(3)
    inner = ExceptionGroup("inner", [two, one])
    assert list(leaves(ExceptionGroup("outer", [one, inner, inner, three]))) == [one, two, three]
    assert list(leaves(one)) == [one]


def test_a_walk_ends_at_its_bound():
    assert len(list(causes(chain(BOUND + 5)[0]))) == BOUND
    assert len(list(leaves(ExceptionGroup("wide", chain(BOUND + 5))))) == BOUND - 1
    deep = ValueError("never reached")
    for _ in range(BOUND + 5):
        deep = ExceptionGroup("level", [deep])
    assert list(leaves(deep)) == [deep]


def test_a_traceback_is_told_from_the_outside_in():
    def inner():
        raise ValueError

    try:
        inner()
    except ValueError as error:
        names = [step.tb_frame.f_code.co_name for step in tracebacks(error)]
    assert names == ["test_a_traceback_is_told_from_the_outside_in", "inner"]


@pytest.mark.parametrize("link", ["__cause__", "__context__"])
@pytest.mark.parametrize("count", [1, 2, 500])
def test_what_is_tame_has_no_circle_and_is_else_as_it_was(link, count):
    errors = chain(count, link)
    setattr(errors[-1], link, errors[count // 2])
    for error in errors:
        error.__suppress_context__ = False
    assert tame(errors[0]) is errors[0]
    assert [getattr(error, link) for error in errors] == [*errors[1:], None]
    assert not any(error.__suppress_context__ for error in errors)


def test_a_chain_that_ends_is_left_alone():
    errors = chain(1_000, "__context__")
    assert tame(errors[0]) is errors[0]
    assert [error.__context__ for error in errors] == [*errors[1:], None]


def test_the_leaves_of_a_group_are_tamed_too():
    leaf = ValueError("leaf")
    leaf.__context__ = leaf
    group = ExceptionGroup("group", [ExceptionGroup("inner", [leaf])])
    assert tame(group) is group
    assert leaf.__context__ is None


def test_a_group_that_split_could_not_walk_becomes_one_of_its_leaves():
    leaf = KeyboardInterrupt()
    deep = shared = leaf
    for _ in range(1_000):
        deep = BaseExceptionGroup("level", [deep])
    for _ in range(64):
        shared = BaseExceptionGroup("level", [shared, shared])
    for group in (deep, shared):
        assert tame(group).exceptions == (leaf,)
    assert type(tame(ExceptionGroup("wide", chain(BOUND + 1)))) is ExceptionGroup
