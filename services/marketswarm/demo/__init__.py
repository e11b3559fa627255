"""`otp demo --all`: the four services on real parts, and each row of the failure table."""
