"""The modules of a project: which are loaded, how they import each other, and loading some of them anew.

Imports are read from the sources. Why not from the globals of a module: after `from limits import LIMIT` there is a number,
without its origin. Imports by a computed name, as by `importlib.import_module(name)`, are not found.
"""

import ast
import importlib
import sys
import sysconfig
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType

_STDLIB = Path(sysconfig.get_path("stdlib"))
_INSTALLED = frozenset({"site-packages", "dist-packages"})
_NEVER = frozenset({"otp", "__main__"})
"""Never loaded anew: the supervision itself, and the main module, which cannot be."""


def project_modules(roots: Iterable[Path]) -> dict[str, Path]:
    """The loaded modules with their source files below `roots`, except for installed ones."""
    roots = tuple(roots)
    found: dict[str, Path] = {}
    for name, module in tuple(sys.modules.items()):
        file = _source_of(module)
        if file is None or name.partition(".")[0] in _NEVER or _is_installed(file):
            continue
        if any(file.is_relative_to(root) for root in roots):
            found[name] = file
    return found


def import_root(module: str) -> Path | None:
    """The folder on the import path that a loaded module comes from; None if it has no source."""
    file = _source_of(sys.modules.get(module))
    if file is None:
        return None
    return file.parents[len(module.split(".")) - (file.name != "__init__.py")]


def _source_of(module: ModuleType | None) -> Path | None:
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not file.endswith(".py") or getattr(module, "__spec__", None) is None:
        return None
    return Path(file).absolute()


def _is_installed(file: Path) -> bool:
    return file.is_relative_to(_STDLIB) or not _INSTALLED.isdisjoint(file.parts)


# ------------------------------------------------------------------------------------------------ imports


def in_load_order(changed: Iterable[str], modules: Mapping[str, Path]) -> list[str]:
    """`changed`, and those of `modules` that import them, directly or indirectly; imported ones first.

    Raises:
        SyntaxError: of one of the sources.
        OSError: a source cannot be read.
    """
    imports = {name: _imports(name, file, modules) for name, file in modules.items()}
    touched = set(changed)
    while more := {name for name, it in imports.items() if name not in touched and not touched.isdisjoint(it.all)}:
        touched |= more
    ordered: dict[str, None] = {}
    begun: set[str] = set()

    def load(name: str) -> None:
        if name in begun:  # ordered already, or in a circle
            return
        begun.add(name)
        for needed in sorted(imports[name].at_once & touched):
            load(needed)
        ordered[name] = None

    for name in modules:
        if name in touched:
            load(name)
    return list(ordered)


def _imports(name: str, file: Path, modules: Mapping[str, Path]) -> "_Imports":
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    found = _Imports(package, modules)
    found.visit(ast.parse(file.read_bytes(), filename=str(file)))
    return found


class _Imports(ast.NodeVisitor):
    """What a module imports of `modules`.

    Attributes:
        at_once: imported while the module itself is loaded.
        all: also those imported in functions.
    """

    def __init__(self, package: str, modules: Mapping[str, Path]) -> None:
        self.at_once: set[str] = set()
        self.all: set[str] = set()
        self._package = package
        self._modules = modules
        self._functions = 0

    def visit_Import(self, node: ast.Import) -> None:  # ast's name
        for alias in node.names:
            parts = alias.name.split(".")
            for length in range(1, len(parts) + 1):
                self._note(".".join(parts[:length]))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            base = resolve_name("." * node.level + base, self._package)
        self._note(base)
        for alias in node.names:
            self._note(f"{base}.{alias.name}")

    def visit_If(self, node: ast.If) -> None:
        never_runs = ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for statement in node.orelse if never_runs else (*node.body, *node.orelse):
            self.visit(statement)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._functions += 1
        self.generic_visit(node)
        self._functions -= 1

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 # ast's name

    def _note(self, name: str) -> None:
        if name in self._modules:
            self.all.add(name)
            if not self._functions:
                self.at_once.add(name)


# ------------------------------------------------------------------------------------------------ loading anew


@contextmanager
def loaded_anew(names: Iterable[str], roots: Iterable[Path]) -> Generator[None]:
    """Load modules anew, in this order; if one of them raises, or the block does, restore all of them.

    A module that is loaded anew stays the same object with new contents, so the old ones can be put back. Names that its
    source has lost are absent in the block, as in a fresh start; after it they are there again, for old code that still
    runs.

    Args:
        names: the modules.
        roots: of the project; when restoring, modules below them that are new are removed.
    """
    modules = [sys.modules[name] for name in names]
    before = [dict(vars(module)) for module in modules]
    known = set(sys.modules)
    importlib.invalidate_caches()
    try:
        for module in modules:
            _forget_bytecode(module)
            _forget_names(module)
            importlib.reload(module)
        yield
    except BaseException:
        for module, contents in zip(modules, before, strict=True):
            vars(module).clear()
            vars(module).update(contents)
        for name in project_modules(roots).keys() - known:
            del sys.modules[name]
        raise
    for module, contents in zip(modules, before, strict=True):
        vars(module).update(contents | vars(module))


def _forget_bytecode(module: ModuleType) -> None:
    """Delete the `.pyc`: it counts as current if second and size of the source match, as they may for two quick saves."""
    cached = module.__spec__.cached if module.__spec__ is not None else None
    if cached is not None:
        with suppress(OSError):
            Path(cached).unlink()


def _forget_names(module: ModuleType) -> None:
    """Delete its names, except those that the import system sets: a package has its modules as attributes."""
    for name, value in tuple(vars(module).items()):
        if not name.startswith("__") and not isinstance(value, ModuleType):
            del vars(module)[name]
