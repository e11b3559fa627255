"""Which extra brings a module that is missing, and the command that installs it.

A distribution that pip was given as a folder or a file is on no index under its name, perhaps: the command then names
what pip was given.

    pip install -e '/work/otp[tui]'         an editable install of a checkout
    pip install '/work/otp[tui]'            an install of a folder, or of a wheel file that is still there
    pip install 'otp-supervision[tui]'      anything else
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

DISTRIBUTION = "otp-supervision"

_REQUIREMENT = re.compile(r"""(?P<name>[\w.-]+).*;.*\bextra\s*==\s*['"](?P<extra>[\w.-]+)['"]""")


class _Folder(msgspec.Struct):
    editable: bool = False


class _Origin(msgspec.Struct):
    """What pip writes down of a distribution that it was given by an address: `direct_url.json` (PEP 610)."""

    url: str
    dir_info: _Folder = msgspec.field(default_factory=_Folder)


def hint(error: BaseException, *distributions: str) -> str:
    """What to install, if `error` says that a module of an extra is missing; empty if it does not.

    Args:
        error: of an import.
        distributions: looked through for the extra, after our own.
    """
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    for name in (DISTRIBUTION, *distributions):
        if extra := _extra_of(error.name, name):
            return install(extra, name)
    return ""


def install(extra: str, name: str = DISTRIBUTION) -> str:
    """The command that installs an extra of the distribution from where the distribution itself was installed."""
    from urllib.request import url2pathname  # noqa: PLC0415 # heavy, and wanted only when something is missing

    origin = _origin(name)
    path = Path(url2pathname(urlsplit(origin.url).path)) if origin and origin.url.startswith("file:") else None
    if origin is None or path is None or not path.exists():
        return f"pip install '{name}[{extra}]'"
    return f"pip install {'-e ' if origin.dir_info.editable else ''}'{path}[{extra}]'"


def _origin(name: str) -> _Origin | None:
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415 # as above

    try:
        text = distribution(name).read_text("direct_url.json")
        return msgspec.json.decode(text, type=_Origin) if text else None
    except (PackageNotFoundError, msgspec.DecodeError):
        return None


def _extra_of(module: str, name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415 # as above

    try:
        requirements = distribution(name).requires or ()
    except PackageNotFoundError:  # run from a source tree that is not installed
        return None
    for found in filter(None, map(_REQUIREMENT.match, requirements)):
        if found["name"].replace("-", "_").lower() == module.partition(".")[0].lower():
            return found["extra"]
    return None
