# Everything is set up in this folder (.venv, .cache); only what the distribution must give
# (python3-venv, PostgreSQL, Chromium) is installed on the machine, and only where it is missing.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WORKERS ?= 2
ARGS ?=
PARTS := server schemas tests $(wildcard bench)

export PYTHON
.DELETE_ON_ERROR:
.PHONY: help run test system lint types layers soak bench lock clean

help:
	@echo 'make run     set up everything here and start the demo county (ARGS=--lan for phones nearby)'
	@echo 'make test    set up what the tests need, PostgreSQL too, and run all of them'
	@echo 'make soak    the long forms of the tests'
	@echo 'make bench   measure check-ins and attendance'
	@echo 'make lock    work the pinned versions out again'
	@echo 'make clean   remove what make set up here'

run: .venv/.runs
	$(BIN)/daocun demo $(ARGS)

# The domain's tests alone must reach every branch of the domain; measuring that slows the others down for nothing.
test: lint types layers system
	$(BIN)/python -m pytest -n $(WORKERS) tests/domain --cov=server/domain --cov-branch --cov-fail-under=100 \
		--cov-report=term-missing:skip-covered $(ARGS)
	$(BIN)/python -m pytest -n $(WORKERS) --ignore=tests/domain $(ARGS)

system:
	@.ci/system-packages postgresql chromium curl

lint: .venv/.tests
	$(BIN)/ruff check $(PARTS)
	$(BIN)/ruff format --check $(PARTS)

types: .venv/.tests
	$(BIN)/mypy

layers: .venv/.tests
	$(BIN)/lint-imports

soak: .venv/.tests system
	DAOCUN_SOAK=1 $(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

bench: .venv/.tests system
	$(BIN)/python -m bench.checkin $(ARGS)
	$(BIN)/python -m bench.attendance $(ARGS)
	$(BIN)/python -m bench.evidence
	$(BIN)/python -m bench.sealing $(ARGS)
	$(BIN)/python -m bench.export $(ARGS)

# requirements.txt holds every version the service and its tests are known to work with; the copy
# under .ci/ adds the files' hashes.
LOCK := uv pip compile setup.cfg --extra test --universal --python-version 3.11 --fork-strategy fewest \
	--no-config --no-header --no-annotate --quiet

lock: .venv/.made
	$(PYTHON) -m venv .cache/lock
	.cache/lock/bin/python -m pip install --quiet --upgrade uv
	.cache/lock/bin/$(LOCK) $(ARGS) --output-file requirements.txt
	.cache/lock/bin/$(LOCK) $(ARGS) --generate-hashes --output-file .ci/requirements-hashed.txt

clean:
	rm -rf .venv .cache build dist daocun.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache \
		.hypothesis .schemathesis .coverage

# The stamps below stand for "done since these files last changed", so that a second run is quick.

.venv/.made:
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or later is needed (set PYTHON=... if it has another name).' >&2; exit 1; }
	.ci/system-packages venv
	$(PYTHON) -m venv --clear .venv
	@mkdir -p .cache
	@touch $@

.venv/.runs: .venv/.made setup.cfg pyproject.toml requirements.txt
	@echo 'Installing what the service needs into .venv; this takes half a minute …'
	@$(PIP) install --quiet --constraint requirements.txt --editable .
	@touch $@

.venv/.tests: .venv/.made setup.cfg pyproject.toml .ci/requirements-hashed.txt
	$(PIP) install --quiet --require-hashes --requirement .ci/requirements-hashed.txt
	$(PIP) install --quiet --no-deps --editable .
	@touch $@
