"""How the policy of a child judges a failure: an exit becomes a verdict.

A rule calls foreign code: attributes that may be properties, their `==`, a predicate. A call that fails is no match.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from otp.exits import Crashed, Exit
from otp.foreign.causes import leaves
from otp.foreign.guard import CallFailed, Role, call, name_of, refuse_awaitable
from otp.policy import Action, FailurePolicy, Fatal, GiveUp, Limited, RestartAfter, RestartNow, Rule


class Verdict(NamedTuple):
    """What a policy says about a failure.

    Attributes:
        name: of the rule that matched.
        action: its action.
        expected: whether the restart costs no credit.
        failed: the calls into foreign code that failed meanwhile.
    """

    name: str
    action: Action
    expected: bool
    failed: tuple[CallFailed, ...] = ()


LEAF_LIMIT = 1_000
"""How many exceptions of a group are judged: the first ones."""

_GRAVITY: dict[type[Action], int] = {RestartNow: 0, RestartAfter: 1, Limited: 2, GiveUp: 3, Fatal: 4}


def classify(policy: FailurePolicy, exit: Exit) -> Verdict:
    """The verdict on an end. An exception group is as grave as the gravest of the first 1 000 exceptions in it."""
    failed: list[CallFailed] = []
    verdicts = [_verdict(policy, failure, failed) for failure in _failures(exit)]
    gravest = max(verdicts, key=_gravity)
    return gravest._replace(failed=tuple(failed)) if failed else gravest


def _gravity(verdict: Verdict) -> tuple[int, bool]:
    return _GRAVITY[type(verdict.action)], not verdict.expected


def _verdict(policy: FailurePolicy, failure: object, failed: list[CallFailed]) -> Verdict:
    rule = next((rule for rule in policy.rules if _matches(rule, failure, failed)), policy.otherwise)
    return Verdict(rule.name, rule.action, rule.expected)


def _failures(exit: Exit) -> Iterator[object]:
    if isinstance(exit, Crashed) and exit.error is not None:
        yield from islice(leaves(exit.error), LEAF_LIMIT)
    else:
        yield exit


def _matches(rule: Rule, failure: object, failed: list[CallFailed]) -> bool:
    if not _is_one_of(failure, rule.failures):
        return False
    if not all(_has(rule, failure, name, values, failed) for name, values in rule.attributes):
        return False
    return rule.where is None or _says_yes(rule, failure, failed)


def _is_one_of(failure: object, kinds: tuple[type, ...]) -> bool:
    """Whether `except` would catch it: compares types, and runs no code of the failure or of a metaclass."""
    kind = type(failure)
    return any(type.__subclasscheck__(one, kind) for one in kinds)


def _has(rule: Rule, failure: object, name: str, values: tuple[object, ...], failed: list[CallFailed]) -> bool:
    return _answer(call(Role.ATTRIBUTE, f"{rule.name}: {name}", _is_among, failure, name, values), failed)


def _is_among(failure: object, name: str, values: tuple[object, ...]) -> bool:
    value = getattr(failure, name, _MISSING)
    refuse_awaitable(Role.ATTRIBUTE, value)
    return any(value is one or _is_equal(value, one) for one in values)


def _is_equal(value: object, other: object) -> bool:
    said: object = value == other
    refuse_awaitable(Role.ATTRIBUTE, said)
    return bool(said)


def _says_yes(rule: Rule, failure: object, failed: list[CallFailed]) -> bool:
    assert rule.where is not None
    said = call(Role.WHERE, f"{rule.name}: {name_of(rule.where)}", rule.where, failure)
    if type(said) is not CallFailed:
        said = call(Role.WHERE, rule.name, bool, said)
    return _answer(said, failed)


def _answer(said: bool | CallFailed, failed: list[CallFailed]) -> bool:
    """Keep a call that failed, and take it for no match; the next rules may match."""
    if type(said) is CallFailed:
        failed.append(said)
        return False
    return said is True


_MISSING = object()
