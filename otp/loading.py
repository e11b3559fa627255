"""From `trees.massive:tree` to a spec: find the module, take what it names, build the tree.

What is named is a spec, or a function that returns one; the function takes nothing, or one config, which is read from a
JSON or TOML file and checked against the type that the parameter is annotated with.
"""

import importlib
import inspect
from collections.abc import Callable
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from otp.errors import LoadError, SpecError
from otp.extras import hint
from otp.foreign.causes import cause_of
from otp.foreign.guard import CallFailed, NeedsAwait, Role, call
from otp.runtime.crash import describe
from otp.spec import ChildSpec, SupervisorSpec, check_needs
from otp.text.redaction import clean

_DECODERS: dict[str, Callable[..., Any]] = {".json": msgspec.json.decode, ".toml": msgspec.toml.decode}


def load(target: str, config: str | PathLike[str] | None = None) -> SupervisorSpec:
    """The tree that `target` names.

    Args:
        target: `module:name`, importable from where Python looks for modules.
        config: a `.json` or `.toml` file for the config of the function.

    Raises:
        LoadError: there is none. Its message is on one line, printable, and without secrets, whatever was raised and
            whatever the names are.
    """
    try:
        return _loaded(target, config)
    except LoadError as error:
        raise LoadError(clean(str(error))) from cause_of(error)


def _loaded(target: str, config: str | PathLike[str] | None) -> SupervisorSpec:
    module, name = _split(target)
    named = _named(_import(module), name)
    if callable(named) and not isinstance(named, type):
        return _checked(target, _call(target, named, config))
    if config is not None:
        raise LoadError(f"{target} takes no config, as it is not a function; leave out {config}")
    return _checked(target, named)


# ------------------------------------------------------------------------------------------------ the name


def _split(target: str) -> tuple[str, str]:
    module, colon, name = target.partition(":")
    if colon and name.isidentifier() and all(part.isidentifier() for part in module.split(".")):
        return module, name
    path = module.removesuffix(".py").strip("./").replace("/", ".")
    instead = f"{path or 'trees.massive'}:{name or 'tree'}"
    raise LoadError(f"expected module:name, got {target!r}; write for example {instead}")


def _import(module: str) -> ModuleType:
    imported = call(Role.TREE, module, importlib.import_module, module)
    if type(imported) is not CallFailed:
        return imported
    raise _broken(module, imported.error) from imported.error


def _broken(module: str, error: BaseException) -> BaseException:
    if type(error) is KeyboardInterrupt:
        return error
    if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
        return LoadError(f"no module {error.name!r} here; is {module!r} spelled right, and importable?")
    missing = hint(error)
    return LoadError(f"importing {module} failed: {describe(error)}{f'; {missing}' if missing else ''}")


def _named(module: ModuleType, name: str) -> object:
    try:
        return getattr(module, name)
    except AttributeError:
        public = [known for known in vars(module) if not known.startswith("_")]
        trees = [known for known in public if _looks_like_tree(getattr(module, known))]
        close = get_close_matches(name, public, n=1) or trees
        instead = f"; did you mean {' or '.join(f'{module.__name__}:{known}' for known in close)}?" if close else ""
        raise LoadError(f"module {module.__name__} has no {name!r}{instead}") from None


def _looks_like_tree(value: object) -> bool:
    returns = getattr(value, "__annotations__", {}).get("return")
    return isinstance(value, SupervisorSpec) or returns in (SupervisorSpec, SupervisorSpec.__name__)


# ------------------------------------------------------------------------------------------------ the tree


def _call(target: str, function: Callable[..., object], config: str | PathLike[str] | None) -> object:
    arguments = _arguments(target, function, config)
    built = call(Role.TREE, target, function, *arguments)
    if type(built) is not CallFailed:
        return built
    raise _no_tree(target, built.error) from built.error


def _no_tree(target: str, error: BaseException) -> BaseException:
    if type(error) is KeyboardInterrupt:  # Ctrl-C while it was built; all else, `sys.exit` too, is a tree that fails
        return error
    if type(error) is SpecError:
        return LoadError(f"{target} is no tree that can run: {error}")
    if type(error) is NeedsAwait:
        return LoadError(f"{target} is not a tree: {error}")
    return LoadError(f"{target} raised {describe(error)}")


def _arguments(target: str, function: Callable[..., object], config: str | PathLike[str] | None) -> tuple[object, ...]:
    parameter = _config_parameter(target, function)
    if parameter is None:
        if config is not None:
            raise LoadError(f"{target} takes no config; leave out {config}")
        return ()
    if config is None and parameter.default is not parameter.empty:
        return ()
    if parameter.annotation is parameter.empty:
        raise LoadError(
            f"parameter {parameter.name} of {target} has no type; annotate it, so that a config can be checked"
        )
    if config is None:
        raise LoadError(f"{target} needs a config of type {_type_name(parameter)}; give it with --config FILE")
    return (_read(parameter, Path(config)),)


def _config_parameter(target: str, function: Callable[..., object]) -> inspect.Parameter | None:
    try:
        parameters = inspect.signature(function, eval_str=True).parameters.values()
    except (NameError, TypeError, ValueError) as error:
        raise LoadError(f"the parameters of {target} cannot be told: {describe(error)}") from error
    named = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if len(needed) > 1 or (needed and needed[0] not in named):
        names = ", ".join(p.name for p in needed)
        raise LoadError(f"{target} takes {names}; expected no argument, or one config that holds all it needs")
    return next(iter(needed or named), None)


def _read(parameter: inspect.Parameter, file: Path) -> object:
    decode = _DECODERS.get(file.suffix)
    if decode is None:
        raise LoadError(f"config {file}: expected a {' or '.join(_DECODERS)} file")
    try:
        return decode(file.read_bytes(), type=parameter.annotation)
    except OSError as error:
        raise LoadError(f"config {file} cannot be read: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise LoadError(f"config {file} is no {_type_name(parameter)}: {error}") from error


def _type_name(parameter: inspect.Parameter) -> str:
    return getattr(parameter.annotation, "__qualname__", str(parameter.annotation))


def _checked(target: str, built: object) -> SupervisorSpec:
    if isinstance(built, SupervisorSpec):
        try:
            check_needs(built)
        except SpecError as error:
            raise LoadError(f"{target} is no tree that can run: {error}") from error
        return built
    instead = "write supervisor(id, children=[…])"
    if isinstance(built, ChildSpec):
        instead = f"it is a worker; write supervisor(id, children=[worker({built.id!r}, …)])"
    raise LoadError(f"{target} is not a tree: expected a supervisor's spec, got {_kind(built)}; {instead}")


def _kind(built: object) -> str:
    # Not its repr: a spec shows its arguments, and a config may hold secrets.
    return f"the class {built.__qualname__}" if isinstance(built, type) else f"a {type(built).__name__}"
