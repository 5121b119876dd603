# Every target sets itself up: .venv is made from requirements.lock the first time and whenever that file changes.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# kedro-mlflow starts `mlflow` by its name.
export PATH := $(CURDIR)/$(BIN):$(PATH)

export KEDRO_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := 1
export MLFLOW_DISABLE_TELEMETRY := true
# MLflow's interface for one reader: one process, none for jobs of language models.
export MLFLOW_WORKERS := 1
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION := false

# What `make run` passes on:  make run ARGS="--env=published --pipeline=search"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run test lint docs format viz mlflow clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

setup: $(READY)  ## make .venv from requirements.lock

run: $(READY)  ## the main job on the embedded sample (ARGS="..." goes to kedro run)
	$(BIN)/kedro run $(ARGS)

test: $(READY)  ## all tests; those on reference data too when AUTOBUILD_REFERENCE_DIR names it
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder $(ARGS)

lint: $(READY)  ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY)  ## the documentation's site, into build/site
	$(BIN)/mkdocs build --strict --quiet
	@echo "build/site/index.html"

format: $(READY)  ## let ruff fix and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

viz: $(READY)  ## the lineage in a browser: http://127.0.0.1:4141
	$(BIN)/kedro viz run $(ARGS)

mlflow: $(READY)  ## the runs in a browser: http://127.0.0.1:5000
	$(BIN)/kedro mlflow ui $(ARGS)

clean:  ## remove what runs wrote (data/02_* and up, mlflow.db, mlartifacts); .venv stays
	rm -rf data/0[2-8]_* mlflow.db mlartifacts .viz build

$(READY): requirements.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null || \
	  { echo "Python 3.11 or 3.12 is needed, found '$(PYTHON)'. Say which to use:  make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	@touch $@
