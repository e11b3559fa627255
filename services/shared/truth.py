"""The truth document: which services there are, what each reads and writes, and where the buses are.

It is built from one file for each component, checked as a whole, and kept as one key on system-redis, where
`SetupBase` reads it.
"""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from services.shared.redis_address import normalised
from services.shared.redis_clients import Client

COMPONENTS: Final = Path(__file__).with_name("components")
"""The folder of the component files that come with the services."""

_ENV_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")


class Meta(Struct, frozen=True, kw_only=True):
    """How people call a component."""

    name: str
    description: str = ""


class AccessPoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key (or stream, or channel) on a bus; a published key may be a pattern such as `massive:model:spot:*`."""

    bus: str
    key: str


class AccessPoints(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a component reads and what it writes."""

    subscribe_to: tuple[AccessPoint, ...] = ()
    publish_to: tuple[AccessPoint, ...] = ()


class Heartbeat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds between two beats, and seconds after which a missing beat makes the key vanish."""

    interval_sec: float = 5.0
    ttl_sec: float = 15.0


class Component(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One service, as its file describes it; the blocks from `workers` on belong to the service alone."""

    id: str
    meta: Meta
    access_points: AccessPoints
    models: dict[str, Any] = field(default_factory=dict[str, Any])
    heartbeat: Heartbeat = Heartbeat()
    dependencies: tuple[str, ...] = ()
    env: dict[str, str | int | float | bool] = field(default_factory=dict[str, str | int | float | bool])
    shared_resources: dict[str, Any] = field(default_factory=dict[str, Any])
    workers: Any = None
    schedules: Any = None
    thresholds: Any = None
    feed: Any = None


class Bus(Struct, frozen=True, kw_only=True):
    """The address of a bus and what it is for."""

    url: str
    role: str = ""

    def __repr__(self) -> str:
        return f"Bus(url=…, role={self.role!r})"


class Truth(Struct, frozen=True, kw_only=True):
    """The whole document."""

    version: str
    node: str
    buses: dict[str, Bus]
    components: dict[str, Component]


def read_component(path: Path) -> Component:
    """Read the file of one component.

    Raises:
        ValueError: it is no JSON, or a field is missing, unknown or of the wrong type.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Component)
    except msgspec.DecodeError as error:
        raise ValueError(f"the component file {path.name} is wrong: {error}") from None


def build_truth(
    components: Iterable[Component], buses: Mapping[str, Bus], *, node: str = "local", version: str = "1.0"
) -> Truth:
    """Put the document together and check it.

    Raises:
        ValueError: lists every contradiction: a component twice, a bus or dependency that is not there, a subscription
            that nobody publishes, a heartbeat that outlives its key, an env name that is no env name, a wrong address.
    """
    given = tuple(components)
    known = {component.id: component for component in given}
    wrong = [f"the component {id!r} is there twice" for id in known if sum(one.id == id for one in given) > 1]
    wrong += _wrong_addresses(buses)
    published = [point for component in given for point in component.access_points.publish_to]
    for component in given:
        wrong += (f"{component.id}: {what}" for what in _contradictions(component, known, buses, published))
    if wrong:
        raise ValueError("the truth document would contradict itself: " + "; ".join(wrong))
    return Truth(version=version, node=node, buses=dict(buses), components=known)


async def publish_truth(system: Client, truth: Truth, key: str = "truth") -> None:
    """Write the document to system-redis, where `SetupBase` looks for it."""
    await system.execute_command("SET", key, msgspec.json.encode(truth))


def _wrong_addresses(buses: Mapping[str, Bus]) -> Iterable[str]:
    for name, bus in buses.items():
        try:
            normalised(bus.url)
        except ValueError as error:
            yield f"bus {name}: {error}"


def _contradictions(
    component: Component, known: Mapping[str, Component], buses: Mapping[str, Bus], published: Iterable[AccessPoint]
) -> Iterable[str]:
    points = component.access_points
    for bus in {point.bus for point in (*points.subscribe_to, *points.publish_to)} - buses.keys():
        yield f"the bus {bus!r} is none of {', '.join(sorted(buses))}"
    for wanted in points.subscribe_to:
        if not any(point.bus == wanted.bus and fnmatchcase(wanted.key, point.key) for point in published):
            yield f"subscribes to {wanted.key!r} on {wanted.bus}, which no component publishes"
    for id in component.dependencies:
        if id not in known:
            yield f"depends on {id!r}, which is no component"
    beat = component.heartbeat
    if not 0 < beat.interval_sec < beat.ttl_sec:
        yield f"heartbeat: expected 0 < interval_sec < ttl_sec, got {beat.interval_sec:g} and {beat.ttl_sec:g}"
    for name in component.env:
        if not _ENV_NAME.fullmatch(name):
            yield f"env: {name!r} is no name for the environment; write it like MASSIVE_WS_URL"
