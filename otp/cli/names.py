"""What things are called in a running tree, and which of them somebody means."""

from collections.abc import Callable, Iterator

from otp.control.client.client import Client
from otp.control.wire.commands import GetIncidents, GetSnapshot
from otp.control.wire.targets import Target, chosen

__all__ = ("all_paths", "check_known", "meant", "open_incidents", "without_root")


def all_paths(client: Client) -> Iterator[str]:
    """The paths of the tree, the root's first."""
    snapshot = client.ask(GetSnapshot())
    yield snapshot.root.path
    yield from (child.path for child in snapshot.children)


def open_incidents(client: Client) -> Iterator[str]:
    """The ids of open incidents."""
    yield from (incident.id for incident in client.ask(GetIncidents()).incidents)


def check_known(client: Client, path: str) -> None:
    """Of `path` nothing is told: is it in the tree at all?

    Raises:
        NoSuchChild: it is not.
    """
    snapshot = client.ask(GetSnapshot())
    chosen((snapshot.root, *snapshot.children), path)


def without_root(path: str) -> str:
    """The path from below the root on; empty for the root."""
    return path.partition("/")[2]


def meant(app: str, path: str) -> Callable[[str], bool]:
    """Says of a path whether `path`, a path or a pattern, names it or a child above it; an empty one means all.

    Raises:
        PatternError: it is longer than a pattern may be.
    """
    return Target(app, path).covers if path else lambda _: True
