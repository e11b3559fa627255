"""Context variable: path of the current child."""

from contextvars import ContextVar

CHILD: ContextVar[str] = ContextVar("otp_child", default="")
"""Path of the child whose code runs, in its tasks and in threads that it starts with `anyio.to_thread`.

Empty outside of children, and in a tree that does not set it (`Supervisor.name_contexts`).
"""
