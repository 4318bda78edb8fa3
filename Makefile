# make demo    set up .venv and run the main job on the embedded digits
# make test    set up what is missing and run the tests
# make test-all  every test, also those with further settings of each layer (an hour)
# make check   lint, types and tests: what continuous integration runs
# make bench   compare with other libraries (sets up environments of its own; takes a while)
# The first interpreter that runs and is new enough; PYTHON=... names another.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; break; }; done)
BIN := .venv/bin

.PHONY: demo test test-all check lint types bench clean

demo: .venv/run.stamp
	$(BIN)/gradwise train digits --out runs/demo

test: .venv/dev.stamp
	$(BIN)/python -m pytest -n 2

test-all: .venv/dev.stamp
	$(BIN)/python -m pytest -n 2 -m "slow or not slow"

check: lint types test

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev.stamp
	$(BIN)/mypy

bench:
	sh benchmarks/environments.sh
	.venv-bench/bin/python benchmarks/run.py

clean:
	rm -rf .venv .venv-bench* runs

.venv/run.stamp: pyproject.toml
	@test -n "$(PYTHON)" || { echo "Gradwise needs Python 3.11 or newer, and none was found."; \
		echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev.stamp: pyproject.toml
	@$(MAKE) --no-print-directory .venv/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
