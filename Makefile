# Everything a developer runs. `make demo` and `make test` work in a fresh clone: they build .venv first.
PYTHON ?= $(shell for p in python3.11 python3; do $$p -c "" 2>/dev/null && echo $$p && break; done)
PY := .venv/bin/python
CODE := restore tests train.py inference.py benchmarks
DEMO_ARGS ?=

.PHONY: demo test check format clean

demo: .venv/.installed
	$(PY) -m restore demo $(DEMO_ARGS)

# Bytecode is kept, whatever the environment says: many tests start Python anew, and would compile all of it each time.
test: .venv/.installed
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE $(PY) -m pytest -n 2 --dist loadfile

check: .venv/.installed
	$(PY) -m ruff format --check $(wildcard $(CODE))
	$(PY) -m ruff check $(wildcard $(CODE))
	$(PY) -m mypy

format: .venv/.installed
	$(PY) -m ruff format $(wildcard $(CODE))
	$(PY) -m ruff check --fix $(wildcard $(CODE))

clean:
	rm -rf .pytest_cache .mypy_cache .ruff_cache build *.egg-info

# The stamp is written last, so an install that was cut off is taken up again by the next call.
.venv/.installed: $(wildcard requirements*.txt) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -r requirements-fast.txt
	touch $@
