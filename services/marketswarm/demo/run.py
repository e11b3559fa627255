"""The demo of all services, from its stage to its report."""

import anyio

from otp.testing import EventRecorder
from services.marketswarm.demo.report import AllReport
from services.marketswarm.demo.scenario import AllScenario
from services.marketswarm.demo.screen import AllScreen
from services.marketswarm.demo.stage import open_stage

INTERRUPTED = 130


async def run_all(screen: AllScreen) -> tuple[int, AllReport | None]:
    """Play it; returns the exit code, and the report unless it was ended before the last act."""
    screen.say("starting Valkey servers, the provider, a newspaper, and four services under supervision")
    code = 0
    report: AllReport | None = None
    async with open_stage() as stage, anyio.create_task_group() as group:
        events = EventRecorder()
        scenario = AllScenario(stage, screen, events)

        async def play() -> None:
            nonlocal report
            await scenario.play()
            report = await scenario.report()
            stage.supervisor.stop()

        group.start_soon(play)
        code = await stage.supervisor.run(hooks=[events], seen=stage.seen, faults=True)
        group.cancel_scope.cancel()
    if report is None:
        return code or INTERRUPTED, None
    screen.all_summary(report)
    return code, report
