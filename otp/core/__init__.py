"""Decisions: what follows when a child ends, is asked for or is late. It lives in no loop and no thread.

Machines are called with an input and the time, and return effects. There is no I/O in here, no clock, no randomness, no
`await` and no log, which the import linter sees to. The runtime calls them, in the event loop of the tree.
"""
