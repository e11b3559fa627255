"""Checks of the options that workers and supervisors share (S4, S6, S7)."""

import math
from enum import StrEnum
from typing import Protocol

from otp.checks import values as checks
from otp.errors import SpecError
from otp.policy import FailurePolicy
from otp.spec.options import DEEPEST, Grace, Restart
from otp.text.quoting import quoted


class _Spec(Protocol):
    """The fields that both kinds of spec have."""

    @property
    def id(self) -> str: ...
    @property
    def restart(self) -> Restart: ...
    @property
    def shutdown(self) -> Grace: ...
    @property
    def significant(self) -> bool: ...
    @property
    def policy(self) -> FailurePolicy | None: ...


def check_child(spec: _Spec) -> None:
    """Check, and keep as plain values, what workers and supervisors have in common (S4, S6, S7)."""
    id = _as_id(spec.id)
    if id is not spec.id:
        checks.keep(spec, "id", id)
    check_member("restart", spec.restart, Restart, id)
    _check_shutdown(spec)
    check_flag("significant", spec.significant, id)
    if spec.policy is not None and not checks.is_a(spec.policy, FailurePolicy):
        raise checks.wrong(
            f"policy of {quoted(spec.id)}", "a FailurePolicy", spec.policy, "write FailurePolicy(on(…), …)"
        )
    if spec.significant and spec.restart is Restart.PERMANENT:
        raise SpecError(
            f"child {quoted(spec.id)} is significant=True and restart=permanent, so it never ends for good; "
            "make it Restart.TRANSIENT or Restart.TEMPORARY, or drop significant"
        )


def check_member(name: str, value: object, members: type[StrEnum], owner: str) -> None:
    """Raise `SpecError` unless the field `name` of the child `owner` is a member of the enum."""
    if type(value) is not members:
        checks.member(f"{name} of {quoted(owner)}", value, members)


def check_flag(name: str, value: object, owner: str) -> None:
    """Raise `SpecError` unless the field `name` of the child `owner` is True or False."""
    if type(value) is not bool:
        checks.flag(f"{name} of {quoted(owner)}", value)


def check_levels(id: str, levels: int) -> None:
    """Raise `SpecError` if a tree has more than `DEEPEST` levels of supervisors.

    Args:
        id: of the child that the error names.
        levels: of the tree that has it.
    """
    if levels > DEEPEST:
        raise SpecError(
            f"supervisor {quoted(id)}: expected a tree of {DEEPEST} levels of supervisors at the most, got {levels}; "
            "put children side by side"
        )


_NOT_IN_IDS = frozenset("/*?[]")


def _as_id(id: object) -> str:
    found = checks.text(id)
    if not found:
        raise checks.wrong("id", "a name", id)
    if any(c in _NOT_IN_IDS or c.isspace() or not c.isprintable() for c in found[: checks.NAME_LIMIT]):
        raise SpecError(f"id {quoted(id)}: expected a name without blanks and any of / * ? [ ], which paths use")
    return checks.name("id", found)


def _check_shutdown(spec: _Spec) -> None:
    grace: object = spec.shutdown
    if type(grace) is float and grace >= 0:
        return
    if checks.text(grace) == "brutal_kill":
        checks.keep(spec, "shutdown", "brutal_kill")
        return
    expected = "seconds (0 or more), math.inf or 'brutal_kill'"
    checks.keep(spec, "shutdown", checks.bounded(f"shutdown of {quoted(spec.id)}", grace, expected, 0.0, math.inf))
