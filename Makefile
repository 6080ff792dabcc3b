# Everything runs in .venv, which is made once for each state of pyproject.toml and constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint docs soak newest milvus clean

## Run the main job on real videos: make demo, or make demo VIDEOS=my/folder
demo: $(INSTALLED)
	$(BIN)/chainpipe demo $(if $(VIDEOS),"$(VIDEOS)")

## Lint, type-check and run all tests; make test PYTEST=--cov=chainpipe shows the coverage, too
test: lint
	$(BIN)/pytest -q -n 2 $(PYTEST)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

## Write what is generated from the program: reference, architecture and the README's picture
docs: $(INSTALLED)
	$(BIN)/python docs/make_reference.py
	$(BIN)/python docs/make_api.py
	$(BIN)/python docs/make_architecture.py
	test ! -e demo/feats.h5 || $(BIN)/python docs/make_flow.py

## The long campaigns: kills, faults, bit flips
soak: $(INSTALLED)
	$(BIN)/pytest -q -m soak

## The newest Python that is here, the newest release of every dependency, the built wheel
newest:
	$(PYTHON) tests/newest.py $(if $(NEWEST_ENV),--env "$(NEWEST_ENV)")

## An environment with Milvus Lite, which the tests of Milvus need: newer ones have no binary codes
MILVUS := build/milvus-env
milvus:
	test -x $(MILVUS)/bin/pip || { rm -rf $(MILVUS); $(PYTHON) -m venv $(MILVUS); }
	$(MILVUS)/bin/pip install --quiet 'setuptools<81' 'milvus-lite==2.5.1' 'pymilvus>=2.6,<2.7' h5py numpy rich typer

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The stamp is written last, so an interrupted installation is taken up again.
$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/pip || { rm -rf .venv; $(PYTHON) -m venv .venv; }
	$(BIN)/python -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "chainpipe needs Python 3.11 or newer, this is %d.%d" % v[:2])'
	@echo "installing into .venv: a few minutes and about 6 GB, most of it PyTorch"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[demo,dev]' --config-settings editable_mode=compat
	touch $@
