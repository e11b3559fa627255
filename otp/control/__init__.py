"""The control plane: a running tree looked into and steered from another process, over Unix sockets.

    in the tree's loop       open desk looking acting view timeline maintenance audit radius targets
    in the thread otp-control, with an asyncio loop of its own      server connection questions watcher
    in the client's process, which blocks      client mirror
    in all of them           protocol commands rows health sockets trust peer

A question enters the tree's loop as one callback and leaves it as one.
"""
