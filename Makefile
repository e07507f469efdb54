# envmon: two commands do everything on a bare Debian with Python 3.11, pip, venv and make: `make run` and `make test`.
PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
ifdef WHEELHOUSE
PIP += --no-index --find-links $(WHEELHOUSE)
endif
READY := .venv/.ready
DEV := .venv/.dev
BENCH := .venv/.bench

.DEFAULT_GOAL := help
.PHONY: help run test accuracy bench lint dev lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

$(READY): pyproject.toml requirements.lock
	python3 -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	python3 -m venv --clear .venv
	$(PIP) -r requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(DEV): $(READY) requirements-dev.lock
	$(PIP) -r requirements-dev.lock
	touch $@

$(BENCH): $(READY) requirements-bench.lock
	$(PIP) -r requirements-bench.lock
	touch $@

run: $(READY) ## the main job on the bundled real readings; says where each output is
	.venv/bin/envmon demo

test: $(READY) ## every test
	$(PY) -m pytest -q -n auto --dist loadfile

accuracy: $(READY) ## write docs/accuracy.md: published figures beside the program's own
	$(PY) -m tests.accuracy

lint: $(DEV) ## ruff and mypy --strict
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

dev: $(DEV) ## install what developers use besides (ruff, mypy)

bench: $(BENCH) ## speed, as ratios to other programs doing the same work in the same run
	$(PY) -m bench

lock: ## write the lock files again (needs uv)
	printf 'hatchling\neditables\n' | uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate --upgrade pyproject.toml --group test - -o requirements.lock
	for group in dev bench; do uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate pyproject.toml --group $$group -c requirements.lock -o requirements-$$group.lock || exit 1; done

clean: ## remove what make built (never data/ or charts/)
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
