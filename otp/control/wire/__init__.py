"""What both ends of a control socket use, as values: no event loop and no thread.

commands  what a client may ask for
protocol  frames, and the messages in them
rows      a tree as it is shown
targets   which children a path or a pattern means
health    the health of a tree, from a snapshot
sockets   where the sockets are, and who owns them
peer      the process at the other end; trust says whether it may be spoken to
"""
