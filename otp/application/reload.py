"""`otp run --reload`: a worker whose code has been edited goes on with the new code, and nobody else notices.

What happens when files are saved:

1. The modules that have changed, and those of the project that import them, are loaded anew, and the tree is built anew
   from them. If that fails, all is as it was: it is told where it failed, and the next save tries again.
2. The workers whose functions stand in one of these modules get their new specs: function, arguments, policy.
3. Those that run are restarted, in the order of the tree and one after the other, as by request; a child that was
   stopped, or has done its work, stays down, and a temporary one goes on.
4. If the tree itself is another one now, that is told: children come and go only with the next `otp run`.

What its limits are:

- A tree function builds its arguments anew each time. What several workers share by an argument, as a queue, the
  restarted ones do not share with the others any more.
- Who is not restarted keeps its arguments and its policy, also if these were edited.
- Children that were added by `start_child` go on with the old code, and so does `otp` itself.
- Loading takes place in the event loop: it stands still meanwhile.
"""

from collections.abc import Callable, Iterator
from contextlib import aclosing
from functools import partial
from inspect import isroutine
from itertools import islice
from os import PathLike
from pathlib import Path

from otp.application.modules import import_root, in_load_order, loaded_anew, project_modules
from otp.application.shape import changes
from otp.core.child import ChildState
from otp.core.paths import join
from otp.errors import NoProc, NotFound, OTPError, SpecError
from otp.foreign.causes import causes, tracebacks
from otp.loading import load
from otp.observe.logger import logger
from otp.runtime.crash import describe
from otp.runtime.handle import Supervisor
from otp.spec import AnySpec, ChildSpec, Restart, SupervisorSpec
from otp.text.frames import short_place

__all__ = ("Reloader", "modules_of")

LOOK_EVERY = 1_000
"""Milliseconds after which it is looked without having been told of a change, for modules that were imported since."""

_STAYS_DOWN = frozenset(
    {ChildState.PENDING, ChildState.STOPPING, ChildState.STOPPED, ChildState.DONE, ChildState.PAUSED}
)
"""Whoever starts such a child does so by its new spec; that is not for us to do."""

Stamp = tuple[int, int] | None
"""Time of the last change and size of a file; None: there is none at the moment."""


class Reloader:
    """Takes edited code into a running tree. Made when the tree has been loaded, and before it is run.

    Args:
        target: what `load` loads.
        config: what it is given; read again with each reload.
        around: what is made of a spec before it is run, as `Faults.around`.
    """

    def __init__(
        self,
        target: str,
        config: str | PathLike[str] | None = None,
        *,
        around: Callable[[SupervisorSpec], SupervisorSpec] = lambda spec: spec,
    ) -> None:
        self._target = target
        self._config = config
        self._around = around
        root = import_root(target.partition(":")[0])
        self._roots = {Path.cwd()} if root is None else {Path.cwd(), root}
        self._loaded: dict[str, Stamp] = self._stamps()
        self._seen = self._loaded.copy()
        self._told: list[str] = []

    async def __call__(self, tree: Supervisor) -> None:
        """Watch the folders of the project's modules, until cancelled. If that fails, the tree goes on without."""
        try:
            while folders := self._folders():
                await self._watch(tree, folders)
            logger.warning("{}  no module of it stands in a folder of the project: nothing is reloaded", tree.path)
        except NoProc:  # the tree ends
            pass
        except Exception as error:  # noqa: BLE001 # a tool for development does no harm to the tree
            logger.error("{}  reloading has ended: {}", tree.path, describe(error))

    async def _watch(self, tree: Supervisor, folders: set[Path]) -> None:
        """Look whenever something has changed, as long as the modules are in these folders."""
        from watchfiles import PythonFilter, awatch  # noqa: PLC0415 # an extra, needed here only

        watched = awatch(
            *folders, watch_filter=PythonFilter(), recursive=False, rust_timeout=LOOK_EVERY, yield_on_timeout=True
        )
        async with aclosing(watched):
            async for _ in watched:
                await self.look(tree)
                if self._folders() != folders:
                    return

    async def look(self, tree: Supervisor) -> None:
        """Take in what has changed since the last look."""
        stamps = self._stamps()
        if stamps == self._seen:
            return
        self._seen = stamps
        for name, stamp in stamps.items():
            self._loaded.setdefault(name, stamp)  # imported since
        changed = {name for name, stamp in stamps.items() if stamp is not None and stamp != self._loaded[name]}
        if not changed:
            return
        try:
            there = {name: file for name, file in project_modules(self._roots).items() if stamps.get(name) is not None}
            names = in_load_order(changed, there)
            with loaded_anew(names, self._roots):
                spec = self._around(load(self._target, self._config))
        except (Exception, SystemExit) as error:  # noqa: BLE001 # whatever a module raises while it is edited
            self._tell_failure(tree, error)
            return
        self._loaded = {**self._stamps(), **stamps}
        logger.info("{}  loaded anew: {}", tree.path, ", ".join(names))
        await self._take_over(tree, spec, set(names))

    def _stamps(self) -> dict[str, Stamp]:
        return {name: _stamp(file) for name, file in project_modules(self._roots).items()}

    def _folders(self) -> set[Path]:
        return {file.parent for file in project_modules(self._roots).values() if file.parent.is_dir()}

    def _tell_failure(self, tree: Supervisor, error: BaseException) -> None:
        place = _place_of(next(islice(causes(error), 1, None), error), set(project_modules(self._roots).values()))
        at = f" at {short_place(place)}" if place else ""
        text = "{}  not reloaded, the old code goes on: {}{}"
        logger.error(text, tree.path, describe(error), at)

    # ------------------------------------------------------------------------------------------------ the tree

    async def _take_over(self, tree: Supervisor, spec: SupervisorSpec, reloaded: set[str]) -> None:
        """Give the workers of the reloaded modules their new specs, and then restart them.

        All specs first: where a strategy takes siblings along, these come up with their new code too, and once.
        """
        before: dict[str, int] = {}
        for path, old, new in _pairs(tree.spec, spec):
            if reloaded.isdisjoint(modules_of(old) | modules_of(new)):
                continue
            generation = await self._replace(tree, path, old, new)
            if generation is not None:
                before[path] = generation
        self._tell_changes(tree, spec, reloaded)
        for path, generation in before.items():
            await _restart(tree, path, generation)

    async def _replace(self, tree: Supervisor, path: str, old: AnySpec, new: AnySpec) -> int | None:
        """The generation that goes on with the old code; None if there is none, or it is to go on."""
        try:
            await tree.replace(path, new, restart=False)
        except NoProc:  # the supervisor is down: what it is started by next is its own spec, in that of the next above
            await self._replace_above(tree, path, new)
        except NotFound:  # somebody has deleted it
            pass
        except SpecError as error:  # it needs more of the tree than its own spec
            logger.warning("{}  goes on with the old code: {}", join(tree.path, path), error)
        else:
            if Restart.TEMPORARY not in (old.restart, new.restart):
                return tree.child(path).generation
            logger.info("{}  is temporary and goes on with the old code", join(tree.path, path))
        return None

    async def _replace_above(self, tree: Supervisor, path: str, new: AnySpec) -> None:
        above = path.rpartition("/")[0]
        if not above:
            raise NoProc(tree.path)
        spec = _spec_at(tree.spec, above)
        await self._replace(tree, above, spec, spec.with_child(new))

    def _tell_changes(self, tree: Supervisor, spec: SupervisorSpec, reloaded: set[str]) -> None:
        told = list(changes(tree.spec, spec))
        if told and told != self._told:
            text = "{}  the tree itself changed: {}; restart otp run to see it"
            logger.warning(text, tree.path, "; ".join(told))
        self._told = told
        known = {join(tree.path, path) for path, _, _ in _pairs(tree.spec, tree.spec)}
        for child in tree.walk():
            if child.kind == "worker" and child.path not in known:
                own = tree.get_childspec(child.path.removeprefix(f"{tree.path}/"))
                if not reloaded.isdisjoint(modules_of(own)):
                    logger.warning("{}  was added later and goes on with the old code", child.path)


async def _restart(tree: Supervisor, path: str, generation: int) -> None:
    """Restart a worker, unless something else has by now, or it is to stay down."""
    try:
        child = tree.child(path)
        if child.generation == generation and child.state not in _STAYS_DOWN:
            await tree.restart(path)
    except (NotFound, NoProc):  # somebody has deleted it, or the tree ends
        pass
    except OTPError as error:
        logger.warning("{}  {}", join(tree.path, path), describe(error))


def modules_of(spec: AnySpec) -> set[str]:
    """Where the functions of a worker stand: its own, and those that it is given as arguments."""
    if isinstance(spec, SupervisorSpec):
        return set()
    functions = [spec.run, *filter(isroutine, spec.args)]
    return {module for function in functions for module in _modules_of(function)}


def _modules_of(function: object) -> Iterator[str]:
    """The module of a function, through partials, decorators and methods; of a method, that of its object's class too."""
    while (inner := _inside(function)) is not None:
        if (owner := getattr(function, "__self__", None)) is not None:
            yield (owner if isinstance(owner, type) else type(owner)).__module__
        function = inner
    yield getattr(function, "__module__", None) or type(function).__module__


def _inside(function: object) -> object | None:
    if isinstance(function, partial):
        return function.func
    return getattr(function, "__wrapped__", None) or getattr(function, "__func__", None)


def _pairs(old: SupervisorSpec, new: SupervisorSpec, above: str = "") -> Iterator[tuple[str, ChildSpec, ChildSpec]]:
    """The workers that stand in both trees, by their path below the root, in start order."""
    others = {child.id: child for child in new.children}
    for child in old.children:
        other, path = others.get(child.id), join(above, child.id)
        if isinstance(child, ChildSpec) and isinstance(other, ChildSpec):
            yield path, child, other
        elif isinstance(child, SupervisorSpec) and isinstance(other, SupervisorSpec):
            yield from _pairs(child, other, path)


def _spec_at(spec: SupervisorSpec, path: str) -> SupervisorSpec:
    for id in path.split("/"):
        below = next(child for child in spec.children if child.id == id)
        assert isinstance(below, SupervisorSpec), "it stands above a worker"
        spec = below
    return spec


def _stamp(file: Path) -> Stamp:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _place_of(error: BaseException, files: set[Path]) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = [(step.tb_frame.f_code.co_filename, step.tb_lineno) for step in tracebacks(error)]
    return next((f"{file}:{line}" for file, line in reversed(frames) if Path(file) in files), "")
