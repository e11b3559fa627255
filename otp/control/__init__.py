"""The control plane: a running tree looked into and steered from another process, over Unix sockets.

wire      what is exchanged, as values, and where the sockets are: no loop, no thread; all rooms use it
tree      in the tree's event loop: queries, actions, the event log, what changes
bridge    all that crosses between the tree's loop and the server's
server    in the thread `otp-control`, with an asyncio event loop of its own: sockets, clients, pending requests
client    in another process, blocking: a connection, and a copy of the tree that follows the original
open      opens the control plane beside a tree, in the tree's loop

A linter keeps the rooms apart: tree, server and client do not import each other.
"""
