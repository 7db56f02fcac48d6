# Each target does everything from a fresh clone: makes .venv, installs, runs.
PYTHON ?= python3
# Some tests wait, so one more than there are cores; each takes about 1.5 GB.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(os.cpu_count() or 1, 8) + 1)')
DEVICE ?= cuda
OUT ?= gpu.md
ANNOTATOR ?= me
DEMO := repope_eval/demo/benchmark
BIN := .venv/bin
# The lowest releases that pyproject.toml states of what loads checkpoints.
LOWEST = $(shell sed -nE 's/^ *"(transformers|huggingface-hub|tokenizers)>=([0-9.]+).*/\1==\2/p' pyproject.toml)
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS)
IS_NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
SITE_PACKAGES := -c 'import sysconfig; print(sysconfig.get_path("purelib"))'

# Python compiles what it imports, and keeps it, though images with Python often forbid that. Installing compiles
# nothing, since four fifths of the 17,000 files are never imported.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo demo-annotate test test-quick test-perf test-lowest gpu docs check format debian-packages

demo: .venv/installed
	$(BIN)/python -m repope_eval
	$(BIN)/python -m repope_eval bench=demo_captions

# The page on which people label questions, about the embedded benchmark's, until Ctrl-C; the labels stay.
demo-annotate: .venv/installed
	$(BIN)/python -m repope_eval annotate annotator=$(ANNOTATOR) out=runs/annotate/$(ANNOTATOR).jsonl open=true \
		questions=[$(DEMO)/pope_random.jsonl,$(DEMO)/pope_popular.jsonl,$(DEMO)/pope_adversarial.jsonl] \
		images=$(DEMO)/images

# All tests of the program. Those marked `installed` need programs of Debian's, which are installed first.
test:
	$(MAKE) --no-print-directory --jobs 2 .venv/installed debian-packages
	$(PYTEST) -m "not perf"

debian-packages:
	sh tests/install_debian_packages.sh

# All but those: they need nothing beside Python packages.
test-quick: .venv/installed
	$(PYTEST) -m "not installed and not perf"

# The tests that `test` leaves out: of GPUs that are not there, and of the measuring programs in perf/.
test-perf: .venv/installed
	$(PYTEST) -m perf

# That older releases call each other's old names is not to be mended here.
test-lowest: .venv-lowest/installed
	OMP_NUM_THREADS=1 .venv-lowest/bin/python -m pytest -n $(WORKERS) -W ignore::DeprecationWarning \
		tests/test_goldens.py tests/asking/native/test_same_answers.py \
		tests/models/test_real_files.py tests/models/test_described_files.py

# What no test can show without a GPU: a table, in under ten minutes. DEVICE=cpu tries the program itself in small.
gpu: .venv/installed
	$(BIN)/python perf/gpu.py --device $(DEVICE) --out $(OUT)

# The documentation's site, in site/: pages that programs make are made anew, an example of each page of the program is
# put in, and every link leads somewhere. The examples take most of the time, a minute or two on two cores.
# To read it with its search: .venv/bin/python -m http.server --directory site
docs: .venv/installed
	$(BIN)/python -m docs_making
	$(BIN)/zensical build --clean --strict
	$(BIN)/python -m docs_making.examples site
	$(BIN)/python -m docs_making.links site

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# An environment that an older Python made, or whose Python is gone, is made anew.
.venv/installed: pyproject.toml
	@$(PYTHON) $(IS_NEW_ENOUGH) || { echo "$(PYTHON) is $$($(PYTHON) --version 2>&1), and Python 3.11 or newer is" \
		"needed: make PYTHON=python3.11, or what a newer one is called here" >&2; exit 1; }
	@$(BIN)/python $(IS_NEW_ENOUGH) 2>/dev/null || rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[dev]'
	touch $@

# The lowest releases lie before what .venv holds, so that nothing else is installed twice. The lowest huggingface-hub
# needs httpx, which the newest does not bring.
.venv-lowest/installed: .venv/installed
	rm -rf .venv-lowest
	$(BIN)/python -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --no-compile --no-deps $(LOWEST)
	.venv-lowest/bin/python -m pip install --quiet --no-compile 'httpx<1'
	echo "import site; site.addsitedir('$$($(BIN)/python $(SITE_PACKAGES))')" \
		> "$$(.venv-lowest/bin/python $(SITE_PACKAGES))/venv.pth"
	touch $@
