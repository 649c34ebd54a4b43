# `make` lists the commands. They need Python 3.11 to 3.13 and nothing else: what they use is
# installed into .venv, from requirements.txt, by the first of them.
#
#   make book TORCH_INDEX=URL     torch alone from this index, such as that of the CPU build
#   make book PYTHON=python3.12   another Python
#   make book PIP_ARGS="..."      options for pip, such as a mirror

.DEFAULT_GOAL := help
.PHONY: help book book-sphinx site-test browser-test pdf test slow lint lab serve bench reliability results clean

PIP_ARGS ?=
TORCH_INDEX ?=
CANDIDATES := $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11)
BIN := .venv/bin
INSTALLED := .venv/.installed
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
STRIP_KEYS := metadata.papermill cell.metadata.papermill metadata.widgets metadata.language_info

# NAME:COUNT for each preset of a family whose networks have tables in results/.
counted = $$($(BIN)/python -c 'from modlib.config import presets; \
  print(*(f"{name}:{known.num_seeds}" for name, known in presets.PRESETS.items() \
  if known.num_seeds and known.family is presets.$(1)))')

# One thread a kernel: chapters are small, and two of them run side by side in the tests.
book book-sphinx test slow browser-test: export OMP_NUM_THREADS := 1
# Cells of a kernel need no debugger; this silences its start-up remark.
export PYDEVD_DISABLE_FILE_VALIDATION := 1
export PIP_ARGS TORCH_INDEX

help:
	@echo 'make book     execute the chapters and build the site into _build/html'
	@echo '  make book N=97 SEED=5 TITLE="..."  the same on another network, into _editions/n97-seed5'
	@echo 'make pdf      the built book as one PDF, code folded away (needs Chromium)'
	@echo 'make site-test  look at every built page in Chromium: phone and desk, light and dark'
	@echo 'make book-sphinx  the same site by Sphinx alone, into _build/sphinx'
	@echo 'make test     the fast tests, then every notebook from top to bottom; the time of each half'
	@echo 'make slow     the tests that train many networks'
	@echo 'make browser-test  operate the live figures in the Chromium of this system'
	@echo 'make lint     ruff on code and notebooks, outputs stripped, mypy'
	@echo 'make lab      open the notebooks in JupyterLab'
	@echo 'make serve    show the built site on http://localhost:8000'
	@echo 'make bench    measure the speed of training, and of live figures in Chromium'
	@echo 'make reliability  kills, damage, edits, hostile files: the table of that page (an hour)'
	@echo 'make results  train what the tables in results/ rest on (hours), and write them'
	@echo 'make clean    remove what was built; the store of runs and .venv stay'

PIP := -m pip install --disable-pip-version-check

# torch into the environment of this Python. An index of one build has nothing else, so it is asked
# for torch alone; what is installed then satisfies the pin.
define install_torch
@if [ -n "$${TORCH_INDEX:-}" ]; then \
	  $(1) $(PIP) --no-deps --index-url "$$TORCH_INDEX" "$$(grep '^torch==' requirements.txt)"; \
	elif [ "$$(uname -s)" = Linux ] && ! nvidia-smi -L 2>/dev/null | grep -q GPU; then \
	  echo 'torch: no CUDA device is here, and the usual build brings CUDA, some gigabytes;' \
	    'TORCH_INDEX=URL, as in README, takes the smaller one'; \
	fi
endef

# Written last, so that an interrupted installation is taken up again.
$(INSTALLED): requirements.txt pyproject.toml setup.py
	@python=; for candidate in $(CANDIDATES); do \
	  if "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	      2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo 'Python 3.11, 3.12 or 3.13 is needed; none of these is one:' $(CANDIDATES) >&2; \
	  echo 'Name yours: make book PYTHON=/path/to/python3.12' >&2; exit 1; \
	fi; \
	echo "Installing $$(grep -c == requirements.txt) pinned packages into .venv with $$python:" \
	  "3 to 15 minutes, 3 GB, once. A line a package follows."; \
	"$$python" -m venv .venv
	$(call install_torch,$(BIN)/python)
	@$(BIN)/python $(PIP) $(PIP_ARGS) -r requirements.txt
	@$(BIN)/python $(PIP) --quiet --no-deps --no-build-isolation --editable .
	@! git rev-parse --git-dir >/dev/null 2>&1 || git config filter.modlib-outputs.clean \
	  "'$(CURDIR)/$(BIN)/python' -m nbstripout --keep-id --extra-keys '$(STRIP_KEYS)' -t"
	@touch $@

# make book N=97 SEED=5 TITLE="...": a site of its own, beside this one, which stays as it is.
EDITION := $(filter command,$(foreach name,N SEED TITLE CHECKPOINT,$(origin $(name))))

book: $(INSTALLED)
ifneq ($(EDITION),)
	@$(BIN)/python -m modlib edition --n "$${N:-91}" --seed "$${SEED:-133}" \
	  $${CHECKPOINT:+--checkpoint "$$CHECKPOINT"} $${TITLE:+--title "$$TITLE"} \
	  --output "_editions/n$${N:-91}-seed$${SEED:-133}$${CHECKPOINT:+-$${CHECKPOINT##*/}}"
else
	@$(BIN)/jupyter-book build book/ -W -n --keep-going
	@$(BIN)/python -c 'from pathlib import Path; \
	  print("\nThe book is built. Open", Path("_build/html/index.html").resolve().as_uri())'
endif

# Sphinx, its theme and MyST by their current versions, in a folder of their own; everything else
# as pinned. So the book outlives Jupyter Book 1. How to run says which versions built it.
OF_SPHINX := sphinx|myst|jupyter-book|docutils|alabaster|pydata|accessible|markdown-it|mdit|pybtex|latexcodec
PLAIN := .venv-sphinx/bin
.venv-sphinx/.installed: requirements.txt book/sphinx/requirements.txt $(INSTALLED)
	@$(BIN)/python -m venv .venv-sphinx
	@{ grep -vE '^($(OF_SPHINX))' requirements.txt; grep '^sphinx-mathjax' requirements.txt; \
	  cat book/sphinx/requirements.txt; } > .venv-sphinx/requirements.txt
	$(call install_torch,$(PLAIN)/python)
	@$(PLAIN)/python $(PIP) $(PIP_ARGS) -r .venv-sphinx/requirements.txt
	@$(PLAIN)/python $(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Beside the other site, so that chapters which that has executed are not executed again.
book-sphinx: .venv-sphinx/.installed
	@$(PLAIN)/sphinx-build -W -n --keep-going -b html -c book/sphinx . _build/sphinx

# The built book: its pages, its chapters' words, and every page in a browser where Chromium is.
site-test: $(INSTALLED)
	$(BIN)/python -m pytest -q -rs tests/test_site.py tests/test_site_browser.py \
	  tests/chapters/test_chapter_rule.py

pdf: $(INSTALLED)
	$(BIN)/python scripts/book_pdf.py

# Both halves run, whatever the first finds; their times are told, and the status is that of both.
HALVES := tests notebooks
half_tests = -m 'not slow' --ignore tests/browser
half_notebooks = --dist loadfile -W ignore --nbval-lax --nbval-current-env $(NOTEBOOKS)
define half
began=$$(date +%s); \
	$(BIN)/python -m pytest -n 2 $(half_$(1)) && said=passed || { said=failed; failed=1; }; \
	told="$$told== $(1) $$said after $$(($$(date +%s) - began)) s\n";
endef

test: $(INSTALLED)
	@failed=0; told=; $(foreach name,$(HALVES),$(call half,$(name))) printf "$$told"; exit $$failed

slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow

browser-test: $(INSTALLED)
	$(BIN)/python -m pytest tests/browser -rs -s

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
ifneq ($(NOTEBOOKS),)
	$(BIN)/nbstripout --verify --keep-id --extra-keys '$(STRIP_KEYS)' $(NOTEBOOKS)
endif
	$(BIN)/mypy

lab: $(INSTALLED)
	$(BIN)/jupyter-lab --LabApp.default_url=/lab/tree/notebooks

serve: $(INSTALLED)
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

bench: $(INSTALLED)
	$(BIN)/python benchmarks/ensemble.py
	$(BIN)/python benchmarks/transformer.py
	$(BIN)/python benchmarks/clock_pizza.py
	$(BIN)/python benchmarks/live_figures.py

reliability: export OMP_NUM_THREADS := 1
reliability: $(INSTALLED)
	$(BIN)/python scripts/reliability.py

# Hours on two cores; what the store holds is not computed again.
results: $(INSTALLED)
	for name in showcase paper-neurons A91 A89; do $(BIN)/python -m modlib export $$name || exit 1; done
	for sweep in $(call counted,AdditionConfig); do \
	  name=$${sweep%:*}; seeds="--first-seed 1000 --num-seeds $${sweep#*:}"; \
	  $(BIN)/python -m modlib sweep --preset $$name $$seeds && \
	  $(BIN)/python -m modlib export $$name --sweep $$seeds || exit 1; \
	done
	for preset in $(call counted,RemaindersConfig); do \
	  $(BIN)/python -m modlib export $${preset%:*} --num-seeds $${preset#*:} || exit 1; \
	done
	$(BIN)/python -m modlib export clock-pizza
	$(BIN)/python -m modlib export published-pizza
	$(BIN)/python -m modlib export two-hands
	$(BIN)/python -m modlib export product
	$(BIN)/python -m modlib export like-paper
	$(BIN)/python -m modlib search && $(BIN)/python -m modlib search --export
	$(BIN)/python -m modlib claims --keep

clean:
	rm -rf _build _editions build .pytest_cache .mypy_cache .ruff_cache notebooks/.ruff_cache modular_addition_book.egg-info
	find modlib tests benchmarks notebooks book -name __pycache__ -prune -exec rm -rf {} +
