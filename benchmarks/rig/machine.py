"""The machine that figures are taken on, in words."""

import os
import platform
import re
from pathlib import Path


def machine(name: str = "") -> str:
    """Cores and their model, kernel and Python.

    Args:
        name: tells the machine from another one of the same description, as clouds have them; empty: there is none.
    """
    words = (
        f"{os.cpu_count()} cores{_model()}",
        f"{platform.system()} {platform.release()}",
        f"{platform.python_implementation()} {platform.python_version()}",
    )
    return ", ".join((*words, name) if name else words)


def _model() -> str:
    """With family and model in numbers: a hypervisor often shortens the name (Linux)."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""
    known = dict(re.findall(r"^(cpu family|model|model name)\t*: (.+)$", text, re.MULTILINE))
    return f" of {known['model name']} {known['cpu family']}/{known['model']}" if len(known) == 3 else ""
