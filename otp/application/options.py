"""The options of a program that runs a tree: health port, loop watch, control; checked before anything is opened."""

from msgspec import Struct

LOOP_THRESHOLD = 1.0
"""Seconds without an answer after which an event loop is blocked."""

DEFAULT_HOST = "127.0.0.1"


class Options(Struct, frozen=True, kw_only=True):
    """What serves the process beside its tree.

    Attributes:
        health: host and port of the health port; None: there is none.
        loop_watch: seconds without an answer after which the event loop counts as blocked; None: it is not watched.
        control: whether the tree can be queried and steered from another process.
    """

    health: tuple[str, int] | None = None
    loop_watch: float | None = LOOP_THRESHOLD
    control: bool = True


def options(health: str | None = None, loop_watch: float | None = LOOP_THRESHOLD, *, control: bool = True) -> Options:
    """Parse and validate the options.

    Args:
        health: `[HOST:]PORT`; without a host, the port is open to this machine only. None: no health port.
        loop_watch: seconds, above 0; None: no loop watch.
        control: whether to open control sockets.

    Raises:
        ValueError: `health` is no such address, or `loop_watch` is not above 0.
    """
    if loop_watch is not None and not 0 < loop_watch < float("inf"):
        raise ValueError(f"loop_watch: expected seconds above 0, or None for no watch, got {loop_watch!r}")
    return Options(health=_address(health) if health is not None else None, loop_watch=loop_watch, control=control)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not (port.isascii() and port.isdecimal() and int(port) < 2**16) or (":" in bare and bare == host):
        raise ValueError(f"health port: expected [HOST:]PORT, got {text!r}; write 8080, 0.0.0.0:8080 or [::]:8080")
    return bare or DEFAULT_HOST, int(port)
