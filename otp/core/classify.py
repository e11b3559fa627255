"""What a failure is, by the policy of its child: an exit becomes a verdict."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from otp.causes import leaves
from otp.exits import Crashed, Exit
from otp.policy import Action, Failure, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, RestartNow, Rule

__all__ = ("Verdict", "classify")


class Verdict(NamedTuple):
    """What is to be done about a failure.

    Attributes:
        name: of the rule that matched.
        action: its action.
        expected: it uses up no intensity.
    """

    name: str
    action: Action
    expected: bool


LEAF_LIMIT = 1_000
"""Exceptions of a group that are judged: the first."""

_GRAVITY: dict[type[Action], int] = {RestartNow: 0, RestartAfter: 1, Limited: 2, GiveUp: 3, Fatal: 4}


def classify(policy: FailurePolicy, exit: Exit) -> Verdict:
    """The verdict on an end. An exception group is as grave as the gravest of the first 1 000 exceptions in it."""
    verdicts = [_verdict(policy, failure) for failure in _failures(exit)]
    return max(verdicts, key=_gravity)


def _gravity(verdict: Verdict) -> tuple[int, bool]:
    return _GRAVITY[type(verdict.action)], not verdict.expected


def _verdict(policy: FailurePolicy, failure: object) -> Verdict:
    rule = next((rule for rule in policy.rules if _matches(rule, failure)), policy.otherwise)
    return Verdict(rule.name, rule.action, rule.expected)


def _failures(exit: Exit) -> Iterator[object]:
    if isinstance(exit, Crashed) and exit.error is not None:
        yield from islice(leaves(exit.error), LEAF_LIMIT)
    else:
        yield exit


def _matches(rule: Rule, failure: object) -> bool:
    if not _is_one_of(failure, rule.failures):
        return False
    if not all(_has(failure, name, values) for name, values in rule.attributes):
        return False
    return rule.where is None or _says_yes(rule, failure)


def _is_one_of(failure: object, kinds: tuple[Failure, ...]) -> bool:
    try:
        return issubclass(type(failure), kinds)  # isinstance() would ask the foreign `__class__` too
    except BaseException:  # noqa: BLE001 # of a metaclass
        return False


def _has(failure: object, name: str, values: tuple[object, ...]) -> bool:
    return getattr(failure, name, _MISSING) in values


def _says_yes(rule: Rule, failure: object) -> bool:
    assert rule.where is not None
    try:
        return bool(rule.where(failure))
    except Exception:  # noqa: BLE001 # a predicate that cannot tell has not matched; the next rules may
        return False


_MISSING = object()
