"""`otp run --reload`: a worker whose code was edited is restarted with the new code; its siblings are left alone.

When files are saved:

1. The changed modules, and those of the project that import them, are loaded anew, and the tree is built anew from them.
   If that fails, everything is restored, the log says where it failed, and the next save tries again.
2. The workers whose functions are in one of these modules get their new specs: function, arguments, policy.
3. Those that run are restarted by request, one after the other, in the order of the tree. A child that was stopped, or
   has done its work, stays down; a temporary one goes on.
4. If the tree has other children now, the log says so: they come and go only with the next `otp run`.

Limits:

- A tree function builds its arguments anew each time. An object that several workers share by an argument, as a queue, is
  no longer shared between restarted workers and the others.
- Workers that are not restarted keep their arguments and policies, even if these were edited.
- Children added by `start_child` go on with the old code, and so does `otp` itself.
- Modules are loaded in the event loop, which stands still meanwhile.
"""

from collections.abc import Callable, Iterator
from contextlib import aclosing
from functools import partial
from inspect import isroutine
from itertools import islice
from os import PathLike
from pathlib import Path

from otp.application.modules import import_root, in_load_order, loaded_anew, project_modules
from otp.application.tree_diff import changes
from otp.core.child import ChildState
from otp.core.paths import join, parent_of
from otp.errors import NoProc, NotFound, OTPError, SpecError
from otp.foreign.causes import causes, tracebacks
from otp.loading import load
from otp.observe.logger import logger
from otp.runtime.crash import describe
from otp.runtime.handle import Supervisor
from otp.spec import AnySpec, ChildSpec, Restart, SupervisorSpec
from otp.text.frames import short_place

LOOK_EVERY = 1_000
"""Milliseconds between two checks without a notification, for modules imported since the last one."""

_STAYS_DOWN = frozenset(
    {ChildState.PENDING, ChildState.STOPPING, ChildState.STOPPED, ChildState.DONE, ChildState.PAUSED}
)
"""Not restarted now; uses the new spec at its next start."""

Stamp = tuple[int, int] | None
"""Modification time and size of a file; None: it does not exist at the moment."""


class Reloader:
    """Takes edited code into a running tree. Create it when the tree has been loaded, and before it is run.

    Args:
        target: for `load`.
        config: for `load`; read again with each reload.
        around: applied to a spec before it is run, as `Faults.around`.
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
        self._reported: list[str] = []

    async def __call__(self, tree: Supervisor) -> None:
        """Watch the folders of the project's modules, until cancelled. If that fails, the tree goes on without reloading."""
        try:
            while folders := self._folders():
                await self._watch(tree, folders)
            logger.warning("{}  no module of it stands in a folder of the project: nothing is reloaded", tree.path)
        except NoProc:  # the tree ends
            pass
        except Exception as error:  # noqa: BLE001 # a tool for development does no harm to the tree
            logger.error("{}  reloading has ended: {}", tree.path, describe(error))

    async def _watch(self, tree: Supervisor, folders: set[Path]) -> None:
        """Reload at each change, as long as the modules are in these folders."""
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
        """Take in what has changed since the last call."""
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
            self._log_failure(tree, error)
            return
        self._loaded = {**self._stamps(), **stamps}
        logger.info("{}  loaded anew: {}", tree.path, ", ".join(names))
        await self._take_over(tree, spec, set(names))

    def _stamps(self) -> dict[str, Stamp]:
        return {name: _stamp(file) for name, file in project_modules(self._roots).items()}

    def _folders(self) -> set[Path]:
        return {file.parent for file in project_modules(self._roots).values() if file.parent.is_dir()}

    def _log_failure(self, tree: Supervisor, error: BaseException) -> None:
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
        self._log_changes(tree, spec, reloaded)
        for path, generation in before.items():
            await _restart(tree, path, generation)

    async def _replace(self, tree: Supervisor, path: str, old: AnySpec, new: AnySpec) -> int | None:
        """The generation to restart, which still runs the old code; None if there is none, or it is not to be restarted."""
        try:
            await tree.replace(path, new, restart=False)
        except NoProc:  # the supervisor is down: its next start uses the spec inside that of the supervisor above
            await self._replace_above(tree, path, new)
        except NotFound:  # it was deleted
            pass
        except SpecError as error:  # it needs other changes of the tree
            logger.warning("{}  goes on with the old code: {}", join(tree.path, path), error)
        else:
            if Restart.TEMPORARY not in (old.restart, new.restart):
                return tree.child(path).generation
            logger.info("{}  is temporary and goes on with the old code", join(tree.path, path))
        return None

    async def _replace_above(self, tree: Supervisor, path: str, new: AnySpec) -> None:
        above = parent_of(path)
        if not above:
            raise NoProc(tree.path)
        spec = _spec_at(tree.spec, above)
        await self._replace(tree, above, spec, spec.with_child(new))

    def _log_changes(self, tree: Supervisor, spec: SupervisorSpec, reloaded: set[str]) -> None:
        differences = list(changes(tree.spec, spec))
        if differences and differences != self._reported:
            text = "{}  the tree itself changed: {}; restart otp run to see it"
            logger.warning(text, tree.path, "; ".join(differences))
        self._reported = differences
        known = {join(tree.path, path) for path, _, _ in _pairs(tree.spec, tree.spec)}
        for child in tree.walk():
            if child.kind == "worker" and child.path not in known:
                own = tree.get_childspec(child.path.removeprefix(f"{tree.path}/"))
                if not reloaded.isdisjoint(modules_of(own)):
                    logger.warning("{}  was added later and goes on with the old code", child.path)


async def _restart(tree: Supervisor, path: str, generation: int) -> None:
    """Restart a worker, unless it was restarted meanwhile, or is to stay down."""
    try:
        child = tree.child(path)
        if child.generation == generation and child.state not in _STAYS_DOWN:
            await tree.restart(path)
    except (NotFound, NoProc):  # it was deleted, or the tree ends
        pass
    except OTPError as error:
        logger.warning("{}  {}", join(tree.path, path), describe(error))


def modules_of(spec: AnySpec) -> set[str]:
    """The modules of a worker's functions: its own, and those among its arguments."""
    if isinstance(spec, SupervisorSpec):
        return set()
    functions = [spec.run, *filter(isroutine, spec.args)]
    return {module for function in functions for module in _modules_of(function)}


def _modules_of(function: object) -> Iterator[str]:
    """The modules behind a function, through partials, decorators and methods; for a method, also its object's class."""
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
    """The workers that are in both trees, with their paths below the root, in start order."""
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
        assert isinstance(below, SupervisorSpec), "it is above a worker"
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
