# make demo   plays the wave-gear story            make test   everything that CI runs
# make bench  prints every figure of the README    make lock   renews locks/ from pyproject.toml

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check docs bench lock clean

help:
	@sed -n '1,2s/^# //p' Makefile

$(VENV)/.runtime: locks/runtime.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit("fabloop needs Python 3.11 or newer, found " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) (once; about 300 MB are fetched) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/runtime.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime locks/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
	@touch $@

demo: $(VENV)/.runtime
	$(BIN)/fabloop demo wavegear $(DEMO_ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.dev
	$(BIN)/sphinx-build -W -q -b html docs docs/_build/html

test: check docs
	$(BIN)/pytest -q --numprocesses auto --dist worksteal

$(VENV)/.bench: $(VENV)/.dev locks/bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'valentine>=1.0.1,<1.1'
	@touch $@

bench: $(VENV)/.bench
	@for each in bench/*.py; do echo; echo "== $$each"; $(BIN)/python $$each || exit 1; done

lock: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o locks/runtime.txt
	$(BIN)/uv pip compile pyproject.toml --extra test --extra docs -c locks/runtime.txt --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o locks/dev.txt
	$(BIN)/uv pip compile pyproject.toml --extra bench --extra test -c locks/dev.txt --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o locks/bench.txt

clean:
	rm -rf $(VENV) docs/_build
