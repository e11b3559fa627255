"""The process that a tree lives in: signals, systemd, the health port, the blocked loop, reload, and the end.

It is opened and closed in the tree's event loop. Three parts have threads of their own, so that they work while the loop
does not turn: `watchman` (the end of the process), `loop_watch`, `health`. Nothing in here is supervised by the tree.
"""
