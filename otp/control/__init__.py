"""The control plane: looking at a running tree from outside, and steering it, over Unix sockets."""
