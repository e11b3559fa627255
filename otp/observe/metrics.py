"""Metrics for Prometheus: a collector that reads the history when it is scraped, and counts nothing itself.

    registry = metrics_registry(history, incidents, now=loop.time)
    generate_latest(registry)

The extra `metrics`. Any thread may scrape, as that of prometheus_client's own HTTP server does.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from otp.extras import install
from otp.observe.history import History
from otp.observe.incidents import Incidents
from otp.observe.outbox import Outbox
from otp.observe.outlet import open_outlets
from otp.observe.snapshots import ChildHistory
from otp.runtime.inspect import Lag

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric


class Metrics(Struct, frozen=True, kw_only=True, eq=False):
    """A collector over a history and what goes with it.

    Attributes:
        history: of the tree.
        incidents: of the tree.
        now: the tree's clock.
        lag: that of the event loop, as `LoopWatch.lag` samples it.
        outboxes: of the sinks.
    """

    history: History
    incidents: Incidents | None
    now: Callable[[], float]
    lag: Callable[[], Lag] | None
    outboxes: Sequence[Outbox[Any]]

    def describe(self) -> "Iterable[Metric]":
        """Return nothing: which metrics there are depends on the tree."""
        return ()

    def collect(self) -> "Iterator[Metric]":
        """Yield all metrics as they are now."""
        now = self.now()
        yield from _of_children(self.history.children(now))
        yield _gauge(
            "otp_dependency_up",
            "Whether what children need is there; known of those that were down once.",
            ("path", "dependency"),
            [((one.path, one.dependency), float(one.down is None)) for one in self.history.dependencies(now)],
        )
        if self.incidents is not None:
            yield from _of_incidents(self.incidents)
        yield from _of_outboxes(self.outboxes)
        if self.lag is not None:
            lag = self.lag()
            yield _gauge("otp_loop_lag_seconds", "How late the event loop was, last.", (), [((), lag.last)])
            yield _gauge(
                "otp_loop_lag_worst_seconds", "How late it was at the worst of a minute.", (), [((), lag.worst)]
            )


def metrics_registry(
    history: History,
    incidents: Incidents | None = None,
    *,
    now: Callable[[], float],
    lag: Callable[[], Lag] | None = None,
    outboxes: Sequence[Outbox[Any]] = (),
) -> "CollectorRegistry":
    """Return a new registry with these metrics; the arguments are those of `Metrics`.

    Raises:
        ModuleNotFoundError: prometheus_client is not installed; the message says how to.
    """
    try:
        from prometheus_client import CollectorRegistry  # noqa: PLC0415 # an extra: only who wants metrics needs it
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"metrics need prometheus-client, which is not installed; {install('metrics')}", name=missing.name
        ) from missing
    registry = CollectorRegistry()
    registry.register(Metrics(history=history, incidents=incidents, now=now, lag=lag, outboxes=outboxes))
    return registry


_Sample = tuple[tuple[str, ...], float]


def _of_children(children: tuple[ChildHistory, ...]) -> "Iterator[Metric]":
    yield _counter("otp_restarts", "Restarts of a child.", ("path", "kind", "verdict"), _restarts(children))
    for make, name, about, value in _OF_EACH_CHILD:
        yield make(name, about, ("path",), [((child.path,), value(child)) for child in children])
    states = [((child.path, str(child.state)), 1.0) for child in children]
    yield _gauge("otp_state", "1 for the state of the child.", ("path", "state"), states)


def _restarts(children: tuple[ChildHistory, ...]) -> list[_Sample]:
    samples: list[_Sample] = []
    for child in children:
        samples += [((child.path, "crash", verdict), count) for verdict, count in child.verdicts.items()]
        samples += [((child.path, "manual", ""), child.manual), ((child.path, "collateral", ""), child.collateral)]
    return samples


def _of_incidents(incidents: Incidents) -> "Iterator[Metric]":
    by_path: dict[tuple[str, ...], float] = {}
    for incident in incidents.open():
        by_path[incident.path,] = by_path.get((incident.path,), 0) + 1
    yield _gauge("otp_incidents_open", "Incidents that are not resolved.", ("path",), list(by_path.items()))
    yield _counter("otp_incidents_opened", "Incidents so far.", (), [((), incidents.opened)])


def _of_outboxes(outboxes: Sequence[Outbox[Any]]) -> "Iterator[Metric]":
    """Yield the counts of all outboxes, and of the outlets of the log, whose lines count as items."""
    sinks = {f"log {outlet.name}": (outlet.waiting, outlet.written, outlet.dropped) for outlet in open_outlets()}
    sinks |= {outbox.name: (outbox.waiting, outbox.sent, outbox.dropped) for outbox in outboxes}
    if not sinks:
        return
    yield _gauge("otp_outbox_waiting", "Items that wait.", ("sink",), [((n,), w) for n, (w, _, _) in sinks.items()])
    yield _counter(
        "otp_outbox_sent", "Items that came through.", ("sink",), [((n,), s) for n, (_, s, _) in sinks.items()]
    )
    yield _counter("otp_outbox_dropped", "Items given up.", ("sink",), [((n,), d) for n, (_, _, d) in sinks.items()])


def _counter(name: str, about: str, labels: tuple[str, ...], samples: Iterable[_Sample]) -> "Metric":
    from prometheus_client.metrics_core import CounterMetricFamily  # noqa: PLC0415

    return _filled(CounterMetricFamily(name, about, labels=labels), samples)


def _gauge(name: str, about: str, labels: tuple[str, ...], samples: Iterable[_Sample]) -> "Metric":
    from prometheus_client.metrics_core import GaugeMetricFamily  # noqa: PLC0415

    return _filled(GaugeMetricFamily(name, about, labels=labels), samples)


def _filled(family: Any, samples: Iterable[_Sample]) -> "Metric":
    for labels, value in samples:
        family.add_metric(labels, value)
    return cast("Metric", family)


_OF_EACH_CHILD: tuple[tuple[Callable[..., "Metric"], str, str, Callable[[ChildHistory], float]], ...] = (
    (_counter, "otp_failures", "Ends and failed starts that were not wanted.", lambda child: child.failures),
    (
        _counter,
        "otp_downtime_seconds",
        "Seconds down, from each end to being ready again.",
        lambda child: child.downtime,
    ),
    (_gauge, "otp_up", "Whether the child is up.", lambda child: float(child.up is not None)),
    (_gauge, "otp_streak", "Failures in a row.", lambda child: child.streak),
)
"""Metrics of one number for each path."""
