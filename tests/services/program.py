"""A program of ours as a process, with what it says."""

import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import STDOUT

import anyio

ROOT = Path(__file__).parents[2]
OURS = ("EXECUTION_", "INTEL_", "LOG_", "MASSIVE_", "SENTIMENT_", "TRUTH_")
"""Variables of whoever runs the tests, which the program must not see."""


class Program:
    """A process, running."""

    def __init__(self, process):
        self._process = process
        self.output = ""

    async def listen(self):
        async for chunk in self._process.stdout:
            self.output += chunk.decode()

    async def ended(self):
        """Wait for its end and return the exit code."""
        with anyio.fail_after(15):
            return await self._process.wait()

    def signal(self, number):
        self._process.send_signal(number)

    @property
    def lines(self):
        return self.output.splitlines()


@asynccontextmanager
async def running(*words, **environment):
    """`python -m` with these words, for the block; it is killed with it."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
    process = await anyio.open_process([sys.executable, "-m", *words], stderr=STDOUT, cwd=ROOT, env=clean | environment)
    async with process, anyio.create_task_group() as group:
        program = Program(process)
        group.start_soon(program.listen)
        try:
            yield program
        finally:
            if process.returncode is None:
                process.kill()
            sys.stdout.write(program.output)  # pytest shows it when the test fails
