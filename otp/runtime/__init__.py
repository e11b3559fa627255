"""A running tree: executes what the machines of `otp.core` decide, and feeds them with what happened.

All of it lives in the tree's event loop (asyncio, uvloop or trio) and its one thread. From another thread only
`beat`, `Supervisor.soon` and the looks at frames in `lineage`, `stack` and `child` may be called.
"""
