"""The stacked network against single VAEs, its invariances, its members, and what it refuses.

Marked `backend` is what computes; files, executors and arguments are the same whatever computes.
"""

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from vaehelpers import losses
from vaehelpers.models import VAE
from vaehelpers.sweep import SweepResult, stacked, train, train_sweep
from vaehelpers.sweep.network import ENCODER, StackedVAE, initial_weights, log_likelihood_of
from vaehelpers.sweep.result import join_seeds
from vaehelpers.sweep.versions import framework

BETAS = [0.5, 2.0]
SEEDS = [3, 0, 8]
SMALL = {"hidden": 6, "epochs": 3, "batch_size": 16, "progress": False}
SIZES = [
    pytest.param("bernoulli", 6, 2, marks=pytest.mark.backend),
    ("gaussian", 6, 2),
    pytest.param("gaussian", None, 3, marks=pytest.mark.backend),
    ("continuous_bernoulli", 4, 1),
    ("laplace", 5, 2),
]


@pytest.fixture(scope="module", autouse=True)
def without_xla():
    """To compile a tiny sweep takes XLA four times what it takes to train it; two tests are about what it compiles."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stacked, "COMPILE", keras.backend.backend() == "jax")
        yield


@pytest.fixture
def with_xla(monkeypatch):
    monkeypatch.setattr(stacked, "COMPILE", sys.platform != "win32")


@pytest.fixture(scope="module")
def bits():
    return (
        np.random.default_rng(0).integers(2, size=(70, 3, 4, 1)).repeat(2, axis=1).astype("float32")
    )


@pytest.fixture(scope="module")
def small(bits):
    return train_sweep(bits, BETAS, SEEDS, **SMALL)


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
    """For the same weights and noise, to 1e-5: each member as an ordinary encoder and decoder of its own."""
    betas = np.array([0.3, 1.0, 40.0])
    rng = np.random.default_rng(1)
    x = digits.x_train[:32]
    members = [initial_weights(784, hidden, latent_dim, seed) for seed in range(3)]
    for weights in members:
        for name in weights:
            weights[name] += 0.05 * rng.standard_normal(weights[name].shape, "float32")
    noise = rng.standard_normal((32, 3, latent_dim), "float32")
    log_likelihood = log_likelihood_of(likelihood, 0.5 if likelihood == "gaussian" else 1.0)
    stack = StackedVAE(
        {name: np.stack([w[name] for w in members]) for name in members[0]}, betas, log_likelihood
    )
    inputs = (x.reshape(32, -1), noise)
    total, found = gradients(
        lambda: stack.compute_loss(y_pred=stack(inputs)), list(stack.parameters.values())
    )
    settings = {"image_shape": [28, 28, 1], "hidden": hidden, "latent_dim": latent_dim}
    arrays = {name: stack.member_weights()[name][None] for name in members[0]}
    result = SweepResult(
        betas[:1], np.arange(3), *(np.zeros([1, 3]),) * 2, np.zeros([1, 3, 1]), {}, arrays, settings
    )
    for variable, gradient in zip(stack.parameters.values(), found, strict=True):
        variable.assign(gradient)  # so that the stack itself takes its gradients apart
    gradient_of = stack.member_weights()
    losses_alone = []
    for k, beta in enumerate(betas):
        encoder, decoder = result.member(0, k)

        def loss(encoder=encoder, decoder=decoder, beta=beta, k=k):
            z_mean, z_log_var = encoder(x)
            x_decoded = decoder(z_mean + ops.exp(z_log_var / 2) * noise[:, k])
            rate = losses.gaussian_kl(z_mean, z_log_var)
            return ops.mean(losses.negative_elbo(-log_likelihood(x, x_decoded), rate, float(beta)))

        variables = encoder.trainable_variables + decoder.trainable_variables
        value, alone = gradients(loss, variables)
        losses_alone.append(value)
        names = [name for name in (*ENCODER, "code", "output") if f"{name}_kernel" in members[0]]
        for name, (kernel, bias) in zip(
            names, zip(alone[::2], alone[1::2], strict=True), strict=True
        ):
            assert relative(gradient_of[f"{name}_kernel"][k], kernel) < 1e-5
            assert relative(gradient_of[f"{name}_bias"][k], bias) < 1e-5
    assert abs(total / sum(losses_alone) - 1) < 1e-5


def test_weights_come_out_as_they_went_in():
    weights = {
        name: np.stack([value, value + 1]) for name, value in initial_weights(5, 3, 2, 0).items()
    }
    stack = StackedVAE(weights, [1.0, 2.0], losses.bernoulli_log_likelihood)
    for name, value in stack.member_weights().items():
        np.testing.assert_array_equal(value, weights[name])


def test_initial_weights_are_glorot_uniform_and_follow_from_the_seed():
    weights, again, other = (initial_weights(784, 128, 2, seed) for seed in (1, 1, 2))
    for name, value in weights.items():
        if name.endswith("bias"):
            assert not value.any()
            continue
        limit = np.sqrt(6 / sum(value.shape))
        assert 0.95 * limit < np.abs(value).max() <= limit and abs(value.mean()) < 0.1 * limit
        np.testing.assert_array_equal(value, again[name])
        assert not np.array_equal(value, other[name])


@pytest.mark.backend
def test_a_member_is_what_the_numbers_say(small, bits):
    """The stored rate and distortion are those of the ordinary Keras models that `member` returns."""
    assert small.measured_on == "x"
    for i, j in np.ndindex(2, 3):
        vae = VAE(*small.member(i, j))
        z_mean, z_log_var = vae.encode(bits)
        kl_per_dim = ops.convert_to_numpy(losses.gaussian_kl_per_dim(z_mean, z_log_var)).mean(
            axis=0
        )
        np.testing.assert_allclose(small.kl_per_dim[i, j], kl_per_dim, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(small.rate[i, j], kl_per_dim.sum(), rtol=1e-5, atol=1e-7)
        x_decoded = vae.decode(vae.sample_posterior(bits, 300, seed=0)[0].reshape(300 * 70, -1))
        draws = -ops.convert_to_numpy(vae.log_likelihood(np.tile(bits, (300, 1, 1, 1)), x_decoded))
        draws = draws.reshape(300, 70).mean(axis=1)
        assert abs(small.distortion[i, j] - draws.mean()) < 5 * draws.std()
    np.testing.assert_allclose(small.elbo, -(small.distortion + small.rate))


@pytest.mark.backend
def test_training_lowers_the_objective(with_xla, bits):
    result = train_sweep(bits, BETAS, SEEDS, **{**SMALL, "epochs": 40})
    objective = result.history["distortion"] + np.array(BETAS)[:, None] * result.history["rate"]
    assert objective.shape == (40, 2, 3)
    assert np.all(objective[-1] < objective[0] - 0.3)


@pytest.mark.backend
def test_a_member_does_not_depend_on_the_rest_of_the_sweep(small, bits):
    for betas, seeds in (([2.0], [8]), ([2.0, 7.0, 0.5], [0, 8, 1, 2])):
        other = train_sweep(bits, betas, seeds, **SMALL)
        i, j = betas.index(2.0), seeds.index(8)
        np.testing.assert_allclose(other.rate[i, j], small.rate[1, 2], rtol=1e-3)
        np.testing.assert_allclose(
            other.weights["output_kernel"][i, j], small.weights["output_kernel"][1, 2], atol=1e-4
        )


def test_what_should_matter_does(small, bits):
    """Another seed, beta, order, or number of epochs is another run; the validation images change no weight."""
    assert len(np.unique(small.rate)) == small.rate.size
    changed = [{"shuffle_seed": 1}, {"epochs": 4}, {"learning_rate": 1e-3}, {"batch_size": 8}]
    for change in changed:
        assert not np.allclose(
            train_sweep(bits, BETAS, SEEDS, **{**SMALL, **change}).rate, small.rate, rtol=1e-4
        )
    validated = train_sweep(bits, BETAS, SEEDS, validation=bits[:9], **SMALL)
    assert validated.measured_on == "validation" and "9 images" in repr(validated)
    np.testing.assert_array_equal(validated.weights["code_kernel"], small.weights["code_kernel"])
    assert not np.allclose(validated.rate, small.rate, rtol=1e-4)


def test_training_goes_on_from_start(small, bits):
    more = train_sweep(
        bits, [9.0, 8.0], SEEDS, start=small, **{**SMALL, "learning_rate": 1e-9, "epochs": 1}
    )
    np.testing.assert_allclose(more.rate, small.rate, rtol=1e-4)
    one = train_sweep(
        bits,
        [9.0, 8.0, 7.0],
        SEEDS,
        start=small.part(betas=[1]),
        **{**SMALL, "learning_rate": 1e-9},
    )
    np.testing.assert_allclose(one.rate, np.tile(small.rate[1], (3, 1)), rtol=1e-4)


def test_a_part_is_that_part(small):
    part = small.part(betas=[1], seeds=[2, 0])
    assert part.seeds.tolist() == [8, 3] and part.betas.tolist() == [2.0]
    np.testing.assert_array_equal(part.rate, small.rate[[1]][:, [2, 0]])
    np.testing.assert_array_equal(
        part.weights["code_kernel"][0, 0], small.weights["code_kernel"][1, 2]
    )
    np.testing.assert_array_equal(part.history["rate"][:, 0, 1], small.history["rate"][:, 1, 0])


def test_to_change_a_part_or_a_whole_changes_no_other(small):
    """Neither the settings, which decide what `member` builds, nor an array."""
    hidden, rate = small.settings["hidden"], small.rate[0, 0]
    part = small.part()
    whole = join_seeds([small])
    for copy in (part, whole):
        copy.settings["hidden"] = None
        copy.settings["versions"]["keras"] = "0"
        copy.rate[0, 0] = copy.betas[0] = copy.seeds[0] = -1
        copy.weights["code_kernel"][:] = np.nan
        copy.history["rate"][:] = np.nan
        assert small.settings["hidden"] == hidden and small.settings["versions"]["keras"] != "0"
        assert (small.rate[0, 0], small.betas[0], small.seeds[0]) == (rate, BETAS[0], SEEDS[0])
        assert (
            np.isfinite(small.weights["code_kernel"]).all()
            and np.isfinite(small.history["rate"]).all()
        )
    joined = join_seeds([small.part(seeds=[k]) for k in range(3)])
    assert joined.settings == small.settings and joined.settings is not small.settings


def test_a_frame_has_a_row_for_each_member(small):
    frame = small.to_frame()
    assert list(frame.columns) == ["beta", "seed", "distortion", "rate", "elbo"] and len(frame) == 6
    row = frame[(frame.beta == 2.0) & (frame.seed == 8)].iloc[0]
    assert (row.rate, row.elbo) == (small.rate[1, 2], small.elbo[1, 2])


def test_each_epoch_and_seed_has_its_own_noise_and_betas_share_it():
    """What one epoch hands to the stack: every image once, in its own order, with noise [B, n_beta * n_seed, J]."""

    class Recorder:
        def __init__(self):
            self.batches = []

        def train_on_batch(self, batch):
            self.batches.append(batch)

        def fit(self, batches, *, steps_per_epoch, shuffle, verbose):
            self.batches += [
                inputs for (inputs,), _ in zip(batches, range(steps_per_epoch), strict=True)
            ]

        def read_totals(self):
            return np.zeros([2, 6])

    def epoch_of(epoch, shuffle_seed=0):
        stack = Recorder()
        settings = SimpleNamespace(batch_size=50, shuffle_seed=shuffle_seed, latent_dim=2)
        images = np.arange(1000.0)[:, None]
        stacked._train_epoch(stack, images, np.array([5, 6, 7]), 2, settings, epoch)
        order, noise = (np.concatenate(parts) for parts in zip(*stack.batches, strict=True))
        assert sorted(order.ravel()) == images.ravel().tolist()
        assert noise.shape == (1000, 6, 2)
        np.testing.assert_array_equal(
            noise[:, :3], noise[:, 3:]
        )  # member i * n_seed + j: the betas of a seed alike
        return order.ravel(), noise[:, :3]

    (order, noise), (later_order, later) = epoch_of(0), epoch_of(1)
    draws = np.concatenate([noise, later], axis=1).transpose(1, 2, 0).reshape(12, 1000)
    assert np.abs(np.corrcoef(draws) - np.eye(12)).max() < 0.15  # 5 standard errors
    assert abs(draws.mean()) < 0.05 and abs(draws.std() - 1) < 0.05
    assert not np.array_equal(order, later_order)
    np.testing.assert_array_equal(epoch_of(0)[1], noise)
    assert not np.array_equal(epoch_of(0, shuffle_seed=1)[0], order)


def test_the_progress_bar_says_how_long_it_takes(bits, capsys):
    train_sweep(bits, [1.0], [0, 1], **{**SMALL, "progress": True})
    shown = capsys.readouterr().out
    assert "2 VAEs" in shown and "3/3" in shown and "epoch" in shown


@pytest.mark.parametrize("first", [True, False])
def test_an_executor_gives_the_same_result(small, bits, tmp_path, first):
    start = small if first else None
    straight = train_sweep(bits, [1.0, 3.0], SEEDS, start=start, validation=bits[:8], **SMALL)
    with ThreadPoolExecutor(2) as executor:
        options = {**SMALL, "executor": executor, "cache": tmp_path}
        parts = train_sweep(bits, [1.0, 3.0], SEEDS, start=start, validation=bits[:8], **options)
    assert parts.seeds.tolist() == SEEDS and parts.settings == straight.settings
    assert len(list(tmp_path.glob("*.npz"))) == 4  # the whole, and a part for each seed
    for name in ("rate", "distortion", "kl_per_dim"):
        np.testing.assert_allclose(getattr(parts, name), getattr(straight, name), rtol=1e-3)
    for mine, yours in zip(
        parts.member(1, 2)[0].get_weights(), straight.member(1, 2)[0].get_weights(), strict=True
    ):
        np.testing.assert_allclose(mine, yours, atol=1e-4)


def test_forked_processes_are_refused(bits):
    with (
        ProcessPoolExecutor(1, mp_context=get_context("fork")) as executor,
        pytest.raises(ValueError, match="spawn"),
    ):
        train_sweep(bits, BETAS, SEEDS, executor=executor, **SMALL)


def test_a_task_that_fails_stops_those_that_have_not_begun(bits, monkeypatch):
    begun = []

    def fail(*arguments, **_):
        begun.append(arguments)
        raise OSError("the disk of a worker is full")

    monkeypatch.setattr(train, "_one_part", fail)
    with ThreadPoolExecutor(1) as executor, pytest.raises(OSError, match="worker is full"):
        submit = executor.submit
        executor.submit = lambda function, *a, **k: submit(
            lambda: (time.sleep(0.2), function(*a, **k))
        )
        train_sweep(bits, BETAS, range(20), executor=executor, **SMALL)
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
def test_a_global_type_changes_nothing(small, bits, setting, value):
    """Of layers, or of new variables as is Adam's step: half precision in either would be another training."""
    choose = getattr(keras.config, f"set_{setting}")
    choose(value)
    try:
        other = train_sweep(bits, BETAS, SEEDS, **SMALL)
    finally:
        choose("float32")
    np.testing.assert_allclose(other.rate, small.rate, rtol=1e-6)


def test_a_member_that_diverges_is_named_and_harms_no_other(bits):
    options = {
        **SMALL,
        "learning_rate": 1.0,
        "epochs": 20,
        "likelihood": "gaussian",
        "variance": 1e-20,
    }
    with pytest.warns(UserWarning, match=r"diverged: beta .*, seed") as found:
        result = train_sweep(1e3 * bits, BETAS, SEEDS, **options)
    said = next(str(warning.message) for warning in found if "diverged" in str(warning.message))
    assert len(said.split(";")) == np.sum(~np.isfinite(result.elbo))


def test_channels_first_is_no_other_model(bits):
    colour = bits.reshape(70, 2, 4, 3)
    keras.config.set_image_data_format("channels_first")
    try:
        sweep = train_sweep(colour, [1.0], [0], **SMALL)
        z_mean, z_log_var = sweep.member(0, 0)[0](colour)
    finally:
        keras.config.set_image_data_format("channels_last")
    rate = ops.convert_to_numpy(losses.gaussian_kl(z_mean, z_log_var)).mean()
    np.testing.assert_allclose(rate, sweep.rate[0, 0], rtol=1e-5)


@pytest.mark.parametrize(
    ("likelihood", "variance"),
    [pytest.param("gaussian", 0.5, marks=pytest.mark.backend), ("laplace", 1.0)],
)
def test_the_likelihood_goes_with_the_members(bits, likelihood, variance):
    sweep = train_sweep(bits, [1.0], [0], **SMALL, likelihood=likelihood, variance=variance)
    vae = sweep.vae(0, 0)
    vae.compile()
    assert (
        abs(
            vae.evaluate(bits, verbose=0, return_dict=True)["distortion"] / sweep.distortion[0, 0]
            - 1
        )
        < 0.05
    )


def test_a_likelihood_is_a_name_or_the_function_of_that_name(bits):
    named = train_sweep(bits, [1.0], [0], **SMALL, likelihood="continuous_bernoulli")
    given = train_sweep(
        bits, [1.0], [0], **SMALL, likelihood=losses.continuous_bernoulli_log_likelihood
    )
    assert given.settings == named.settings
    np.testing.assert_array_equal(given.rate, named.rate)


def test_without_keras_one_line_says_the_cure(bits, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(
        ImportError, match=r"^vaehelpers\.sweep needs keras: pip install 'vaehelpers\[course\]'$"
    ):
        train_sweep(bits, BETAS, SEEDS, **SMALL)


def test_a_worker_with_another_framework_is_refused(bits, monkeypatch):
    with ThreadPoolExecutor(1) as executor:
        real = executor.submit

        def submit(function, wanted, *arguments, **options):
            return real(function, {**wanted, "backend": "another"}, *arguments, **options)

        monkeypatch.setattr(executor, "submit", submit)
        with pytest.raises(RuntimeError, match=r"worker runs .*another"):
            train_sweep(bits, BETAS, SEEDS, executor=executor, **SMALL)


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
    (
        {"likelihood": "gausian", "x": -np.ones([4, 2, 2, 1])},
        ValueError,
        "^likelihood",
    ),  # not a cure of its pixels
    (
        {"likelihood": partial(losses.gaussian_log_likelihood, log_var=-1.0)},
        ValueError,
        "^likelihood .* variance",
    ),
    ({"variance": 0.0, "likelihood": "gaussian"}, ValueError, "^variance"),
    ({"variance": 0.5}, ValueError, "^variance belongs"),
    ({"variance": 0.5, "likelihood": "laplace"}, ValueError, "^variance belongs"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_input_is_named(bits, change, error, message):
    arguments = {"x": bits, "betas": BETAS, "seeds": SEEDS, **SMALL, **change}
    with pytest.raises(error, match=message):
        train_sweep(**arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": [3, 0, 9]}, "seeds"),
        ({"betas": [1.0, 2.0, 3.0]}, "betas"),
        ({"hidden": 5}, "hidden"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(small, bits, change, message):
    arguments = {"x": bits, "betas": BETAS, "seeds": SEEDS, **SMALL, **change}
    with pytest.raises(ValueError, match=f"^start .*{message}"):
        train_sweep(start=small, **arguments)


def test_a_member_outside_is_refused(small):
    with pytest.raises(IndexError, match="2 betas and 3 seeds"):
        small.member(2, 0)
