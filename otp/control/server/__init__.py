"""The control plane in the thread `otp-control`, in the asyncio event loop of that thread.

server        the thread, and its clients; accepting lets them in
connection    reads and writes for one client
pending       requests that wait for the tree's loop
watcher       clients that watch
token_bucket  how often something may be done
"""
