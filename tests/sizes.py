"""How large the tests are: reduced for `make test`, whole for `make test-all`, which sets OTP_TEST_ALL."""

from os import environ

WHOLE = bool(environ.get("OTP_TEST_ALL"))
