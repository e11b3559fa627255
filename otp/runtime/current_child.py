"""Whose code runs: the path of the child in whose context it does."""

from contextvars import ContextVar

__all__ = ("CHILD",)

CHILD: ContextVar[str] = ContextVar("otp_child", default="")
"""The path of the child; empty outside of all, and where nobody has asked for it (`Supervisor.name_contexts`).

Its tasks have it too, and the threads that `anyio.to_thread` starts.
"""
