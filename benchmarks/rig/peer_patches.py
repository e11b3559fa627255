"""What has to be done to some peers before they can be imported on Python 3.11."""

import re
import subprocess
import tarfile
import tempfile
from pathlib import Path
from shutil import copytree


def triotp_without_type_statements(environment: Path) -> None:
    """triotp 0.3.1 asks for Python 3.13 because of three statements `type X = …`."""
    _rewrite(_installed(environment) / "triotp/mailbox.py", (r"^type (\w+) =", r"\1 ="))


def pyre_agents_without_type_parameters(environment: Path) -> None:
    """pyre-agents 0.2.1 asks for Python 3.12 because of two headers `class X[T: Bound]`."""
    variable = '\nfrom typing import Generic, TypeVar\nStateT = TypeVar("StateT")'
    for name in ("agent", "results"):
        _rewrite(
            _installed(environment) / f"pyre_agents/{name}.py",
            (r"^from __future__ import annotations$", rf"\g<0>{variable}"),
            (r"^class (\w+)\[StateT: BaseModel\]:", r"class \1(Generic[StateT]):"),
        )


def actors_with_all_its_packages(environment: Path) -> None:
    """actors 0.5.1b1 installs without two of its own packages, which its source archive has."""
    pip = [environment / "bin/python", "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*pip, "--dest", folder, "actors==0.5.1b1"], check=True)
        with tarfile.open(Path(folder) / "actors-0.5.1b1.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        for package in ("internal", "utils"):
            copytree(Path(folder) / "actors-0.5.1b1/actors" / package, _installed(environment) / "actors" / package)


def _installed(environment: Path) -> Path:
    return next(environment.glob("lib/python3.*/site-packages"))


def _rewrite(path: Path, *replacements: tuple[str, str]) -> None:
    text = path.read_text()
    for pattern, replacement in replacements:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    path.write_text(text)
