"""`python -m otp` is the `otp` command."""

from otp.cli import main

if __name__ == "__main__":
    main()
