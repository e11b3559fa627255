"""A service as it is before its adoption: an orchestrator that makes its own tasks, and workers with a stop event.

The shape is that of the contract (sections 2.6 and 3), with the faults that it names: failures are logged and swallowed,
and a worker that waits for data does not see its stop event.
"""
