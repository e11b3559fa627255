"""Which extra of the distribution brings a module that is missing."""

import re
from importlib.metadata import PackageNotFoundError, requires

__all__ = ("hint",)

DISTRIBUTION = "marketswarm-otp"

_REQUIREMENT = re.compile(r"""(?P<name>[\w.-]+).*;.*\bextra\s*==\s*['"](?P<extra>[\w.-]+)['"]""")


def hint(error: BaseException) -> str:
    """What to install, if `error` says that a module of an extra is missing; empty if it does not."""
    extra = _extra_of(error.name) if isinstance(error, ModuleNotFoundError) and error.name else None
    return f"pip install '{DISTRIBUTION}[{extra}]'" if extra else ""


def _extra_of(module: str) -> str | None:
    try:
        requirements = requires(DISTRIBUTION) or ()
    except PackageNotFoundError:  # run from a source tree that is not installed
        return None
    for found in filter(None, map(_REQUIREMENT.match, requirements)):
        if found["name"].replace("-", "_").lower() == module.partition(".")[0].lower():
            return found["extra"]
    return None
