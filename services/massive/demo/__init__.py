"""`otp demo`: massive under supervision on real parts, and what happens when they fail."""

from services.massive.demo.command import command

__all__ = ("command",)
