"""The control plane in the tree's event loop, beside the tree: nothing here is called in another thread.

mailbox       takes questions from the bridge, and answers them
queries       the commands that look; view makes the rows
actions       the commands that act; blast_radius, maintenance and audit are theirs
event_log     what happened lately
changes       what changed, for clients that watch
"""
