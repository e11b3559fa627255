"""Copies of a small world, and what two worlds with the same future have in common."""

import math
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from functools import cache
from types import FunctionType, NoneType
from typing import Any

from msgspec import Struct

from otp.core.child import Child
from otp.core.intensity import RestartWindow
from otp.spec import ChildSpec, SupervisorSpec
from otp.testing.branch import Branch
from otp.testing.world import World

Memo = dict[int, Any]
Children = dict[str, Child]

_ATOMS: tuple[type, ...] = (NoneType, bool, int, float, str, frozenset, Enum)
_SPECS = (ChildSpec, SupervisorSpec)
_UNCHANGING: tuple[type, ...] = (*_ATOMS, *_SPECS, Struct, BaseException, type, FunctionType)


@cache
def _slots(kind: type) -> tuple[str, ...]:
    return tuple(name for above in kind.__mro__ for name in getattr(above, "__slots__", ()))


# ------------------------------------------------------------------------------------------------ copies


def fork(world: World) -> World:
    """A world that goes its own way from here. What never changes is shared with the old one."""
    copy: World = _copy(world, {})
    return copy


def _copy(thing: Any, memo: Memo) -> Any:
    kind: type = thing.__class__
    if kind in _SHARED:
        return thing
    if kind in _COPIERS:
        return _COPIERS[kind](thing, memo)
    if issubclass(kind, _UNCHANGING):
        _SHARED.add(kind)
        return thing
    return memo.get(id(thing)) or _copy_object(thing, memo)


def _copy_object(thing: Any, memo: Memo) -> Any:
    kind = thing.__class__
    new = memo[id(thing)] = kind.__new__(kind)
    for name in _slots(kind):
        value = getattr(thing, name)
        setattr(new, name, value if value.__class__ in _SHARED else _copy(value, memo))
    if (attributes := getattr(thing, "__dict__", None)) is not None:
        new.__dict__ = _copy_dict(attributes, memo)
    return new


def _copy_dict(things: dict[str, Any], memo: Memo) -> dict[str, Any]:
    return {key: thing if thing.__class__ in _SHARED else _copy(thing, memo) for key, thing in things.items()}


_SHARED: set[type] = set()  # the kinds that were found to be unchanging
_COPIERS: dict[type, Callable[[Any, Memo], Any]] = {
    list: lambda things, memo: [_copy(thing, memo) for thing in things],
    tuple: lambda things, memo: tuple([_copy(thing, memo) for thing in things]),
    deque: lambda things, memo: deque([_copy(thing, memo) for thing in things]),
    dict: _copy_dict,
    set: lambda things, _: set(things),
}


# ------------------------------------------------------------------------------------------------ imprints


def imprint(world: World) -> tuple[object, ...]:
    """All of a world that matters for what can still happen, as a key.

    Worlds with the same imprint have the same future but for names and numbers: what breaks a promise in one breaks it
    in the other, so it is enough to go on from one of them. What is left out, and why that is sound:

    - counters, values given to `started()`, when a child ended, events: no decision reads them; streaks and delays: only
      policies read them, so they are kept of children that have one;
    - the clock: decisions compare times and nothing else, so a time is kept as how long ago it was, and a stamp that
      has left the window only as such;
    - the numbers of generations: they are only compared, so how far one is behind the newest is kept;
    - messages and tracebacks of errors: their types are kept;
    - which object it is: where it was met first is kept.

    All else is part of it, also what a machine has got since this was written.
    """
    return tuple(world.open), world.stopped, world.exit is None, world.down, _branch(world.root, world.now)


def _branch(branch: Branch, now: float) -> tuple[object, ...]:
    machine, witness = branch.machine, branch.witness
    reader = _Reader(machine.children, now)
    oldest = now - machine.spec.period
    return (
        (branch.up, branch.ordered, branch.refused, branch.done, witness.stopping, witness.brutal),
        reader.parts(machine),
        tuple([_body(id, branch, now) for id in sorted(branch.live)]),
        tuple([(*reader.struct(timer), at - now) for timer, at in branch.timers.items()]),
        reader.items(branch.notes),
        frozenset(witness.were_up or ()),
        frozenset(witness.set_aside),
        frozenset(witness.kept_down),
        frozenset(witness.by_request),
        tuple([now - stamp for stamp in witness.stamps if stamp >= oldest]),
        tuple([(id, plan is machine.plan, older) for id, (plan, older) in witness.terminated.items()]),
    )


def _body(id: str, above: Branch, now: float) -> tuple[object, ...]:
    body = above.live[id]
    age = _age(above.machine.children, id, body.generation)
    if isinstance(body, Branch):
        return id, age, _branch(body, now)
    return id, age, body.up, body.ordered, body.refused


def _age(children: Children, id: str, generation: int) -> object:
    """How many generations ago that was; nobody can tell of a child that is forgotten."""
    child = children.get(id)
    return child.generation - generation if child is not None else ("forgotten", generation)


_LEFT_OUT = frozenset(
    (
        *("now", "path", "effects", "transitions"),
        *("generation", "value", "crashes", "manual", "collateral", "downtime", "down_since", "verdict"),
        *("streak", "up_since", "retry_at", "_budgets"),  # of a child with a policy they are read: see `policy`
    )
)


@cache
def _names(kind: type) -> tuple[str, ...]:
    """What is read of a thing of this kind."""
    fields: tuple[str, ...] = getattr(kind, "__struct_fields__", ())
    return tuple(name for name in fields or _slots(kind) if name not in _LEFT_OUT)


class _Reader:
    """Reads what belongs to one machine."""

    def __init__(self, children: Children, now: float) -> None:
        self._children = children
        self._now = now
        self._met: dict[int, int] = {}

    def read(self, thing: Any) -> object:
        kind = thing.__class__
        if kind in _READ_AS_IT_IS:
            return thing
        return (_READERS.get(kind) or _reader(kind))(self, thing)

    def items(self, things: Iterable[Any]) -> tuple[object, ...]:
        return tuple([self.read(thing) for thing in things])

    def entries(self, things: dict[str, Any]) -> tuple[object, ...]:
        return tuple([(key, self.read(thing)) for key, thing in things.items()])

    def itself(self, thing: Any) -> object:
        return thing

    def kind(self, thing: Any) -> object:
        return thing.__class__

    def identity(self, thing: Any) -> object:
        return id(thing)

    def window(self, window: RestartWindow) -> object:
        stamps: deque[float] = window._stamps  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # for nobody else
        oldest = self._now - window.period
        return tuple([self._now - stamp if stamp >= oldest else math.inf for stamp in stamps])

    def struct(self, thing: Any) -> tuple[object, ...]:
        kind = thing.__class__
        fields = [self.read(getattr(thing, name)) for name in _names(kind)]
        if "generation" in kind.__struct_fields__:
            fields.append(_age(self._children, thing.child, thing.generation))
        return kind, *fields

    def parts(self, thing: Any) -> object:
        """Attribute by attribute where it is met first; after that only where that was."""
        place = self._met.get(id(thing))
        if place is not None:
            return place
        self._met[id(thing)] = len(self._met)
        read = [
            value if value.__class__ in _READ_AS_IT_IS else self.read(value)
            for value in [getattr(thing, name) for name in _names(thing.__class__)]
        ]
        for name, value in getattr(thing, "__dict__", {}).items():
            if name not in _LEFT_OUT:
                read.append(self.read(value))
        if isinstance(thing, Child) and thing.spec.policy is not None:
            read.append(self.policy(thing))
        return tuple(read)

    def policy(self, child: Child) -> object:
        """What a policy decides by: the streak, since when the child is up, when it is due, its budgets.

        And what it is due for: for its delay or, as without a policy always, since its maintenance is over.
        """
        budgets: dict[str, RestartWindow] = child._budgets or {}  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # for nobody else
        times = [None if at is None else at - self._now for at in (child.up_since, child.retry_at)]
        return (
            child.streak,
            child.verdict,
            *times,
            tuple([(name, self.window(budget)) for name, budget in budgets.items()]),
        )


def _reader(kind: type) -> Callable[[_Reader, Any], object]:
    """Find out, once, how things of this kind are read."""
    if issubclass(kind, _ATOMS):
        _READ_AS_IT_IS.add(kind)
        return _Reader.itself
    readers = (reader for kinds, reader in _READERS_BY_BASE.items() if issubclass(kind, kinds))
    return _READERS.setdefault(kind, next(readers, _Reader.parts))


_READ_AS_IT_IS: set[type] = set()
_READERS: dict[type, Callable[[_Reader, Any], object]] = {
    list: _Reader.items,
    tuple: _Reader.items,
    deque: _Reader.items,
    dict: _Reader.entries,
}
_READERS_BY_BASE: dict[Any, Callable[[_Reader, Any], object]] = {
    RestartWindow: _Reader.window,
    BaseException: _Reader.kind,
    _SPECS: _Reader.identity,
    Struct: _Reader.struct,
}
