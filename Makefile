# Two commands: `make design` and `make test`. Everything else is a detail of them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Files of tests on all cores in the order of tests/conftest.py, each process with one thread of linear algebra.
PYTEST := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: design test test-ci test-all lint types docs bench clean

design: $(VENV)/.installed
	$(BIN)/sartor design $(STUDY)

test: $(VENV)/.installed-test lint
	$(PYTEST) -m "not slow"

# What is slow, but fits: the exported graph as oracle, a local Ray cluster, a real browser, whole cores in Verilator.
test-ci: $(VENV)/.installed-all types
	$(PYTEST) -m "slow and not long"

# Everything, large cores too.
test-all: $(VENV)/.installed-all lint types
	$(PYTEST)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check sartor tests benchmarks examples

types: $(VENV)/.installed-test
	$(BIN)/mypy

# The pages that say what the code says, and the README's picture and card.
docs: $(VENV)/.installed
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/pictures.py

bench: $(VENV)/.installed-test
	$(BIN)/python benchmarks/points_per_second.py

$(VENV)/.created:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Sartor needs Python 3.11 or newer; this is ' + sys.version.split()[0])"
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: pyproject.toml | $(VENV)/.created
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-test: pyproject.toml | $(VENV)/.created
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

$(VENV)/.installed-all: pyproject.toml | $(VENV)/.created
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,oracle,ray]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .mypy_cache
