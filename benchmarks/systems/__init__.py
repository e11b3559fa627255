"""What is measured: each system does the same work, in a process of its own and under the interpreter of its environment.

`python -m benchmarks.systems restart ours --backend trio` prints one JSON line. A system is a module here, a measure a
function in it, such as `restart` or `scale`; of a module with several, `restart_task` is the system `floors.task`. What the
function is given, and what it calls, is in `runs`. Only the standard library and the system itself may be imported, for the
peers' environments, which `peers.toml` declares, hold nothing else. `beam` has the systems on Erlang's machine.
"""
