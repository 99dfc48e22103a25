# Everything a newcomer needs: `make demo` and `make test`. Plain pip/python lines are in the README.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
REQUIREMENTS := requirements.txt training/requirements.txt tests/requirements.txt

.PHONY: demo test quick lint benchmark parity weights clean

demo: $(STAMP)
	$(BIN)/python training/demo.py

test: $(STAMP) lint
	$(BIN)/python -m pytest -q -n auto --dist worksteal

quick: $(STAMP) lint
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not slow"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python

benchmark: $(STAMP)
	$(BIN)/python training/benchmark.py --suite generator --json out/benchmark.json

weights: $(STAMP)
	$(BIN)/python -m training.tools.weights

parity: $(STAMP)
	$(BIN)/python training/parity.py tests/golden/parity

$(STAMP): $(REQUIREMENTS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check $(addprefix -r ,$(REQUIREMENTS))
	@touch $(STAMP)

clean:
	rm -rf $(VENV) out .pytest_cache .ruff_cache
