"""Observers of a tree: the log, history, incidents, alerts, metrics.

Hooks, incidents and outboxes live in the tree's event loop, and never wait there. Lines leave the process by the thread of
an `Outlet`, alerts by the thread of a `DaemonExecutor`; metrics are read by the thread that serves them.
"""
