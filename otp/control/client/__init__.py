"""The client of a control socket, in another process: it blocks, in the thread that calls it, and has no event loop.

find        the socket of a running tree
client      asking and watching, over one connection
mirror      the copy of a tree that follows the original
feed        a thread that watches, and waits for a process that is gone; link says whether the copy is true
"""
