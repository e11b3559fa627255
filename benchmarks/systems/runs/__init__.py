"""One run of one system, a module a measure: the system calls its stamps, and it prints the figures and ends the process.

Only the standard library may be imported, and the event loop where it is used: the environments of peers hold nothing else.
"""
