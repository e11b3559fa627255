# Each target sets up what it needs in .venv; a second run starts at once.
PYTHON ?= python3
BIN := .venv/bin
SCENARIOS ?= 10000
WHOLE := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo test test-all endurance test-framework test-operating test-services test-programs test-whole lint format bench bench-guard bench-peers conformance clean

help:
	@echo "make demo         market data under supervision, and four faults, in about 40 seconds"
	@echo "make test         the tests"
	@echo "make test-all     all of it at full size: fresh scenarios, mutations and endurance too, about an hour"
	@echo "make lint         ruff, mypy, pyright, import-linter"
	@echo "make format       rewrite the code as ruff formats it"
	@echo "make bench        what it costs, as ratios, beside the peers that are here; the README says what came of it"
	@echo "make bench-peers  the libraries that it is compared with, each in an environment of its own, in .peers"
	@echo "make bench-guard  whether restarts, starts and stops have become slower, in about half a minute"
	@echo "make conformance  fresh scenarios against Erlang/OTP, which has to be there"
	@echo "make endurance    a million restarts, and chaos on the four services for RESTARTS and MINUTES of your choice"
	@echo "make clean        remove .venv and what the tools left"

demo: .venv/demo
	@$(BIN)/otp demo

# The first part computes and the others mostly wait, for processes and sockets: side by side they take as long as one.
test: .venv/test
	@echo "running the tests, in about five minutes"
	@$(MAKE) --no-print-directory --jobs 4 $(WHOLE) test-framework test-operating test-services test-programs

# At full size. Erlang/OTP has to be there, as for `make conformance`.
test-all: export OTP_TEST_ALL := 1
test-all: test
	$(MAKE) --no-print-directory conformance
	$(BIN)/python -m tests.mutations
	$(MAKE) --no-print-directory endurance RESTARTS=$(or $(RESTARTS),200000)

endurance: .venv/test
	@$(BIN)/python -m tests.endurance --restarts $(or $(RESTARTS),1000000) --minutes $(or $(MINUTES),3)

OPERATING := tests/cli tests/control tests/application tests/tui
PROGRAMS := tests/adoption tests/endurance tests/observe tests/trees tests/typing

test-framework: .venv/test
	@$(BIN)/python -m pytest $(foreach folder,tests/services $(OPERATING) $(PROGRAMS),--ignore $(folder)) -p no:cacheprovider

test-operating: .venv/test
	@$(BIN)/python -m pytest $(OPERATING) -p no:cacheprovider

test-programs: .venv/test
	@$(BIN)/python -m pytest $(PROGRAMS) -p no:cacheprovider

test-services: .venv/test
	@$(BIN)/python -m pytest tests/services -p no:cacheprovider

# What `make test` runs reduced, at full size and alone: every interleaving, and every way of a Redis to say "not now".
test-whole: export OTP_TEST_ALL := 1
test-whole: .venv/test
	@$(BIN)/python -m pytest tests/core/test_every_interleaving.py tests/services/not_now -p no:cacheprovider

lint: .venv/lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: .venv/lint
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv/bench
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks --readme

bench-peers: .venv/bench
	$(BIN)/python -m benchmarks peers

bench-guard: .venv/test
	$(BIN)/python -m benchmarks guard

conformance: .venv/test
	$(BIN)/python -m tests.conformance fuzz --scenarios $(SCENARIOS)

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/made:
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit(f"otp needs Python 3.11 or newer, {sys.executable} is {v.major}.{v.minor}; write make PYTHON=python3.12")'
	@echo "setting up .venv"
	@$(PYTHON) -m venv .venv
	@$(PIP) install --upgrade "pip>=25.1"
	@touch $@

.venv/demo: .venv/made pyproject.toml services/pyproject.toml
	@echo "installing what the demo needs"
	@$(PIP) install --editable ".[uvloop]" --editable "services[embedded]"
	@touch $@

.venv/test: .venv/made pyproject.toml services/pyproject.toml
	@echo "installing what the tests need"
	@$(PIP) install --editable ".[alerts,metrics,reload,trio,tui,uvloop]" --editable "services[embedded]" --group test
	@touch $@ .venv/demo

.venv/bench: .venv/test pyproject.toml
	@echo "installing what the benchmarks need"
	@$(PIP) install --group bench
	@touch $@

.venv/lint: .venv/test pyproject.toml
	@echo "installing what the linters need"
	@$(PIP) install --group lint
	@touch $@
