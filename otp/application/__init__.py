"""A tree as a program, and what looks after the process that it is: the log, signals, health, systemd, reload, the end.

Opened in the tree's event loop. Threads: the watchman, the loop watch, the health port, and the last resort in C.
"""

from otp.application.entry import end_with, main, run, serve

__all__ = ("end_with", "main", "run", "serve")
