"""What things are called in a running tree, and which of them somebody means."""

from collections.abc import Iterator

from otp.control.client import Client
from otp.control.protocol import GetIncidents, GetSnapshot
from otp.control.targets import absolute, chosen
from otp.core.paths import is_pattern, is_within, matches, parts

__all__ = ("all_paths", "check_known", "is_meant", "open_incidents", "without_root")


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


def is_meant(path: str, wanted: str, app: str) -> bool:
    """Whether `wanted`, a path or a pattern with the root's id in front or without, names `path` or somebody above it.

    An empty `wanted` means all.
    """
    if not wanted:
        return True
    whole = absolute(app, wanted)
    if not is_pattern(whole):
        return is_within(path, whole)
    ids = parts(path)
    return any(matches("/".join(ids[:length]), whole) for length in range(1, len(ids) + 1))
