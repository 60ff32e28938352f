# Everything is set up in this folder (.venv, .cache); only what the distribution must give
# (python3-venv, PostgreSQL, Chromium) is installed on the machine, and only where it is missing.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WORKERS ?= 2
ARGS ?=
PARTS := server schemas tests web/tools $(wildcard bench)

export PYTHON
.DELETE_ON_ERROR:
.PHONY: help run dist test system lint types layers web pages soak bench lock clean

help:
	@echo 'make run     set up everything here and start the demo county (ARGS=--lan for phones nearby)'
	@echo 'make dist    make a wheel in dist/ that holds the web pages'
	@echo 'make test    set up what the tests need, PostgreSQL too, and run all of them'
	@echo 'make soak    the long forms of the tests'
	@echo 'make bench   measure check-ins and attendance'
	@echo 'make lock    work the pinned versions out again'
	@echo 'make clean   remove what make set up here'

run: .venv/.runs server/web/.built
	$(BIN)/daocun demo $(ARGS)

dist: .venv/.runs server/web/.built
	@rm -rf build/lib
	$(PIP) wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

# The domain's tests alone must reach every branch of the domain; measuring that slows the others down for nothing.
test: lint types layers web system
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

# Types first: a changed API breaks the build. Then the pages' own tests, and what the build must keep to.
web: server/web/.built web/node_modules/.made
	$(NPM) run types
	$(NPM) run test
	$(NPM) run check

soak: .venv/.tests server/web/.built system
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
	rm -rf .venv .cache build dist server/web web/made web/node_modules daocun.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache \
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

# The web pages. Node.js is the machine's own if it is recent enough, else one from PyPI inside .venv.
NPM = PATH="$$(.ci/node):$$PATH" npm --prefix web --silent
PAGES := $(shell find web -path web/node_modules -prune -o -path web/made -prune -o -type f -print 2>/dev/null)

pages: server/web/.built

server/web/.built: web/node_modules/.made web/made/api.d.ts $(PAGES)
	@echo 'Building the web pages …'
	@$(NPM) run build
	@touch $@

web/node_modules/.made: .venv/.made web/package.json web/package-lock.json
	@echo 'Installing what the web pages are built with; this takes half a minute …'
	@$(NPM) ci
	@touch $@

web/made/api.d.ts: web/node_modules/.made $(wildcard schemas/*.py server/api/*.py server/domain/*.py) web/tools/swagger.py \
		web/tools/types.mjs | .venv/.python
	@mkdir -p web/made
	@PYTHONPATH=. $(BIN)/python web/tools/swagger.py > web/made/swagger.json
	@PATH="$$(.ci/node):$$PATH" && cd web && node tools/types.mjs made/swagger.json > made/api.d.ts

# Whichever set of packages is there already will do
.venv/.python: .venv/.made
	@test -e .venv/.runs -o -e .venv/.tests || $(MAKE) .venv/.runs
	@touch $@
