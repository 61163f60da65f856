# `make run` shows the recognizer on a fresh machine; `make test` proves the kit. Both need only Python and make.
PYTHON ?= python3
VENV ?= .venv
# processes that share the tests
JOBS ?= 2
BIN := $(VENV)/bin
# the tests start the program hundreds of times: its modules are compiled once, whatever the environment says
export PYTHONDONTWRITEBYTECODE :=
RUFF_PATHS := edgelens edgelens/runtime edgelens/devices edgelens/train edgelens/compress tests benchmarks

.PHONY: run test lint install-device install-dev clean

run: install-device
	$(BIN)/edgelens run --duration 20

test: install-dev
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup

lint: install-dev
	$(BIN)/ruff check $(RUFF_PATHS)
	$(BIN)/ruff format --check $(RUFF_PATHS)
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini tests benchmarks

install-device: $(VENV)/.device
install-dev: $(VENV)/.dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.device: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[device,live]' -c constraints.txt
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch $@ $(VENV)/.device

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
