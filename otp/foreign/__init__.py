"""Code and exceptions that are not ours: the guard around each call, and how an exception of any shape is walked.

Runs in whatever thread calls it.
"""
