"""A machine whose children note each change of their state, and refuse one that the table of transitions does not have."""

from collections.abc import Callable
from typing import cast

from msgspec import Struct, field

from otp.core.child import Child, ChildState
from otp.core.machine import SupervisorMachine
from otp.core.transitions import TRANSITIONS
from otp.spec import AnySpec, SupervisorSpec

Transition = tuple[ChildState, ChildState]


class Transitions(Struct, eq=False):
    """What has been seen, by all copies of a world."""

    seen: set[Transition] = field(default_factory=set[Transition])

    def note(self, path: str, before: ChildState, after: ChildState) -> None:
        """A child goes from one state to another; to stay is no transition.

        Raises:
            AssertionError: the table does not have it.
        """
        if before is after:
            return
        assert after in TRANSITIONS[before], f"{path} goes from {before} to {after}, which is no transition of a child"
        self.seen.add((before, after))


def observed(transitions: Transitions) -> Callable[[SupervisorSpec, str], SupervisorMachine]:
    """What makes machines whose children note their transitions there."""
    return lambda spec, path: _ObservedMachine(spec, path, transitions)


class _ObservedMachine(SupervisorMachine):
    def __init__(self, spec: SupervisorSpec, path: str, transitions: Transitions) -> None:
        self.transitions = transitions
        super().__init__(spec, path)

    def new_child(self, spec: AnySpec) -> Child:
        child = super().new_child(spec)
        new = _ObservedChild(spec, child.path)
        new.paused = child.paused
        new.transitions = self.transitions
        return new


class _ObservedChild(Child):
    __slots__ = ("transitions",)
    transitions: Transitions

    @property
    def state(self) -> ChildState:  # pyright: ignore[reportIncompatibleVariableOverride] # a slot above
        return cast("ChildState", _STATE.__get__(self))

    @state.setter
    def state(self, state: ChildState) -> None:
        if hasattr(self, "state"):  # else it is being made, or copied
            self.transitions.note(self.path, self.state, state)
        _STATE.__set__(self, state)


_STATE = Child.__dict__["state"]
