# Two commands matter: `make demo` and `make test`. Each builds the environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

READY := $(VENV)/.ready

# Compiled once: the suite starts the service more than a hundred times.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-long test-the-tests simulate crash-points lint bench diagrams clean $(VENV)

# The environment is rebuilt when the dependencies change. Every wheel is checked against its hash.
$(VENV): $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another with PYTHON=...") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)
	$(BIN)/orchestrator demo

# Six workers on two cores: much of the suite waits for clocks and sockets. Linters run beside it.
test: $(READY)
	@$(MAKE) --no-print-directory lint & linting=$$!; \
	$(BIN)/python -m pytest -n 6 --dist worksteal; tested=$$?; \
	wait $$linting && exit $$tested

test-long: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m long --timeout 7200

# One seed, told in full; with SEEDS=500 that many from there on, counted.
simulate: SEED ?= 1
simulate: SEEDS ?= 1
simulate: $(READY)
	$(BIN)/python -m tests.simulation $(SEED) --seeds $(SEEDS)

# Plausible bugs, planted one by one in a copy: each must pass linters and demo, and be caught by the suite.
test-the-tests: $(READY)
	$(BIN)/python -m tests.planted

crash-points: $(READY)
	$(BIN)/python -m tests.crash --list

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m tests.bench

diagrams: $(READY)
	$(BIN)/python -m diagrams

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
