# People type these; a bare `make` lists them. Everything is installed into .venv and nowhere else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Annoy is built from source; its own default flags can make a wrong index (see docs/decisions/0002).
ANNOY_FLAGS := ANNOY_COMPILER_ARGS=-O3,-DANNOYLIB_MULTITHREADED_BUILD,-std=c++14
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run lab test check notebooks bench bench-peers lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/ready  ## learn from real ratings, judge, show recommendations; writes runs/latest
	$(BIN)/mlsd-lab run --data movielens

lab: $(VENV)/ready  ## open your own copies of the notebooks in JupyterLab, in my_course
	$(BIN)/mlsd-lab lab

test: check  ## house rules, unit tests, doctests, every number in the notebooks; all offline
	$(BIN)/python -m pytest -n 2 --dist loadfile
	$(BIN)/python -m pytest -n 2 --dist loadfile --nbval notebooks

check: $(VENV)/ready  ## style, types and the import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo >/dev/null || $(BIN)/lint-imports

notebooks: $(VENV)/ready  ## run notebooks/source/*.py into notebooks/*.ipynb, outputs stable
	$(BIN)/python -m mlsd_lab.course.build notebooks/source notebooks

bench: $(VENV)/ready  ## measure ours beside peers (once: make bench-peers; some: ROWS="metrics growth"); docs/performance.md
	$(BIN)/python -m benchmarks run $(ROWS)

bench-peers: $(VENV)/ready
	$(BIN)/python -m benchmarks peers

lock:  ## pin every package again, with hashes and without addresses
	$(PIP) uv
	$(BIN)/uv pip compile pyproject.toml --quiet --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --no-emit-find-links --output-file requirements.lock

clean:  ## remove what was installed and what runs left behind (downloaded data stays)
	rm -rf $(VENV) runs build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/ready: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "mlsd_lab needs Python 3.11 or newer: $(PYTHON) was not found (name another with PYTHON=...)."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mlsd_lab needs Python 3.11 or newer: $(PYTHON) is $$($(PYTHON) -V 2>&1) (name another with PYTHON=...)."; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "mlsd_lab needs Python's venv module: install it, on Debian with apt-get install python3-venv."; exit 2; }
	@command -v g++ >/dev/null || command -v c++ >/dev/null || \
	  { echo "mlsd_lab builds Annoy from source and needs a C++ compiler: install one, on Debian with apt-get install g++ python3-dev."; exit 2; }
	@echo "Setting up $(VENV): about two minutes the first time."
	$(PYTHON) -m venv $(VENV)
	@awk '/^annoy==/ { keep = 1 } keep { print } keep && !/\\$$/ { exit }' requirements.lock > $(VENV)/annoy.lock
	$(ANNOY_FLAGS) $(PIP) --no-cache-dir --no-deps --require-hashes -r $(VENV)/annoy.lock
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
