"""The machine that figures are taken on, in words."""

import os
import platform

__all__ = ("machine",)


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, {platform.python_implementation()} {platform.python_version()}"
