"""The environments of the peers, beside this one."""

import os
from pathlib import Path

__all__ = ("interpreter",)


def interpreter(name: str) -> Path | None:
    """The Python of an environment; None: it is not here."""
    folder = Path(os.environ.get("PEERS_DIR") or Path(__file__).parents[1] / ".peers").absolute()
    python = folder / name / "bin" / "python"
    return python if python.exists() else None
