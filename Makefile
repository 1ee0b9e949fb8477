# Two commands for newcomers: `make demo` and `make test`. Both set up all they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test coverage lint types imports docs pictures wheel help

help:
	@echo "make demo   set up, run a 20 s session on the virtual phantom, say where to watch and read"
	@echo "make test   set up and run the tests"
	@echo "make coverage   share of the pure stages' lines and branches that their unit tests run"
	@echo "make docs   build the site into build/site and check every link; make pictures: take its pictures again"
	@echo "make lint types imports wheel   what else .ci/run checks"

demo: $(VENV)/.ready-demo
	$(BIN)/robopatient run assets/sessions/demo.toml --duration 20

test: $(VENV)/.ready-test
	$(BIN)/python -m pytest -n 2 --dist loadgroup

# Of the pure stages by their unit tests: what decides in a session, and what a tracer does not slow beyond use.
coverage: $(VENV)/.ready-test
	$(BIN)/python -m pytest --quiet --cov --cov-report=term $(addprefix tests/unit/,patient sensing expression scenario study)

lint: $(VENV)/.ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready-test
	$(BIN)/mypy

imports: $(VENV)/.ready-test
	$(BIN)/lint-imports

docs: $(VENV)/.ready-test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

pictures: $(VENV)/.ready-test
	$(BIN)/python docs/pictures.py

wheel: $(VENV)/.ready-test
	$(BIN)/python -m build --wheel

$(BIN)/python:
	PYTHON=$(PYTHON) .ci/packages run
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.ready-demo: pyproject.toml | $(BIN)/python
	PYTHON=$(PYTHON) .ci/packages run
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	touch $@

$(VENV)/.ready-test: pyproject.toml | $(BIN)/python
	PYTHON=$(PYTHON) .ci/packages test
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@ $(VENV)/.ready-demo
