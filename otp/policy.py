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

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from otp.errors import SpecError
from otp.exits import Killed, Normal, Shutdown

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


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check(what: str, value: object, expected: str, *, ok: bool) -> None:
    if not ok:
        raise SpecError(f"{what}: expected {expected}, got {value!r}")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that grow: `initial`, times `factor` with each failure in a row, `cap` at the most.

    Attributes:
        initial: seconds before the first.
        factor: what each is multiplied by; 1: they stay the same.
        cap: seconds, the longest.
        jitter: share of a delay by which it may be shorter or longer, so that many do not come back in step.
    """

    initial: float = 0.5
    factor: float = 2.0
    cap: float = 30.0
    jitter: float = 0.2

    def __post_init__(self) -> None:
        _check("initial", self.initial, "seconds above 0", ok=_is_finite(self.initial) and self.initial > 0)
        _check("factor", self.factor, "1 or more", ok=_is_finite(self.factor) and self.factor >= 1)
        _check("cap", self.cap, "seconds, initial or more", ok=_is_finite(self.cap) and self.cap >= self.initial)
        _check("jitter", self.jitter, "a share from 0 to 1", ok=_is_finite(self.jitter) and 0 <= self.jitter <= 1)


@dataclass(frozen=True, slots=True)
class RestartNow:
    """Restart at once; the next ones in the same streak by the backoff, if there is one."""

    then: Backoff | None = None


@dataclass(frozen=True, slots=True)
class RestartAfter:
    """Restart after a delay that grows within a streak."""

    backoff: Backoff = Backoff()


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not restart this child: it is parked as `failed`, its siblings live, an operator may restart it."""


@dataclass(frozen=True, slots=True)
class Fatal:
    """Do not restart anything: the tree stops in order, and the process ends with exit code 78."""


@dataclass(frozen=True, slots=True)
class Limited:
    """A budget of its own for this class of failure.

    Attributes:
        n: restarts that are fine within `within`.
        within: seconds.
        then: what the next one gets; None: the supervisor gives up, as over its intensity (S31), and the one above
            decides.
        retry: how those within the budget are restarted.
    """

    n: int
    within: float
    then: GiveUp | Fatal | None = None
    retry: RestartNow | RestartAfter = RestartNow()

    def __post_init__(self) -> None:
        whole = isinstance(self.n, int) and not isinstance(self.n, bool)  # pyright: ignore[reportUnnecessaryIsInstance] # for the unchecked
        _check("n", self.n, "a whole number of restarts, 1 or more", ok=whole and self.n >= 1)
        _check("within", self.within, "finite seconds above 0", ok=_is_finite(self.within) and self.within > 0)
        _check("then", self.then, "GiveUp(), Fatal() or None", ok=isinstance(self.then, GiveUp | Fatal | None))  # pyright: ignore[reportUnnecessaryIsInstance] # for the unchecked
        _check(
            "retry",
            self.retry,
            "RestartNow() or RestartAfter()",
            ok=isinstance(self.retry, RestartNow | RestartAfter),  # pyright: ignore[reportUnnecessaryIsInstance] # for the unchecked
        )


Action = RestartNow | RestartAfter | Limited | GiveUp | Fatal

Failure = type[BaseException] | type[Normal] | type[Shutdown] | type[Killed]
"""What a rule may match: an exception type, or the way in which a child ended without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the table. Built by `on()`, which describes the fields."""

    name: str
    failures: tuple[Failure, ...]
    action: Action
    attributes: tuple[tuple[str, tuple[object, ...]], ...] = ()
    where: Callable[[Any], bool] | None = None
    expected: bool = False


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
        action: what is to be done.
        name: of the verdict, for events, log, incidents and metrics; by default that of the first type.
        where: looks at the failure itself; one that raises does not match.
        expected: it was announced, or is part of the business: it uses up no intensity of the supervisor. The spacing
            of its action keeps it from becoming a hot loop.
        attributes: what the failure's attributes have to be, as `code=1012` or `code=(1012, 1013)`.

    Raises:
        SpecError: the rule could never match, or would make a hot loop.
    """
    failures = failure if isinstance(failure, tuple) else (failure,)
    for one in failures:
        known = isinstance(one, type) and issubclass(one, BaseException | Normal | Shutdown | Killed)  # pyright: ignore[reportUnnecessaryIsInstance] # for the unchecked
        _check("on()", one, "an exception type, Normal, Shutdown or Killed", ok=known)
    _check("on() without a failure", failures, "at least one type", ok=bool(failures))
    _check("action", action, "RestartNow(), RestartAfter(), Limited(), GiveUp() or Fatal()", ok=_is_action(action))
    if expected and isinstance(action, RestartNow) and action.then is None:
        raise SpecError(
            "expected=True with RestartNow() costs nothing and waits for nothing, which is a hot loop; "
            "write RestartNow(then=Backoff()), or drop expected"
        )
    return Rule(
        name=name or _snake(failures[0].__name__),
        failures=failures,
        action=action,
        attributes=tuple((key, _as_tuple(value)) for key, value in attributes.items()),
        where=where,
        expected=expected,
    )


UNCLASSIFIED = Rule(name="unclassified", failures=(BaseException,), action=RestartNow())
"""What a failure gets that no rule matches: OTP's answer."""


HEALTHY_AFTER = 60.0
"""Seconds up after which a child has recovered, unless its policy says otherwise."""


class FailurePolicy:
    """The rules, in their order: for each failure the first that matches counts.

    Attributes:
        rules: as given.
        otherwise: for what no rule matches; by default a restart at once, as in OTP.
        healthy_after: seconds up after which a child has recovered: its next failure begins a new streak.
    """

    __slots__ = ("healthy_after", "otherwise", "rules")

    def __init__(self, *rules: Rule, otherwise: Action | None = None, healthy_after: float = HEALTHY_AFTER) -> None:
        for rule in rules:
            _check("FailurePolicy()", rule, "rules; write on(failure, action)", ok=isinstance(rule, Rule))  # pyright: ignore[reportUnnecessaryIsInstance] # for the unchecked
        _check("healthy_after", healthy_after, "seconds above 0", ok=_is_finite(healthy_after) and healthy_after > 0)
        _check("otherwise", otherwise, "an action or None", ok=otherwise is None or _is_action(otherwise))
        self.rules = rules
        self.healthy_after = healthy_after
        self.otherwise = (
            UNCLASSIFIED
            if otherwise is None
            else Rule(name=UNCLASSIFIED.name, failures=UNCLASSIFIED.failures, action=otherwise)
        )

    def __repr__(self) -> str:
        return f"FailurePolicy({', '.join(rule.name for rule in self.rules)})"


def _is_action(action: object) -> bool:
    return isinstance(action, RestartNow | RestartAfter | Limited | GiveUp | Fatal)


def _as_tuple(value: object) -> tuple[object, ...]:
    return cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
