"""What is wanted beside a tree, checked before anything is opened."""

from msgspec import Struct

__all__ = ("LOOP_THRESHOLD", "Surroundings", "surroundings")

LOOP_THRESHOLD = 1.0
"""Seconds without an answer after which an event loop is blocked."""

DEFAULT_HOST = "127.0.0.1"


class Surroundings(Struct, frozen=True, kw_only=True):
    """What is wanted beside a tree.

    Attributes:
        health: host and port of the health port; None: there is none.
        loop_watch: seconds without an answer after which the event loop is blocked; None: nobody watches it.
        control: whether the tree can be looked into and steered from outside.
    """

    health: tuple[str, int] | None = None
    loop_watch: float | None = LOOP_THRESHOLD
    control: bool = True


def surroundings(
    health: str | None = None, loop_watch: float | None = LOOP_THRESHOLD, *, control: bool = True
) -> Surroundings:
    """The same as one writes it down.

    Args:
        health: `[HOST:]PORT`; without a host, this machine alone can ask.
        loop_watch: seconds.
        control: whether there is a control socket.

    Raises:
        ValueError: one of them is wrong.
    """
    if loop_watch is not None and not 0 < loop_watch < float("inf"):
        raise ValueError(f"loop_watch: expected seconds above 0, or None for no watch, got {loop_watch!r}")
    return Surroundings(health=_address(health) if health is not None else None, loop_watch=loop_watch, control=control)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not (port.isascii() and port.isdecimal() and int(port) < 2**16) or (":" in bare and bare == host):
        raise ValueError(f"health port: expected [HOST:]PORT, got {text!r}; write 8080, 0.0.0.0:8080 or [::]:8080")
    return bare or DEFAULT_HOST, int(port)
