"""The environments that peers run in: `python -m benchmarks peers [NAME …]` builds them, of the versions in `peers.toml`.

They go to `.peers/` here, or where `PEERS_DIR` says.
"""

import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.rig import peer_patches
from benchmarks.rig.checkout import ROOT

DECLARED = ROOT / "benchmarks/systems/peers.toml"


class Environment(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """One of `peers.toml`, where its fields are explained."""

    requirements: list[str]
    ignore_requires_python: bool = False
    patch: str = ""


def folder() -> Path:
    """Where everything is that is built for the peers."""
    return Path(os.environ.get("PEERS_DIR") or ROOT / ".peers").resolve()


def interpreter(name: str) -> Path | None:
    """The Python of an environment; None: it is not built."""
    python = folder() / name / "bin/python"
    return python if _mark(name).exists() else None


def build(names: Sequence[str]) -> int:
    """Build those that are not there yet, all of them or those named; what fails is said and skipped.

    Returns:
        The exit code: 1 when one of them is not there afterwards.
    """
    known = msgspec.toml.decode(DECLARED.read_bytes(), type=dict[str, Environment])
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no environment {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
    missing = [name for name in names or known if name in known and not _ensure(name, known[name])]
    if missing:
        print(f"not built: {', '.join(missing)}", file=sys.stderr)
    return 1 if unknown or missing else 0


def _ensure(name: str, wanted: Environment) -> bool:
    """Whether it is there in the end."""
    mark, content = _mark(name), msgspec.json.encode(wanted)
    if mark.exists() and mark.read_bytes() == content:
        print(f"have   {name}")
        return True
    mark.unlink(missing_ok=True)
    try:
        _make(folder() / name, wanted)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"failed {name}: {error}", flush=True)
        return False
    mark.write_bytes(content)
    print(f"built  {name}", flush=True)
    return True


def _make(environment: Path, wanted: Environment) -> None:
    venv.create(environment, clear=True, with_pip=True)
    pip = [str(environment / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    regardless = ["--ignore-requires-python"] if wanted.ignore_requires_python else []
    subprocess.run([*pip, *regardless, *wanted.requirements], check=True)
    if wanted.patch:
        getattr(peer_patches, wanted.patch)(environment)


def _mark(name: str) -> Path:
    """A file that an environment has once it is complete: what it was built of."""
    return folder() / name / "built.json"
