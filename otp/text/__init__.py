"""How things are written down: text that is safe to print, free of secrets, and short.

Runs in whatever thread calls it; imports nothing else of `otp`.
"""
