"""The course's headline experiments on the whole of MNIST: `make results` trains what is not in the results yet.

Of x_train the first 54,000 digits train and the last 6,000 validate: a run stops when its loss on these has not fallen
by 0.1 nats for two epochs, at the latest after its experiment's last epoch, and keeps its best epoch. (A sweep trains
all its epochs.) x_test is touched once, at the end of a run. Every finished task adds its rows to
data/results/full_mnist.csv at once, so that an interrupted call goes on where it was; remove rows to train them again.

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

RESULTS = Path(__file__).parent.parent / "data" / "results" / "full_mnist.csv"
SEEDS = range(5)
N_TRAIN = 54_000
BOUND_IMAGES = 1000
BOUND_SAMPLES = 1000
EXAMPLE_EPOCHS, SWEEP_EPOCHS, LIKELIHOOD_EPOCHS = 12, 8, 6
SWEEP_BETAS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0)
LIKELIHOODS = {
    "bernoulli": "bits",
    "continuous_bernoulli": "grey",
    "gaussian": "grey",
    "learned_gaussian": "grey",
}
KEY = ["experiment", "likelihood", "pixels", "beta", "seed"]
COLUMNS = [
    *KEY,
    "epochs",
    "variance",
    "distortion",
    "rate",
    "elbo",
    "elbo_se",
    "bound",
    "bound_elbo",
    "date",
    "device",
]
COLUMNS.append("versions")


def tasks():
    """Every task, in the order in which they are trained: a list of the runs that are trained at once, by their key."""
    yield from example_tasks(1.0)
    for likelihood, pixels in LIKELIHOODS.items():
        yield from ([("likelihoods", likelihood, pixels, 1.0, seed)] for seed in SEEDS)
    yield from (
        [("sweep", "bernoulli", "grey", beta, seed) for beta in SWEEP_BETAS] for seed in SEEDS
    )
    yield from example_tasks(392.0, 784.0, 0.5)


def example_tasks(*betas):
    return (
        [("keras_example", "bernoulli", "grey", beta, seed)] for beta in betas for seed in SEEDS
    )


def train(runs):
    """The rows of one task, in a process of its own."""
    from vaehelpers import runtime

    experiment, likelihood, _, _, seed = runs[0]
    runtime.set_seed(seed)
    x_train, x_test = images(likelihood, experiment)
    if experiment == "sweep":
        rows = train_sweep(runs, x_train, x_test)
    elif experiment == "likelihoods":
        rows = [train_likelihood(likelihood, x_train, x_test)]
    else:
        rows = [train_example(runs[0][3], x_train, x_test)]
    import keras

    backend = keras.backend.backend()
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("keras", backend, "numpy"))
    about = {"date": date.today().isoformat(), "device": runtime.devices()[0], "versions": versions}
    return [
        dict(zip(KEY, run, strict=True)) | row | about for run, row in zip(runs, rows, strict=True)
    ]


def images(likelihood, experiment):
    """x_train and x_test as the likelihood wants them: bits, grey, or for a density grey levels spread over [0, 1]."""
    from vaehelpers import data

    digits = data.load_mnist("full")
    if experiment != "likelihoods":
        return digits.x_train, digits.x_test
    if likelihood == "bernoulli":
        return data.binarize(digits.x_train), data.binarize(digits.x_test)
    return data.dequantize(digits.x_train, seed=0), data.dequantize(digits.x_test, seed=1)


def train_example(beta, x_train, x_test):
    """The Keras example's network, `mean(distortion) + beta * mean(rate)`."""
    from keras import ops

    from vaehelpers.diagnostics import importance_weighted_bound
    from vaehelpers.models import VAE, build_keras_example

    def objective(distortion, kl_per_dim):
        return ops.mean(distortion) + beta * ops.mean(ops.sum(kl_per_dim, axis=1))

    vae = VAE(*build_keras_example(), objective=objective)
    found, row = fit_and_test(vae, x_train, x_test, EXAMPLE_EPOCHS)
    if beta == 1:
        bound = importance_weighted_bound(vae, x_test[:BOUND_IMAGES], BOUND_SAMPLES, seed=0)
        row |= {
            "bound": rounded(bound.mean()),
            "bound_elbo": rounded(found.elbo_per_example[:BOUND_IMAGES].mean()),
        }
    return row


def train_likelihood(likelihood, x_train, x_test):
    """A dense network with 8 latent dimensions, at beta 1."""
    from vaehelpers import losses
    from vaehelpers.models import VAE, build_mlp

    learned = likelihood == "learned_gaussian"
    function = (
        losses.GaussianWithLearnedVariance(0.05)
        if learned
        else losses.log_likelihood_named(likelihood)
    )
    vae = VAE(*build_mlp(latent_dim=8), log_likelihood=function)
    row = fit_and_test(vae, x_train, x_test, LIKELIHOOD_EPOCHS)[1]
    return row | ({"variance": round(function.variance, 6)} if learned else {})


def train_sweep(runs, x_train, x_test):
    """The dense network of the lessons at every beta, one seed."""
    from vaehelpers import sweep

    betas, seed = [run[3] for run in runs], runs[0][4]
    result = sweep.train_sweep(
        x_train[:N_TRAIN], betas, [seed], epochs=SWEEP_EPOCHS, progress=False
    )
    return [
        {"epochs": SWEEP_EPOCHS} | tested(result.vae(i, 0), x_test)[1] for i in range(len(betas))
    ]


def fit_and_test(vae, x_train, x_test, epochs):
    import keras

    vae.compile(keras.optimizers.Adam(1e-3))
    stop = keras.callbacks.EarlyStopping(
        "val_loss", min_delta=0.1, patience=2, restore_best_weights=True
    )
    options = {
        "validation_data": x_train[N_TRAIN:],
        "batch_size": 128,
        "epochs": epochs,
        "verbose": 0,
    }
    vae.fit(x_train[:N_TRAIN], callbacks=[stop], **options)
    found, row = tested(vae, x_test)
    return found, {"epochs": stop.best_epoch + 1} | row


def tested(vae, x_test):
    from vaehelpers.diagnostics import evaluate

    found = evaluate(vae, x_test)
    return found, {
        name: rounded(getattr(found, name)) for name in ("distortion", "rate", "elbo", "elbo_se")
    }


def rounded(value):
    return round(float(value), 4)


def write(table):
    """In the order of the tasks, under another name and renamed: a reader sees the old table or the new one."""
    places = {run: place for place, run in enumerate(run for task in tasks() for run in task)}
    table = table.assign(
        place=[places[run] for run in table[KEY].itertuples(index=False, name=None)]
    )
    RESULTS.parent.mkdir(exist_ok=True)
    temporary = RESULTS.with_suffix(".partial")
    table.sort_values("place")[COLUMNS].to_csv(temporary, index=False)
    os.replace(temporary, RESULTS)


def main(names, pool=None):
    from vaehelpers import runtime

    unknown = set(names) - {task[0][0] for task in tasks()}
    if unknown:
        known = ", ".join(dict.fromkeys(task[0][0] for task in tasks()))
        raise SystemExit(
            f"no experiment is called {', '.join(sorted(unknown))}: name some of {known}, or none for all"
        )
    table = pd.read_csv(RESULTS) if RESULTS.exists() else pd.DataFrame(columns=COLUMNS)
    done = set(table[KEY].itertuples(index=False, name=None))
    open_tasks = [
        task for task in tasks() if not done.issuperset(task) and (not names or task[0][0] in names)
    ]
    workers = os.cpu_count() if runtime.devices() == ["CPU"] else 1
    print(
        f"{len(done)} runs are done, {len(open_tasks)} tasks are open, {workers} at a time",
        flush=True,
    )
    with pool or processes(workers) as pool:
        for future in as_completed([pool.submit(train, task) for task in open_tasks]):
            rows = pd.DataFrame(future.result(), columns=COLUMNS)
            table = pd.concat([table, rows] if len(table) else [rows]).drop_duplicates(
                KEY, keep="last"
            )
            write(table)
            print(rows[[*KEY, "epochs", "elbo"]].to_string(header=False, index=False), flush=True)


def processes(workers):
    """New processes, each for one task; on a CPU with one thread each, which does more than all threads for one task.

    TensorFlow leaves oneDNN off on processors without AVX-512, where the example's convolutions are 1.4 times faster
    with it.
    """
    if workers > 1:
        os.environ |= {"VAEHELPERS_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "1"}
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=1)


if __name__ == "__main__":
    main(sys.argv[1:])
