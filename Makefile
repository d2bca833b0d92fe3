# Two commands set everything up on a fresh machine with Python, git and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SBOM := build/sbom-tool
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)

.PHONY: demo test slow full e2e soak sbom check bench vsix dist install isolation clean help

help:  ## this list
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "ralphd needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/build.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

isolation:
	@sh scripts/install-isolation.sh

install: $(VENV)/.runtime  ## ralphd and the embedded model's server into .venv

demo: $(VENV)/.dev isolation  ## the main job, on the embedded model unless you configured another
	$(BIN)/ralphd demo

test: $(VENV)/.dev isolation  ## the ordinary tests, a few minutes
	$(BIN)/python -m pytest -n logical --dist loadfile --no-loadscope-reorder

slow: $(VENV)/.dev isolation  ## whole runs that take many test runs or the provider library
	$(BIN)/python -m pytest -n logical --dist loadfile --no-loadscope-reorder -m "slow and not full" -o addopts="-q --strict-markers"

e2e: $(VENV)/.dev isolation  ## the slow rest: real editors, the real model
	$(BIN)/python -m pytest -m e2e -o addopts="-q --strict-markers" tests

full: $(VENV)/.dev isolation  ## the ordinary tests and the whole tables, with every kill tried 150 times
	RALPHD_KILLS=150 $(BIN)/python -m pytest -n logical --dist loadfile -m "not e2e" -o addopts="-q --strict-markers"

soak: $(VENV)/.dev isolation  ## an editor that does anything, on one server for an hour (SOAK_S=600: for ten minutes)
	RALPHD_SOAK_S=$(or $(SOAK_S),3600) $(BIN)/python -m pytest -n 0 -s -m full -k long_time -o addopts="-q --strict-markers" tests/lsp

check: $(VENV)/.dev  ## lint, format, types
	$(BIN)/ruff check server tests bench
	$(BIN)/ruff format --check server tests bench
	$(BIN)/mypy

bench: $(VENV)/.dev isolation  ## the table of the README's figures
	$(BIN)/python bench/run.py

vsix: $(VENV)/.dev  ## the VS Code extension, with the server in it
	rm -rf vscode-extension/server build/lib
	$(BIN)/python -m build --wheel --no-isolation --outdir vscode-extension/server .
	cp requirements/runtime.txt vscode-extension/server/requirements.txt
	cd vscode-extension && npm ci --no-fund --no-audit && npm run check && npm run package

dist: vsix  ## what a release consists of, in dist/: wheel, source, VS Code extension, dev container feature
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .
	cp vscode-extension/ralphd.vsix dist/
	cp -r packaging/devcontainer-feature dist/
	cp dist/*.whl dist/devcontainer-feature/
	cp requirements/runtime.txt dist/devcontainer-feature/requirements.txt

$(SBOM)/.ready: requirements/sbom.txt
	$(PYTHON) -m venv $(SBOM)
	$(SBOM)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/sbom.txt
	@touch $@

sbom: $(SBOM)/.ready  ## what goes into a release, as CycloneDX, from the lock files: build/sbom/
	mkdir -p build/sbom
	$(SBOM)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o build/sbom/ralphd.cdx.json requirements/runtime.txt
	cd vscode-extension && npm sbom --package-lock-only --sbom-format cyclonedx > ../build/sbom/vscode-extension.cdx.json

clean:
	rm -rf $(VENV) $(SBOM) build vscode-extension/node_modules vscode-extension/out
