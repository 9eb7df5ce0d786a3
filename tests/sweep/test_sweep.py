"""The stacked network against single VAEs, its invariances, its members, and what it refuses.

Marked `backend` is what computes; files, executors and arguments are the same whatever computes.
"""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from copy import deepcopy
from functools import partial
from multiprocessing import get_context
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from vaehelpers import losses
from vaehelpers.models import VAE
from vaehelpers.sweep import stacked
from vaehelpers.sweep import train as train_room
from vaehelpers.sweep.network import (
    DECODER,
    ENCODER,
    StackedVAE,
    initial_weights,
    log_likelihood_of,
    member_networks,
)
from vaehelpers.sweep.result import arrays_of, join_seeds
from vaehelpers.sweep.versions import framework

SIZES = [
    pytest.param("bernoulli", 6, 2, marks=pytest.mark.backend),
    ("gaussian", 6, 2),
    pytest.param("gaussian", None, 3, marks=pytest.mark.backend),
    ("continuous_bernoulli", 4, 1),
    ("laplace", 5, 2),
]


@pytest.fixture
def with_xla(monkeypatch):
    monkeypatch.setattr(stacked, "COMPILE", sys.platform != "win32")


def gradients(loss, variables):
    """Of a function without arguments, by whichever backend runs."""
    if keras.backend.backend() == "jax":
        import jax

        def stateless(values):
            with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
                return loss()

        value, found = jax.value_and_grad(stateless)([variable.value for variable in variables])
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = loss()
        found = tape.gradient(value, [variable.value for variable in variables])
    return float(value), [ops.convert_to_numpy(part) for part in found]


def relative(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize(("likelihood", "hidden", "latent_dim"), SIZES)
def test_loss_and_gradients_equal_those_of_single_vaes(digits, likelihood, hidden, latent_dim):
    """For the same weights and noise, to 1e-5: each member as an encoder and decoder of its own."""
    betas = np.array([0.3, 1.0, 40.0])
    rng = np.random.default_rng(1)
    x = digits.x_train[:32]
    weights = initial_weights(784, hidden, latent_dim, range(3))
    for name, value in weights.items():
        weights[name] = value[0] + 0.05 * rng.standard_normal(value[0].shape, "float32")
    noise = rng.standard_normal((32, 3, latent_dim), "float32")
    log_likelihood = log_likelihood_of(likelihood, 0.5 if likelihood == "gaussian" else 1.0)
    stack = StackedVAE(weights, betas, log_likelihood)
    inputs = (x.reshape(32, -1), noise)
    total, found = gradients(
        lambda: stack.compute_loss(y_pred=stack(inputs)), list(stack.parameters.values())
    )
    for variable, gradient in zip(stack.parameters.values(), found, strict=True):
        variable.assign(gradient)  # so that the stack itself takes its gradients apart
    gradient_of = stack.member_weights()
    losses_alone = []
    for k, beta in enumerate(betas):
        member = {name: value[k] for name, value in weights.items()}
        encoder, decoder = member_networks(member, (28, 28, 1), hidden, latent_dim)

        def loss(encoder=encoder, decoder=decoder, beta=beta, k=k):
            z_mean, z_log_var = encoder(x)
            x_decoded = decoder(z_mean + ops.exp(z_log_var / 2) * noise[:, k])
            rate = losses.gaussian_kl(z_mean, z_log_var)
            return ops.mean(losses.negative_elbo(-log_likelihood(x, x_decoded), rate, float(beta)))

        variables = encoder.trainable_variables + decoder.trainable_variables
        value, alone = gradients(loss, variables)
        losses_alone.append(value)
        layers = [name for name in (*ENCODER, *DECODER) if f"{name}_kernel" in weights]
        names = [f"{name}_{part}" for name in layers for part in ("kernel", "bias")]
        for name, expected in zip(names, alone, strict=True):
            assert relative(gradient_of[name][k], expected) < 1e-5
    assert abs(total / sum(losses_alone) - 1) < 1e-5


@pytest.mark.parametrize("hidden", [3, None])
def test_weights_come_out_as_they_went_in(hidden):
    first = initial_weights(5, hidden, 2, [0, 1])
    weights = {name: value[0] + k for k, (name, value) in enumerate(first.items())}
    stack = StackedVAE(weights, [1.0, 2.0], losses.bernoulli_log_likelihood)
    for name, value in stack.member_weights().items():
        np.testing.assert_array_equal(value, weights[name])


def test_initial_weights_are_glorot_uniform_and_follow_from_the_seed():
    weights = initial_weights(784, 128, 2, [1, 2])
    sizes = {"code": (2, 128), "hidden": (784, 128), "output": (128, 784)}
    sizes |= {"z_log_var": (128, 2), "z_mean": (128, 2)}
    for j, seed in enumerate([1, 2]):
        rng = np.random.default_rng([0, seed])
        for name, size in sizes.items():
            limit = np.sqrt(6 / sum(size))
            kernel = rng.uniform(-limit, limit, size).astype("float32")
            np.testing.assert_array_equal(weights[f"{name}_kernel"][0, j], kernel)
            np.testing.assert_array_equal(weights[f"{name}_bias"][0, j], np.zeros(size[1]))


@pytest.mark.backend
def test_a_member_is_what_the_numbers_say(small, bits):
    """The stored rate and distortion are those of the Keras models that `member` returns."""
    assert small.measured_on == "x"
    for i, j in np.ndindex(2, 3):
        vae = VAE(*small.member(i, j))
        z_mean, z_log_var = vae.encode(bits)
        kl = ops.convert_to_numpy(losses.gaussian_kl_per_dim(z_mean, z_log_var))
        kl_per_dim = kl.mean(axis=0)
        np.testing.assert_allclose(small.kl_per_dim[i, j], kl_per_dim, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(small.rate[i, j], kl_per_dim.sum(), rtol=1e-5, atol=1e-7)
        x_decoded = vae.decode(vae.sample_posterior(bits, 300, seed=0)[0].reshape(300 * 70, -1))
        draws = -ops.convert_to_numpy(vae.log_likelihood(np.tile(bits, (300, 1, 1, 1)), x_decoded))
        draws = draws.reshape(300, 70).mean(axis=1)
        assert abs(small.distortion[i, j] - draws.mean()) < 5 * draws.std()
    np.testing.assert_allclose(small.elbo, -(small.distortion + small.rate))


@pytest.mark.backend
def test_training_lowers_the_objective(with_xla, train):
    result = train(epochs=40)
    betas = result.betas[:, None]
    objective = result.history["distortion"] + betas * result.history["rate"]
    assert objective.shape == (40, 2, 3)
    assert np.all(objective[-1] < objective[0] - 0.3)


@pytest.mark.backend
def test_a_member_does_not_depend_on_the_rest_of_the_sweep(small, train):
    for betas, seeds in (([2.0], [8]), ([2.0, 7.0, 0.5], [0, 8, 1, 2])):
        other = train(betas=betas, seeds=seeds).part([betas.index(2.0)], [seeds.index(8)])
        same = small.part([1], [2])
        np.testing.assert_allclose(other.rate, same.rate, rtol=1e-3)
        kernels = [one.weights["output_kernel"] for one in (other, same)]
        np.testing.assert_allclose(*kernels, atol=1e-4)


def test_what_should_matter_does(small, train, bits):
    """Another seed, beta, order, or number of epochs is another run; the validation images not."""
    assert len(np.unique(small.rate)) == small.rate.size
    for change in ({"shuffle_seed": 1}, {"epochs": 4}, {"learning_rate": 1e-3}, {"batch_size": 8}):
        assert not np.allclose(train(**change).rate, small.rate, rtol=1e-4)
    validated = train(validation=bits[:9])
    assert validated.measured_on == "validation" and "9 images" in repr(validated)
    np.testing.assert_array_equal(validated.weights["code_kernel"], small.weights["code_kernel"])
    assert not np.allclose(validated.rate, small.rate, rtol=1e-4)


def test_training_goes_on_from_start(small, train):
    still = {"learning_rate": 1e-9, "epochs": 1}
    more = train(betas=[9.0, 8.0], start=small, **still)
    np.testing.assert_allclose(more.rate, small.rate, rtol=1e-4)
    one = train(betas=[9.0, 8.0, 7.0], start=small.part(betas=[1]), **still)
    np.testing.assert_allclose(one.rate, np.tile(small.rate[1], (3, 1)), rtol=1e-4)


def test_a_part_is_that_part(small):
    part = small.part(betas=[1], seeds=[2, 0])
    assert part.seeds.tolist() == [8, 3] and part.betas.tolist() == [2.0]
    np.testing.assert_array_equal(part.rate, small.rate[[1]][:, [2, 0]])
    np.testing.assert_array_equal(
        part.weights["code_kernel"][0, 0], small.weights["code_kernel"][1, 2]
    )
    np.testing.assert_array_equal(part.history["rate"][:, 0, 1], small.history["rate"][:, 1, 0])


def test_to_change_a_part_changes_no_other(small):
    """Neither the settings, which decide what `member` builds, nor an array."""
    before = deepcopy(small)
    part = small.part()
    part.settings["hidden"] = None
    part.settings["versions"]["keras"] = "0"
    for values in (part.rate, part.betas, part.seeds, *part.weights.values()):
        values[:] = -1
    part.history["rate"][:] = -1
    assert small.settings == before.settings
    for name, values in arrays_of(small).items():
        np.testing.assert_array_equal(values, arrays_of(before)[name])


def test_parts_by_seed_join_to_the_whole(small):
    joined = join_seeds([small.part(seeds=[k]) for k in range(3)], small.settings)
    for name, values in arrays_of(joined).items():
        np.testing.assert_array_equal(values, arrays_of(small)[name])


def test_a_frame_has_a_row_for_each_member(small):
    frame = small.to_frame()
    assert list(frame.columns) == ["beta", "seed", "distortion", "rate", "elbo"] and len(frame) == 6
    row = frame[(frame.beta == 2.0) & (frame.seed == 8)].iloc[0]
    assert (row.rate, row.elbo) == (small.rate[1, 2], small.elbo[1, 2])


class Recorder:
    """In the place of a stack: what one epoch hands to it."""

    def __init__(self):
        self.batches = []

    def train_on_batch(self, batch):
        self.batches.append(batch)

    def fit(self, batches, *, steps_per_epoch, shuffle, verbose):
        steps = zip(batches, range(steps_per_epoch), strict=True)
        self.batches += [inputs for (inputs,), _ in steps]

    def read_totals(self):
        return np.zeros([2, 6])


def test_each_epoch_and_seed_has_its_own_noise_and_betas_share_it():
    """Every image once, in the epoch's own order, with noise `[B, n_beta * n_seed, J]`."""

    def epoch_of(epoch, shuffle_seed=0):
        stack = Recorder()
        images = np.arange(1000.0)[:, None]
        sizes = {"batch_size": 50, "shuffle_seed": shuffle_seed, "latent_dim": 2}
        plan = SimpleNamespace(x=images, betas=[1, 2], seeds=np.array([5, 6, 7]), **sizes)
        stacked.train_epoch(stack, plan, epoch)
        order, noise = (np.concatenate(parts) for parts in zip(*stack.batches, strict=True))
        assert sorted(order.ravel()) == images.ravel().tolist()
        assert noise.shape == (1000, 6, 2)
        # member i * n_seed + j: the betas of a seed alike
        np.testing.assert_array_equal(noise[:, :3], noise[:, 3:])
        return order.ravel(), noise[:, :3]

    order, noise = epoch_of(0)
    later_order, later = epoch_of(1)
    draws = np.concatenate([noise, later], axis=1).transpose(1, 2, 0).reshape(12, 1000)
    assert np.abs(np.corrcoef(draws) - np.eye(12)).max() < 0.15  # 5 standard errors
    assert abs(draws.mean()) < 0.05 and abs(draws.std() - 1) < 0.05
    assert not np.array_equal(order, later_order)
    np.testing.assert_array_equal(epoch_of(0)[1], noise)
    assert not np.array_equal(epoch_of(0, shuffle_seed=1)[0], order)


def test_the_progress_bar_says_how_long_it_takes(train, capsys):
    train(betas=[1.0], seeds=[0, 1], progress=True)
    shown = capsys.readouterr().out
    assert "2 VAEs" in shown and "3/3" in shown and "epoch" in shown


@pytest.mark.parametrize("first", [True, False])
def test_an_executor_gives_the_same_result(small, train, bits, tmp_path, first):
    options = {"betas": [1.0, 3.0], "start": small if first else None, "validation": bits[:8]}
    straight = train(**options)
    with ThreadPoolExecutor(2) as executor:
        parts = train(executor=executor, cache=tmp_path, **options)
    assert parts.settings == straight.settings
    assert len(list(tmp_path.glob("*.npz"))) == 4  # the whole, and a part for each seed
    for name, values in arrays_of(parts).items():
        np.testing.assert_allclose(values, arrays_of(straight)[name], rtol=1e-3, atol=1e-4)


def test_forked_processes_are_refused(train):
    forks = ProcessPoolExecutor(1, mp_context=get_context("fork"))
    with forks as executor, pytest.raises(ValueError, match="spawn"):
        train(executor=executor)


def test_a_task_that_fails_stops_those_that_have_not_begun(train, monkeypatch):
    begun = []

    def fail(*arguments, **_):
        begun.append(arguments)
        time.sleep(0.2)
        raise OSError("the disk of a worker is full")

    monkeypatch.setattr(train_room, "_one_part", fail)
    with ThreadPoolExecutor(1) as executor, pytest.raises(OSError, match="worker is full"):
        train(executor=executor, seeds=range(20))
    assert len(begun) < 20


def test_threads_do_not_lose_the_standard_error():
    """The redirection at the import of a framework is undone by the thread that began it."""
    before = os.fstat(2)
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda _: framework(), range(200)))
    assert os.path.samestat(os.fstat(2), before)


@pytest.mark.parametrize(
    ("setting", "value"), [("dtype_policy", "mixed_float16"), ("floatx", "bfloat16")]
)
def test_a_global_type_changes_nothing(small, train, setting, value):
    """Of layers, or of new variables as is Adam's step: half precision would train another way."""
    choose = getattr(keras.config, f"set_{setting}")
    choose(value)
    try:
        other = train()
    finally:
        choose("float32")
    np.testing.assert_allclose(other.rate, small.rate, rtol=1e-6)


def test_a_member_that_diverges_is_named_and_harms_no_other(train, bits, tmp_path):
    """When it is trained, and again when the stored result is read."""
    options = {"learning_rate": 1.0, "epochs": 20, "likelihood": "gaussian", "variance": 1e-20}
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"diverged: beta .*, seed") as found:
            result = train(x=1e3 * bits, cache=tmp_path, **options)
        said = next(str(warning.message) for warning in found if "diverged" in str(warning.message))
        assert len(said.split(";")) == np.sum(~np.isfinite(result.elbo))


def test_channels_first_is_no_other_model(train, bits):
    colour = bits.reshape(70, 2, 4, 3)
    keras.config.set_image_data_format("channels_first")
    try:
        sweep = train(x=colour, betas=[1.0], seeds=[0])
        z_mean, z_log_var = sweep.member(0, 0)[0](colour)
    finally:
        keras.config.set_image_data_format("channels_last")
    rate = ops.convert_to_numpy(losses.gaussian_kl(z_mean, z_log_var)).mean()
    np.testing.assert_allclose(rate, sweep.rate[0, 0], rtol=1e-5)


@pytest.mark.parametrize(
    ("likelihood", "variance"),
    [pytest.param("gaussian", 0.5, marks=pytest.mark.backend), ("laplace", 1.0)],
)
def test_the_likelihood_goes_with_the_members(train, bits, likelihood, variance):
    sweep = train(betas=[1.0], seeds=[0], likelihood=likelihood, variance=variance)
    vae = sweep.vae(0, 0)
    vae.compile()
    found = vae.evaluate(bits, verbose=0, return_dict=True)
    assert found["distortion"] == pytest.approx(sweep.distortion[0, 0], rel=0.05)


def test_a_likelihood_is_a_name_or_the_function_of_that_name(train):
    one = {"betas": [1.0], "seeds": [0]}
    named = train(likelihood="continuous_bernoulli", **one)
    given = train(likelihood=losses.continuous_bernoulli_log_likelihood, **one)
    assert given.settings == named.settings
    np.testing.assert_array_equal(given.rate, named.rate)


def test_without_keras_one_line_says_the_cure(train, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    cure = r"^vaehelpers\.sweep needs keras: pip install 'vaehelpers\[course\]'$"
    with pytest.raises(ImportError, match=cure):
        train()


def test_a_worker_with_another_framework_is_refused(train, monkeypatch):
    with ThreadPoolExecutor(1) as executor:
        real = executor.submit

        def submit(function, wanted, *arguments, **options):
            return real(function, {**wanted, "backend": "another"}, *arguments, **options)

        monkeypatch.setattr(executor, "submit", submit)
        with pytest.raises(RuntimeError, match=r"worker runs .*another"):
            train(executor=executor)


FIXED = partial(losses.gaussian_log_likelihood, log_var=-1.0)
BAD = [
    ({"x": np.full([4, 2, 2, 1], 255)}, ValueError, "x has pixels .* divide by 255"),
    ({"x": np.zeros([0, 2, 2, 1])}, ValueError, "x .* no images"),
    ({"x": np.full([4, 2], np.nan)}, ValueError, "x holds NaN"),
    ({"validation": np.zeros([4, 2, 2])}, ValueError, "validation has shape"),
    ({"validation": np.full([4, 6, 4, 1], 2.0)}, ValueError, "validation has pixels"),
    ({"betas": []}, ValueError, "^betas"),
    ({"betas": 1.0}, ValueError, "^betas"),
    ({"betas": [-1.0]}, ValueError, "^betas .* from 0"),
    ({"betas": [np.inf]}, ValueError, "^betas .* 0 to"),
    ({"betas": [1.0, 1]}, ValueError, "^betas .* twice"),
    ({"betas": ["1"]}, ValueError, "^betas"),
    ({"betas": [1e39]}, ValueError, "^betas"),
    ({"betas": [[1.0], [1.0, 2.0]]}, ValueError, "^betas"),
    ({"seeds": [2**63]}, ValueError, "^seeds"),
    ({"start": {}}, TypeError, "^start"),
    ({"cache": 5}, TypeError, "^cache"),
    ({"cache": __file__}, ValueError, "^cache is .*, a file: pass a folder"),
    ({"executor": 4}, TypeError, "^executor"),
    ({"learning_rate": True}, TypeError, "^learning_rate"),
    ({"learning_rate": 1e31}, ValueError, "^learning_rate .* at most"),
    ({"learning_rate": np.nan}, ValueError, "^learning_rate"),
    ({"variance": 1e-40, "likelihood": "gaussian"}, ValueError, "^variance"),
    ({"seeds": 5}, ValueError, "^seeds .* list"),
    ({"seeds": [0.5]}, ValueError, "^seeds .* whole"),
    ({"seeds": [-1]}, ValueError, "^seeds"),
    ({"seeds": [1, 1]}, ValueError, "^seeds .* twice"),
    ({"hidden": 0}, ValueError, "^hidden"),
    ({"hidden": 2.5}, TypeError, "^hidden"),
    ({"latent_dim": 0}, ValueError, "^latent_dim"),
    ({"epochs": 0}, ValueError, "^epochs"),
    ({"batch_size": True}, TypeError, "^batch_size"),
    ({"shuffle_seed": -1}, ValueError, "^shuffle_seed"),
    ({"learning_rate": 0.0}, ValueError, "^learning_rate"),
    ({"learning_rate": "fast"}, TypeError, "^learning_rate"),
    ({"likelihood": "gausian"}, ValueError, "^likelihood .* gaussian"),
    # not a cure of its pixels
    ({"likelihood": "gausian", "x": -np.ones([4, 2, 2, 1])}, ValueError, "^likelihood"),
    ({"likelihood": FIXED}, ValueError, "^likelihood .* variance"),
    ({"variance": 0.0, "likelihood": "gaussian"}, ValueError, "^variance"),
    ({"variance": 0.5}, ValueError, "^variance belongs"),
    ({"variance": 0.5, "likelihood": "laplace"}, ValueError, "^variance belongs"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_input_is_named(train, change, error, message):
    with pytest.raises(error, match=message):
        train(**change)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seeds": [3, 0, 9]}, "seeds"),
        ({"betas": [1.0, 2.0, 3.0]}, "betas"),
        ({"hidden": 5}, "hidden"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(small, train, change, named):
    with pytest.raises(ValueError, match=f"^start .*{named}"):
        train(start=small, **change)


def test_a_member_outside_is_refused(small):
    with pytest.raises(IndexError, match="2 betas and 3 seeds"):
        small.member(2, 0)
