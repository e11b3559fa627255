"""Dependencies: what children need and do not own, with a probe that finds out whether it is up."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVarTuple

from otp.checks import values as checks
from otp.checks.functions import check_async
from otp.text.quoting import quoted

__all__ = ("Dependency", "dependency")

Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """Something outside the tree that children need. Built by `dependency()`, which describes the fields."""

    id: str
    probe: Callable[..., Awaitable[object]]
    args: tuple[Any, ...] = ()
    every: float = 1.0
    timeout: float = 2.0
    stagger: float = 0.1

    def __post_init__(self) -> None:
        checks.keep(self, "id", checks.name("dependency", self.id))
        checks.keep(self, "args", checks.arguments(f"args of dependency {quoted(self.id)}", self.args))
        check_async(
            f"probe of dependency {quoted(self.id)}",
            self.probe,
            *(f"argument {number}" for number, _ in enumerate(self.args, 1)),
            instead=f"write async def probe(…), which raises when it is down, and dependency({quoted(self.id)}, probe, …)",
        )
        above, least = "finite seconds above 0", "finite seconds, 0 or more"
        paced = f"finite seconds, {checks.SHORTEST:g} or more"
        for name, expected, bound in (
            ("every", paced, checks.SHORTEST),
            ("timeout", above, checks.ABOVE_0),
            ("stagger", least, 0.0),
        ):
            what = f"{name} of dependency {quoted(self.id)}"
            checks.keep(self, name, checks.bounded(what, getattr(self, name), expected, bound))


def dependency(
    id: str,
    probe: Callable[[*Ts], Awaitable[object]],
    /,
    *args: *Ts,
    every: float = 1.0,
    timeout: float = 2.0,
    stagger: float = 0.1,
) -> Dependency:
    """Something that workers name in `needs=`, and that is probed when one of those workers has failed.

    While all is well it is not probed. It has to be outside the tree: a tree that is still starting waits for a child
    that is held, so a dependency that a sibling provides might never come up.

    Args:
        id: its name.
        probe: a coroutine function that returns if the dependency is up, and raises anything if it is down. It is
            cancelled after `timeout`; the loop watch reports one that blocks the event loop.
        args: its arguments.
        every: seconds between two probes while it is down.
        timeout: seconds for one probe; after that the dependency counts as down.
        stagger: seconds between the restarts of two children that were held.

    Raises:
        SpecError: a value is impossible.
    """
    return Dependency(id=id, probe=probe, args=args, every=every, timeout=timeout, stagger=stagger)
