"""All observers of a tree but the log: its history, its incidents, and the sinks of these.

async with open_observation("massive", redis=client, alerts=[url]) as observation:
    code = await serve(spec, hooks=(log_events(), *observation.hooks))
"""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import TaskStatus

from otp.observe.alerts import Alerts
from otp.observe.background_tasks import background_tasks
from otp.observe.history import History
from otp.observe.incidents import Incidents
from otp.observe.outbox import PATIENCE, Outbox, open_outbox
from otp.observe.redis_sink import RedisClient, RedisSink
from otp.runtime.reporter import EventHook

TICK = 1.0
"""Seconds between two ticks of incidents, Redis and alerts."""


class Observation:
    """The observers of one tree.

    Attributes:
        history: counters, downtime, last failures.
        incidents: open and resolved ones.
        outboxes: of Redis and of each receiver of alerts.
        hooks: for `open_supervisor`, `run` or `serve`.
    """

    def __init__(
        self,
        app: str,
        *,
        redis: RedisClient | None,
        alerts: Iterable[str],
        include_messages: bool,
        healthy_after: float | None,
    ) -> None:
        self.history = History()
        self.incidents = Incidents(healthy_after=healthy_after)
        self.hooks: tuple[EventHook, ...] = (self.history, self.incidents)
        self.outboxes: tuple[Outbox[Any], ...] = ()
        self._sink = self._add_redis(redis, app) if redis is not None else None
        self._alerts = self._add_alerts(alerts, app, include_messages=include_messages)

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Tick incidents, Redis and alerts every second, until cancelled."""
        task_status.started()
        while True:
            await anyio.sleep(TICK)
            now = anyio.current_time()
            self.incidents.tick(now)
            if self._sink is not None:
                self._sink.tick(now)
            if self._alerts is not None:
                self._alerts.tick(now)

    async def flush(self) -> None:
        """Send what waits for a later tick."""
        if self._alerts is not None:
            self._alerts.flush()

    def _add_redis(self, client: RedisClient, app: str) -> RedisSink:
        sink = RedisSink(client, app, history=self.history, now=anyio.current_time)
        self.outboxes += (sink.outbox,)
        self.incidents.listen(sink)
        return sink

    def _add_alerts(self, urls: Iterable[str], app: str, *, include_messages: bool) -> Alerts | None:
        from otp.observe.apprise_sink import apprise_outbox  # noqa: PLC0415 # imports threads' machinery and logging

        outboxes = tuple(apprise_outbox(url) for url in urls)
        if not outboxes:
            return None
        alerts = Alerts(app, [outbox.put for outbox in outboxes], include_messages=include_messages)
        self.outboxes += outboxes
        self.incidents.listen(alerts)
        return alerts


@asynccontextmanager
async def open_observation(
    app: str,
    *,
    redis: RedisClient | None = None,
    alerts: Iterable[str] = (),
    include_messages: bool = False,
    healthy_after: float | None = None,
    patience: float = PATIENCE,
) -> AsyncGenerator[Observation]:
    """Observe a tree while the block runs; the block opens the tree, with `hooks` of the observation.

    Args:
        app: the name of the application, for keys and titles.
        redis: a client, which stays the caller's: where incidents are written.
        alerts: addresses of receivers, as apprise writes them.
        include_messages: whether alerts may hold the text of exceptions.
        healthy_after: seconds up after which the incidents of any child are resolved; None: as the child's policy says.
        patience: seconds in which the outboxes may send what is left at the end.

    Raises:
        ModuleNotFoundError: there are alerts, and apprise is not installed.
        ValueError: one of `alerts` is no address that apprise knows.
    """
    observation = Observation(
        app, redis=redis, alerts=alerts, include_messages=include_messages, healthy_after=healthy_after
    )
    async with (
        open_outbox(*observation.outboxes, patience=patience),
        background_tasks(observation.run, name=f"{app}  the watch over incidents", ending=observation.flush),
    ):
        yield observation
