# One screen of recipes; CI runs the same ones. Needs only Python >= 3.10 and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: demo test lint unit examples bench clean

demo: $(VENV)/.demo  ## set up and run a federated job from pytest, metrics shown round by round
	$(BIN)/python -m pytest example_suites/digits_numpy -n $(WORKERS)

test: $(VENV)/.test lint unit examples  ## set up and pass the tests

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

unit: $(VENV)/.test
	$(BIN)/python -m pytest tests -n $(WORKERS)

examples: $(VENV)/.test
	$(BIN)/python -m pytest example_suites -n $(WORKERS)

bench: $(VENV)/.test  ## the figures of the README, peers in the same run
	$(BIN)/python -m benchmarks

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q -e . 'scikit-learn>=1.4'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q -e '.[test]'
	@touch $@ $(VENV)/.demo

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) .flare .pytest_cache .mypy_cache .ruff_cache .hypothesis
