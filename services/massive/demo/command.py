"""`otp demo`."""

import sys
from collections.abc import Callable, Mapping

import anyio
import click
import msgspec

from otp.testing import EventRecorder
from services.marketswarm.demo.report import AllReport
from services.marketswarm.demo.run import run_all
from services.marketswarm.demo.screen import AllScreen
from services.massive.demo.report import Report
from services.massive.demo.scenario import Scenario
from services.massive.demo.screen import Screen
from services.massive.demo.stage import open_stage
from services.shared.redis_address import EMBEDDED

SHORTEST = 12.0

LONGEST = 600.0  # the books of every event are kept in memory

INTERRUPTED = 130


def _bus(name: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    return click.option(f"--{name}-redis", name, default=EMBEDDED, metavar="URL", help=f"Use this {name}-redis, empty.")


@click.command("demo", short_help="Massive under supervision on real parts, and four faults.")
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(SHORTEST, LONGEST),
    default=40.0,
    show_default=True,
    help="How long it takes, in seconds.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="json: one document on standard output, all else on standard error.",
)
@click.option("--calm", is_flag=True, help="No faults: they are left to you, by otp fault from another shell.")
@click.option("--all", "everything", is_flag=True, help="All four services, and each row of the failure table.")
@_bus("system")
@_bus("market")
@_bus("intel")
def command(seconds: float, output: str, *, calm: bool, everything: bool, **buses: str) -> None:
    """Show market data under supervision, and what happens when things fail.

    It starts Valkey servers, a provider that speaks the vendor's protocol, and massive under supervision. Then
    the provider closes with 1012, a worker crashes, a Valkey server is killed, and a key is wrong. It ends by itself
    and leaves nothing behind; Ctrl-C ends it earlier.

    While it runs, otp ps, otp top, otp restart and all the others speak to it from another shell.

    With --all, intel, sentiment and execution run beside massive, with a newspaper and a paper broker, and each row of
    the failure table is shown with its verdict, its incident and its downtime. It takes about a minute.
    """
    if calm and everything:
        raise click.UsageError("--calm is for massive alone; leave out --all")
    quiet = output == "json"
    screen = AllScreen(quiet=quiet) if everything else Screen(quiet=quiet)
    screen.take_log()
    try:
        code, report = anyio.run(_play, seconds, screen, buses, calm)
    except (ValueError, RuntimeError) as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:  # the tree was not there yet to take the signal, or not any more
        code, report = INTERRUPTED, None
    if report is None:
        screen.say("\nended before the last act; everything is stopped")
    if quiet and report is not None:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2))
    sys.exit(code)


async def _play(
    seconds: float, screen: Screen, buses: Mapping[str, str], calm: bool
) -> tuple[int, Report | AllReport | None]:
    if isinstance(screen, AllScreen):
        return await run_all(screen)
    return await _demo(seconds, screen, buses, calm=calm)


async def _demo(seconds: float, screen: Screen, buses: Mapping[str, str], *, calm: bool) -> tuple[int, Report | None]:
    screen.say("starting Valkey servers, the provider, and massive under supervision")
    code = 0
    report: Report | None = None
    failure: RuntimeError | None = None
    async with open_stage(buses) as stage, anyio.create_task_group() as group:
        events = EventRecorder()
        scenario = Scenario(stage, screen, events, seconds, calm=calm)

        async def play() -> None:
            nonlocal report, failure
            try:
                await scenario.play()
                report = await scenario.report()
            except RuntimeError as error:
                failure = error
            stage.supervisor.stop()

        group.start_soon(stage.heartbeats.run)
        group.start_soon(play)
        code = await stage.supervisor.run(hooks=[events], faults=True)
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    if report is None:
        return code or INTERRUPTED, None
    screen.summary(report)
    return code, report
