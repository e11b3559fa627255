"""`python -m services.execution.broker`: the paper broker apart from the service that uses it."""

import signal
import sys
from functools import partial

import anyio
import click
from anyio.abc import TaskStatus

from services.execution.broker import server
from services.execution.broker.book import BrokerClients
from services.execution.config import Broker
from services.shared.identity import Buses
from services.shared.redis_address import checked_address


@click.command()
@click.option("--socket", required=True, help="Path of the Unix socket to listen on.")
@click.option("--intel", required=True, help="Address of the Redis that holds the books.")
@click.option("--market", required=True, help="Address of the Redis that holds the last prices.")
@click.option("--faults", is_flag=True, help="Obey when told to misbehave.")
def main(*, socket: str, intel: str, market: str, faults: bool) -> None:
    """Serve until a signal. A failure ends it: whoever starts it restarts it, and its books lose nothing."""
    try:
        urls = {"intel": checked_address("intel", intel), "market": checked_address("market", market)}
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    buses = Buses(system=urls["intel"], **urls)
    anyio.run(_serve, Broker(socket=socket, embedded=False, faults=faults), buses)


async def _serve(config: Broker, buses: Buses) -> None:
    clients = BrokerClients.make(buses)
    try:
        async with anyio.create_task_group() as group:
            await group.start(_until_signal, group.cancel_scope)
            await group.start(partial(server.run, config, clients))
            click.echo(config.socket)
            sys.stdout.flush()
    finally:
        await clients.aclose()


async def _until_signal(scope: anyio.CancelScope, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()


if __name__ == "__main__":
    main()
