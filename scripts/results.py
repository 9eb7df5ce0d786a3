"""The headline experiments on the whole of MNIST: `make results` trains what is not stored yet.

Of x_train the first 54,000 digits train and the last 6,000 validate: a run stops when its loss on
these has not fallen by 0.1 nats for two epochs, at the latest after its experiment's last epoch,
and keeps its best epoch. (A sweep trains all its epochs.) x_test is touched once, at the end of a
run. Every finished task adds its rows to data/results/full_mnist.csv at once, so that an
interrupted call goes on where it was; remove rows to train them again.

Usage: python scripts/results.py [EXPERIMENT ...]     (all where none is named)
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from vaehelpers import data, diagnostics, losses, models, runtime, sweep

RESULTS = Path(__file__).parent.parent / "data" / "results" / "full_mnist.csv"
SEEDS = range(5)
N_TRAIN = 54_000
BOUND_IMAGES = 1000
BOUND_SAMPLES = 1000
EXAMPLE_EPOCHS = 12
SWEEP_EPOCHS = 8
LIKELIHOOD_EPOCHS = 6
SWEEP_BETAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0)
LIKELIHOODS = {
    "bernoulli": "bits",
    "continuous_bernoulli": "grey",
    "gaussian": "grey",
    "learned_gaussian": "grey",
}
KEY = ["experiment", "likelihood", "pixels", "beta", "seed"]
MEASURED = ["epochs", "variance", "distortion", "rate", "elbo", "elbo_se", "bound", "bound_elbo"]
COLUMNS = [*KEY, *MEASURED, "date", "device", "versions"]


def tasks():
    """Every task in its order: a list of the runs that are trained at once, by their key."""
    yield from example_tasks(1.0)
    for likelihood, pixels in LIKELIHOODS.items():
        for seed in SEEDS:
            yield [("likelihoods", likelihood, pixels, 1.0, seed)]
    for seed in SEEDS:
        yield [("sweep", "bernoulli", "grey", beta, seed) for beta in SWEEP_BETAS]
    yield from example_tasks(392.0, 784.0, 0.5)


def example_tasks(*betas):
    for beta in betas:
        for seed in SEEDS:
            yield [("keras_example", "bernoulli", "grey", beta, seed)]


def train(runs):
    """The rows of one task, in a process of its own."""
    import keras

    experiment, likelihood, _, beta, seed = runs[0]
    runtime.set_seed(seed)
    x_train, x_test = images(likelihood, experiment)
    if experiment == "sweep":
        rows = train_sweep([run[3] for run in runs], seed, x_train, x_test)
    elif experiment == "likelihoods":
        rows = [train_likelihood(likelihood, x_train, x_test)]
    else:
        rows = [train_example(beta, x_train, x_test)]
    packages = ("keras", keras.backend.backend(), "numpy")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    about = {"date": date.today().isoformat(), "device": runtime.devices()[0], "versions": versions}
    return [
        dict(zip(KEY, run, strict=True)) | row | about for run, row in zip(runs, rows, strict=True)
    ]


def images(likelihood, experiment):
    """x_train and x_test: grey, or bits, or for a density grey levels spread over [0, 1]."""
    digits = data.load_mnist("full")
    if experiment != "likelihoods":
        return digits.x_train, digits.x_test
    if likelihood == "bernoulli":
        return data.binarize(digits.x_train), data.binarize(digits.x_test)
    return data.dequantize(digits.x_train, seed=0), data.dequantize(digits.x_test, seed=1)


def train_example(beta, x_train, x_test):
    """The Keras example's network, `mean(distortion) + beta * mean(rate)`."""
    from keras import ops

    def objective(distortion, kl_per_dim):
        return ops.mean(distortion) + beta * ops.mean(ops.sum(kl_per_dim, axis=1))

    vae = models.VAE(*models.build_keras_example(), objective=objective)
    epochs = fit(vae, x_train, EXAMPLE_EPOCHS)
    found = diagnostics.evaluate(vae, x_test)
    row = epochs | measured(found)
    if beta == 1:
        shown = x_test[:BOUND_IMAGES]
        bound = diagnostics.importance_weighted_bound(vae, shown, BOUND_SAMPLES, seed=0)
        row["bound"] = rounded(bound.mean())
        row["bound_elbo"] = rounded(found.elbo_per_example[:BOUND_IMAGES].mean())
    return row


def train_likelihood(likelihood, x_train, x_test):
    """A dense network with 8 latent dimensions, at beta 1."""
    if likelihood == "learned_gaussian":
        function = losses.GaussianWithLearnedVariance(0.05)
    else:
        function = losses.log_likelihood_named(likelihood)
    vae = models.VAE(*models.build_mlp(latent_dim=8), log_likelihood=function)
    row = fit(vae, x_train, LIKELIHOOD_EPOCHS) | measured(diagnostics.evaluate(vae, x_test))
    if likelihood == "learned_gaussian":
        row["variance"] = round(function.variance, 6)
    return row


def train_sweep(betas, seed, x_train, x_test):
    """The dense network of the lessons at every beta, one seed."""
    x = x_train[:N_TRAIN]
    result = sweep.train_sweep(x, betas, [seed], epochs=SWEEP_EPOCHS, progress=False)
    found = [diagnostics.evaluate(result.vae(i, 0), x_test) for i in range(len(betas))]
    return [{"epochs": SWEEP_EPOCHS} | measured(each) for each in found]


def fit(vae, x_train, epochs):
    """Train until the validation's loss stands still; the best epoch."""
    import keras

    vae.compile(keras.optimizers.Adam(1e-3))
    stop = keras.callbacks.EarlyStopping(
        "val_loss", min_delta=0.1, patience=2, restore_best_weights=True
    )
    vae.fit(
        x_train[:N_TRAIN],
        validation_data=x_train[N_TRAIN:],
        batch_size=128,
        epochs=epochs,
        verbose=0,
        callbacks=[stop],
    )
    return {"epochs": stop.best_epoch + 1}


def measured(found):
    names = ("distortion", "rate", "elbo", "elbo_se")
    return {name: rounded(getattr(found, name)) for name in names}


def rounded(value):
    return round(float(value), 4)


def keys(table):
    """The key of each row."""
    return list(table[KEY].itertuples(index=False, name=None))


def write(table):
    """In the order of the tasks; renamed, so that a reader sees the old table or the new one."""
    places = {run: place for place, run in enumerate(run for task in tasks() for run in task)}
    table = table.assign(place=[places[run] for run in keys(table)])
    RESULTS.parent.mkdir(exist_ok=True)
    temporary = RESULTS.with_suffix(".partial")
    table.sort_values("place")[COLUMNS].to_csv(temporary, index=False)
    os.replace(temporary, RESULTS)


def main(names, pool=None):
    known = list(dict.fromkeys(task[0][0] for task in tasks()))
    unknown = ", ".join(sorted(set(names) - set(known)))
    if unknown:
        offered = f"name some of {', '.join(known)}, or none for all"
        raise SystemExit(f"no experiment is called {unknown}: {offered}")
    table = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame(columns=COLUMNS)
    done = set(keys(table))
    todo = [task for task in tasks() if task[0][0] in (names or known)]
    todo = [task for task in todo if not done.issuperset(task)]
    count = os.cpu_count() if runtime.devices() == ["CPU"] else 1
    print(f"{len(done)} runs are done, {len(todo)} tasks are open, {count} at a time", flush=True)
    with pool or processes(count) as workers:
        for future in as_completed([workers.submit(train, task) for task in todo]):
            rows = pd.DataFrame(future.result(), columns=COLUMNS)
            table = pd.concat([table, rows] if len(table) else [rows])
            table = table.drop_duplicates(KEY, keep="last")
            write(table)
            print(rows[[*KEY, "epochs", "elbo"]].to_string(header=False, index=False), flush=True)


def processes(count):
    """New processes, each for one task; on a CPU with one thread each, which does more.

    TensorFlow leaves oneDNN off on processors without AVX-512, where the example's convolutions
    are 1.4 times faster with it.
    """
    if count > 1:
        os.environ |= {"VAEHELPERS_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "1"}
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), max_tasks_per_child=1)


if __name__ == "__main__":
    main(sys.argv[1:])
