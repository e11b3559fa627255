"""A project in a folder, to edit while its tree runs."""

import importlib
import os
import sys
from contextlib import asynccontextmanager

from loguru import logger

from otp import open_supervisor
from otp.application.reload import Reloader
from otp.faults import Faults
from otp.loading import load
from otp.testing import EventRecorder

WORKER = """
import anyio
{imports}

async def run(*, task_status):
    task_status.started({value})
    await anyio.sleep_forever()
"""

START = 1_700_000_000_000_000_000
"""The time of the last change of all files: nanoseconds; an edit is the next nanosecond."""


def worker(value, imports=""):
    """The source of a module with a worker that gives this value, an expression, when it is up."""
    return WORKER.format(value=value, imports=imports)


def tree(*children, imports="", options=""):
    """The source of a module with a tree; a name stands for the worker of the module of that name."""
    names = [child for child in children if child.isidentifier()]
    specs = [f"worker({child!r}, {child}.run, ready=True)" if child.isidentifier() else child for child in children]
    return (
        "from otp import Restart, Strategy, dynamic_supervisor, supervisor, worker\n"
        + "".join(f"import {name}\n" for name in names)
        + f"{imports}\n\n"
        + f"def tree():\n    return supervisor('shop', children=[{', '.join(specs)}], {options})\n"
    )


class Project:
    """Files in a folder that Python looks for modules in."""

    def __init__(self, folder):
        self.folder = folder
        self.log = []
        self.events = EventRecorder()
        self._now = START

    def write(self, **sources):
        """Write modules, named with two underscores for a folder: `pkg__a`."""
        for name, source in sources.items():
            file = self.folder / f"{name.replace('__', '/')}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(source)
            self._now += 1
            os.utime(file, ns=(self._now, self._now))

    def init(self, package, source=""):
        """The same for the `__init__` of a package."""
        (self.folder / package).mkdir(exist_ok=True)
        self.write(**{f"{package}__init": source})
        (self.folder / package / "init.py").rename(self.folder / package / "__init__.py")

    @asynccontextmanager
    async def open(self, target="shop:tree", config=None, faults=None):
        """The tree as it runs, and the reloader that looks after it."""
        around = (faults or Faults()).around if faults else (lambda spec: spec)
        spec = around(load(target, config))
        reloader = Reloader(target, config, around=around)
        async with open_supervisor(spec, hooks=[self.events]) as root:
            yield root, reloader

    def take_log(self):
        """What was logged since the last call."""
        said, self.log[:] = list(self.log), []
        return said


def values(root):
    """Value and generation of each worker."""
    return {c.path.removeprefix("shop/"): (c.value, c.generation) for c in root.walk() if c.kind == "worker"}


def opened(folder, monkeypatch):
    """A project, until the test is over."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "shop", raising=False)  # other tests have one too
    project = Project(folder)
    sink = logger.add(
        lambda message: project.log.append(str(message).rstrip()), format="{level} {message}", level="INFO"
    )
    try:
        yield project
    finally:
        logger.remove(sink)
        own = {file.stem for file in folder.iterdir()}
        for name in [name for name in sys.modules if name.partition(".")[0] in own]:
            del sys.modules[name]
