"""Failure policies: which failure gets which action. An ordered table, as data, that no worker knows of.

    PROVIDER = FailurePolicy(
        on(ProviderClosed, RestartNow(then=Backoff(0.5, cap=30.0)), code=(1012, 1013), expected=True),
        on((ConnectRefused, TimeoutError), RestartAfter(Backoff(0.5, cap=30.0))),
        on(AuthFailed, Fatal()),
        otherwise=Limited(3, within=60.0),
    )

    worker("ws_worker", stream.run, config.feed, policy=PROVIDER)

A policy says when a child that is to be restarted is restarted, and whether at all. Which ends want a restart is the
child's restart type (S16); how many restarts are too many is its supervisor's intensity (S27). Without a policy a
restart comes at once, as in OTP (D5).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from otp.checks import values as checks
from otp.checks.functions import check_plain
from otp.errors import SpecError
from otp.exits import Killed, Normal, Shutdown
from otp.text.quoting import type_name

__all__ = (
    "Action",
    "Backoff",
    "Failure",
    "FailurePolicy",
    "Fatal",
    "GiveUp",
    "Limited",
    "RestartAfter",
    "RestartNow",
    "Rule",
    "on",
)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that grow: `initial`, times `factor` with each failure in a row, `cap` at the most.

    Attributes:
        initial: seconds before the first.
        factor: what each is multiplied by; 1: they stay the same.
        cap: seconds, the longest.
        jitter: share of a delay by which it may be shorter or longer, so that many children do not restart in step.
    """

    initial: float = 0.5
    factor: float = 2.0
    cap: float = 30.0
    jitter: float = 0.2

    def __post_init__(self) -> None:
        initial = checks.bounded("initial", self.initial, f"seconds, {checks.SHORTEST:g} or more", checks.SHORTEST)
        checks.keep(self, "initial", initial)
        checks.keep(self, "factor", checks.bounded("factor", self.factor, "1 or more", 1.0))
        checks.keep(self, "cap", checks.bounded("cap", self.cap, "seconds, initial or more", initial))
        checks.keep(self, "jitter", checks.bounded("jitter", self.jitter, "a share from 0 to 1", 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class RestartNow:
    """Restart at once; later failures of the same streak wait by the backoff `then`, if there is one."""

    then: Backoff | None = None

    def __post_init__(self) -> None:
        if self.then is not None and type(self.then) is not Backoff:  # pyright: ignore[reportUnnecessaryComparison] # for the unchecked
            raise checks.wrong(
                "then of RestartNow", "a Backoff or None", self.then, "write RestartNow(then=Backoff(0.5))"
            )


@dataclass(frozen=True, slots=True)
class RestartAfter:
    """Restart after a delay that grows within a streak."""

    backoff: Backoff = Backoff()

    def __post_init__(self) -> None:
        if type(self.backoff) is not Backoff:  # pyright: ignore[reportUnnecessaryComparison] # for the unchecked
            raise checks.wrong("backoff of RestartAfter", "a Backoff", self.backoff, "write RestartAfter(Backoff(0.5))")


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not restart this child: it is parked as `failed`, its siblings go on, and an operator may restart it."""


@dataclass(frozen=True, slots=True)
class Fatal:
    """Do not restart anything: the tree stops in order, and the process ends with exit code 78."""


@dataclass(frozen=True, slots=True)
class Limited:
    """Restart within a budget of its own for this class of failure.

    Attributes:
        n: restarts allowed within `within`.
        within: seconds.
        then: the action for one failure more; None: the supervisor gives up, as over its intensity (S31), and the one
            above decides.
        retry: how the child is restarted within the budget.
    """

    n: int
    within: float
    then: GiveUp | Fatal | None = None
    retry: RestartNow | RestartAfter = RestartNow()

    def __post_init__(self) -> None:
        checks.keep(self, "n", checks.whole("n", self.n, "a whole number of restarts, 1 or more", least=1))
        checks.keep(self, "within", checks.bounded("within", self.within, "finite seconds above 0", checks.ABOVE_0))
        if self.then is not None and type(self.then) not in (GiveUp, Fatal):
            raise checks.wrong("then", "GiveUp(), Fatal() or None", self.then)
        if type(self.retry) not in (RestartNow, RestartAfter):
            raise checks.wrong("retry", "RestartNow() or RestartAfter()", self.retry)


Action = RestartNow | RestartAfter | Limited | GiveUp | Fatal

Failure = type[BaseException] | type[Normal] | type[Shutdown] | type[Killed]
"""What a rule may match: an exception type, or the way in which a child ended without one."""


_PAIRS = "pairs of a name and a tuple of values; write on(failure, action, code=1012)"

_ACTIONS = (RestartNow, RestartAfter, Limited, GiveUp, Fatal)


def _check_action(what: str, action: object) -> None:
    if type(action) not in _ACTIONS:  # a subclass is refused too: it might mean something else
        raise checks.wrong(what, "RestartNow(), RestartAfter(), Limited(), GiveUp() or Fatal()", action)


def _as_failure(failure: Any) -> Failure:
    known = checks.is_a(failure, type) and issubclass(failure, BaseException | Normal | Shutdown | Killed)
    if not known:
        raise checks.wrong("on()", "an exception type, Normal, Shutdown or Killed", failure)
    return cast("Failure", failure)


def _as_attribute(pair: object) -> tuple[str, tuple[object, ...]]:
    what = "attributes of a Rule"
    name, *values = checks.arguments(what, pair) or ("",)
    if len(values) != 1 or not checks.is_a(name, str) or not checks.is_a(values[0], tuple):
        raise checks.wrong(what, _PAIRS, pair)
    return name, values[0]


def _as_tuple(value: object) -> tuple[object, ...]:
    return cast("tuple[object, ...]", value) if checks.is_a(value, tuple) else (value,)


def _name_for(failure: type) -> str:
    words = type_name(failure).rpartition(".")[2]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", words).lower()
    return words[: checks.NAME_LIMIT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the table. Built by `on()`, which describes the fields."""

    name: str
    failures: tuple[Failure, ...]
    action: Action
    attributes: tuple[tuple[str, tuple[object, ...]], ...] = ()
    where: Callable[[Any], bool] | None = None
    expected: bool = False

    def __post_init__(self) -> None:
        expected = "types; write on(failure, action)"
        failures = tuple(map(_as_failure, checks.each("failures of a Rule", self.failures, expected)))
        if not failures:
            raise checks.wrong("on() without a failure", "at least one type", failures)
        checks.keep(self, "failures", failures)
        unnamed = type(self.name) is str and not self.name
        checks.keep(self, "name", _name_for(failures[0]) if unnamed else checks.name("name of a rule", self.name))
        _check_action("action", self.action)
        checks.keep(
            self, "attributes", tuple(map(_as_attribute, checks.each("attributes of a Rule", self.attributes, _PAIRS)))
        )
        if self.where is not None:
            check_plain(
                "where= of on()", self.where, "failure", instead="write where=lambda failure: failure.code < 500"
            )
        checks.flag("expected", self.expected)
        if self.expected and type(self.action) is RestartNow and self.action.then is None:
            raise SpecError(
                "expected=True with RestartNow() costs nothing and waits for nothing, which is a hot loop; "
                "write RestartNow(then=Backoff()), or drop expected"
            )


def on(
    failure: Failure | tuple[Failure, ...],
    action: Action,
    *,
    name: str = "",
    where: Callable[[Any], bool] | None = None,
    expected: bool = False,
    **attributes: object,
) -> Rule:
    """A rule: what `failure` gets.

    Args:
        failure: exception types, or `Normal`, `Shutdown`, `Killed` for a child that ended so and is to be restarted.
        action: what a failure that matches gets.
        name: of the verdict, for events, log, incidents and metrics; by default that of the first type.
        where: a function of the failure; one that raises does not match, and `CallbackFailed` says so once.
        expected: whether the failure was announced, or is part of the business: a restart over it costs no credit of the
            supervisor. The delays of its action keep it from becoming a hot loop.
        attributes: what the failure's attributes have to be, as `code=1012` or `code=(1012, 1013)`. One that raises
            when it is read or compared does not match, and `CallbackFailed` says so once.

    Raises:
        SpecError: the rule could never match, or would make a hot loop.
    """
    return Rule(
        name=name,
        failures=cast("tuple[Failure, ...]", _as_tuple(failure)),
        action=action,
        attributes=tuple((key, _as_tuple(value)) for key, value in attributes.items()),
        where=where,
        expected=expected,
    )


UNCLASSIFIED = Rule(name="unclassified", failures=(BaseException,), action=RestartNow())
"""The rule for a failure that no other rule matches: a restart at once, as in OTP."""


HEALTHY_AFTER = 60.0
"""Seconds up after which a child is healthy, unless its policy says otherwise."""


class FailurePolicy:
    """The rules, in their order: for each failure the first that matches counts.

    Attributes:
        rules: as given.
        otherwise: the rule for failures that no other rule matches; by default a restart at once, as in OTP.
        healthy_after: seconds up after which a child is healthy, so that its next failure begins a new streak.
    """

    __slots__ = ("healthy_after", "otherwise", "rules")

    def __init__(self, *rules: Rule, otherwise: Action | None = None, healthy_after: float = HEALTHY_AFTER) -> None:
        for rule in rules:
            if not checks.is_a(rule, Rule):
                raise checks.wrong("FailurePolicy()", "rules", rule, "write on(failure, action)")
        if otherwise is not None:
            _check_action("otherwise", otherwise)
        self.rules = rules
        self.healthy_after = checks.bounded("healthy_after", healthy_after, "seconds above 0", checks.ABOVE_0)
        self.otherwise = (
            UNCLASSIFIED
            if otherwise is None
            else Rule(name=UNCLASSIFIED.name, failures=UNCLASSIFIED.failures, action=otherwise)
        )

    def __repr__(self) -> str:
        return f"FailurePolicy({', '.join(rule.name for rule in self.rules)})"
