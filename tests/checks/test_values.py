"""Texts about foreign values are short and on one line, whatever the value does; names of types are Python's own."""

import pytest

from otp.checks.values import MOST
from otp.errors import SpecError
from otp.policy import Backoff, FailurePolicy, Limited, RestartAfter, RestartNow, on
from otp.spec import supervisor, worker
from otp.text.quoting import QUOTED_LIMIT, TEXT_LIMIT, quoted, text_of, type_name
from otp.watchdog import Watchdog


async def run():
    """Never called."""


class Silent:
    def __repr__(self):
        raise KeyboardInterrupt

    __str__ = __repr__


@pytest.mark.parametrize("value", ["a", 5, 2.5, None, (1, 2), [1], {"a": 1}, b"x", run, Silent, ...], ids=repr)
def test_what_is_short_is_quoted_as_repr_shows_it(value):
    assert quoted(value) == repr(value)


def test_what_cannot_be_shown_is_named():
    here = f"{__name__}.Silent"
    assert quoted(Silent()) == f"<{here} whose repr() raised KeyboardInterrupt>"
    assert text_of(Silent()) == "<str() raised KeyboardInterrupt>"


@pytest.mark.parametrize(
    "value",
    ["x" * 10**7, [0] * 10**6, list(range(10**6)), 10**5_000, {"a": [[[[[5]]]]] * 1_000}],
    ids=["text", "list", "range", "number", "dict"],
)
def test_what_is_long_is_cut(value):
    assert len(quoted(value)) <= QUOTED_LIMIT
    assert len(text_of("y\n" * 10**6)) == TEXT_LIMIT


def test_what_moves_the_cursor_is_not_shown():
    assert text_of("a\x1b[2J\nb\u202e") == "a [2J b "
    assert type_name(type("T\x1b", (), {"__module__": "m\n"})) == "m .T "


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: worker("w", run, shutdown=10**400), r"shutdown of 'w': expected seconds \(0 or more\)"),
        (lambda: Limited(3, within=10**400), "within: expected finite seconds above 0"),
        (lambda: worker("w", run, needs=5), r"needs of 'w': expected names of dependencies, got 5; write needs=\(…,\)"),
        (lambda: worker("w", run, needs="redis"), r"got 'redis'; write needs=\('redis',\)"),
        (
            lambda: supervisor("s", dependencies=None),
            "dependencies of supervisor 's': expected dependencies, got None; ",
        ),
        (
            lambda: supervisor("s", children=None),
            "children of supervisor 's': expected specs, got None; write children",
        ),
        (
            lambda: supervisor("s", children=(1 / 0 for _ in "a")),
            "got an iterable that raised ZeroDivisionError: division",
        ),
        (lambda: worker("w", run, needs=("d" for _ in range(MOST + 1))), f"got more than {MOST} of them"),
        (lambda: RestartNow(then=5), "then of RestartNow: expected a Backoff or None, got 5; write RestartNow"),
        (lambda: RestartAfter(5), "backoff of RestartAfter: expected a Backoff, got 5; write RestartAfter"),
        (lambda: FailurePolicy(otherwise=5), r"otherwise: expected RestartNow\(\), RestartAfter\(\)"),
        (
            lambda: on(ValueError, RestartNow(), where=5),
            r"where= of on\(\): expected a plain function of 1 argument \(failure\), got 5; write where=lambda failure",
        ),
        (lambda: on(ValueError, RestartNow(), name=5), "name of a rule: expected a name, got 5"),
        (
            lambda: worker("x" * 10_001, run),
            "id: expected a name of 10000 characters at the most, got 'xxx.*; it has 10001",
        ),
        (
            lambda: supervisor("s", intensity=2**64),
            "a whole number of restarts, 0 or more, 9223372036854775807 at the most",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_with_what_to_write_instead(build, message):
    with pytest.raises(SpecError, match=message):
        build()


@pytest.mark.parametrize(
    "build", [lambda: Watchdog(within=1e-9), lambda: Backoff(1e-9), lambda: worker("w", run, watchdog=1e-9)]
)
def test_what_would_pace_a_loop_that_never_rests_is_refused(build):
    with pytest.raises(SpecError, match=r"0\.001 or more"):
        build()


def test_the_error_of_a_generator_is_the_cause():
    with pytest.raises(SpecError) as refused:
        supervisor("s", children=(1 / 0 for _ in "a"))
    assert type(refused.value.__cause__) is ZeroDivisionError
