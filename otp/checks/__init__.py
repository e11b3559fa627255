"""What a spec is given, checked where it is built: plain values, and functions that are called later.

Runs in whatever thread calls it.
"""
