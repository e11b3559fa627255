"""`otp demo`: massive under supervision on real parts, and what happens when they fail."""
