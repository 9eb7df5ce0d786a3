# A thin list: the work lies in scripts/ and in the tests.
PYTHON ?=
python := .venv/bin/python
# Tests go to as many processes as there are cores, of one thread each; a notebook, being one kernel, stays whole.
pytest := VAEHELPERS_THREADS=1 $(python) -m pytest -n auto --maxprocesses 4 --dist worksteal
nbval := $(python) -m pytest -n auto --maxprocesses 4 --dist loadscope --nbval
as_root := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help setup lab test robust notebooks exercises results bench data lock
help:
	@grep -E '^## ' Makefile | cut -c4-

## make lab        set up .venv on the first call, then open lesson 00 in JupyterLab
lab: setup
	$(python) -m jupyter lab $(as_root) --LabApp.default_url=/lab/tree/notebooks/00_the_question.ipynb

## make test       style, unit tests and doctests, both backends, and all notebooks against their stored outputs
test: setup
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(pytest) --doctest-modules tests vaehelpers
	KERAS_BACKEND=jax $(pytest) tests/test_losses.py tests/test_models.py tests/test_audit_keras.py \
		tests/test_sweep.py tests/test_diagnostics.py tests/test_likelihoods.py tests/test_priors.py tests/test_schedules.py
	$(nbval) notebooks

## make robust     lessons and solutions again, under two other seeds, with one and with two threads
robust: setup
	VAEHELPERS_SEED=1 VAEHELPERS_THREADS=1 $(nbval) notebooks --ignore notebooks/exercises
	VAEHELPERS_SEED=2 VAEHELPERS_THREADS=2 $(nbval) notebooks --ignore notebooks/exercises

## make notebooks  run all notebooks and store their outputs in the form that the guards want
notebooks: setup
	$(python) scripts/execute_notebooks.py

## make exercises  generate notebooks/exercises from notebooks/solutions, and run both
exercises: setup
	$(python) scripts/make_exercises.py

## make results    train the headline experiments on the whole of MNIST that data/results lacks, hours; it resumes
results: setup
	$(python) scripts/results.py

## make bench      speed of a sweep against the Keras example's loop and the machine's matrix product, 2 minutes
bench: setup
	$(python) benchmarks/sweep.py

## make data       rebuild data/mnist_sample.npz
data: setup
	$(python) scripts/build_sample.py

## make lock       resolve the newest versions into requirements.lock and requirements-gpu.lock (needs uv)
lock:
	sh scripts/lock.sh

setup:
	@PYTHON="$(PYTHON)" sh scripts/setup.sh
