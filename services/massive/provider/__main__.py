"""`python -m services.massive.provider`: the provider alone; one fault per line on the standard input."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncGenerator

import anyio
import click
from anyio.abc import TaskStatus

from services.massive.provider.commands import HELP, obey
from services.massive.provider.config import ProviderConfig
from services.massive.provider.server import Provider, open_provider

DEFAULTS = ProviderConfig()


@click.command(epilog=f"Faults, one per line on the standard input: {HELP}.")
@click.option("--host", default=DEFAULTS.host, show_default=True)
@click.option("--port", default=8765, show_default=True, help="0: a free one; the address is printed.")
@click.option("--key", default=DEFAULTS.keys[0], show_default=True, help="The key that is accepted.")
@click.option("--symbols", default=",".join(DEFAULTS.symbols), show_default=True)
@click.option("--rate", default=DEFAULTS.rate, show_default=True, help="Trades and quotes per second.")
@click.option("--bar-rate", default=DEFAULTS.bar_rate, show_default=True, help="Recorded bars per second and symbol.")
@click.option("--seed", default=DEFAULTS.seed, show_default=True)
@click.option("--excess", type=click.Choice(["evict", "refuse"]), default="evict", help="Who loses with a busy key.")
def main(*, host: str, port: int, key: str, symbols: str, rate: float, bar_rate: float, seed: int, excess: str) -> None:
    """Serve the vendor's protocol until a signal, or until the pipe on the standard input ends."""
    try:
        config = ProviderConfig(
            host=host,
            port=port,
            keys=(key,),
            symbols=tuple(symbols.split(",")),
            rate=rate,
            bar_rate=bar_rate,
            seed=seed,
            excess="refuse" if excess == "refuse" else "evict",
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    asyncio.run(_serve(config))


async def _serve(config: ProviderConfig) -> None:
    async with open_provider(config) as provider, anyio.create_task_group() as group:
        await group.start(_until_signal, group.cancel_scope)
        click.echo(provider.url)  # from here on a signal ends it in order
        if _has_commands():
            group.start_soon(_follow_commands, provider, group.cancel_scope)


async def _until_signal(scope: anyio.CancelScope, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()


async def _follow_commands(provider: Provider, scope: anyio.CancelScope) -> None:
    async for line in _lines():
        if line.strip():
            click.echo(await obey(provider, line))
    scope.cancel()


def _has_commands() -> bool:
    """Whether anybody can send us lines: a terminal or a pipe, not a file or /dev/null."""
    mode = os.fstat(sys.stdin.fileno()).st_mode
    return sys.stdin.isatty() or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


async def _lines() -> AsyncGenerator[str]:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while line := await reader.readline():
            yield line.decode()
    finally:
        transport.close()


if __name__ == "__main__":
    main()
