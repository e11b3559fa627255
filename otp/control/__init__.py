"""The control plane: a running tree looked into and steered from another process, over Unix sockets.

wire      what is exchanged, and the sockets: values, used on all sides
tree      in the tree's event loop: queries, actions, the rows, the bridge to the thread
server    in the thread `otp-control`, which has an event loop of its own
client    in another process: one connection, and a copy of the tree that follows the original
open      opens the control plane beside a tree
"""
