"""The stacked network against single VAEs, its invariances, its files, and what it refuses."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import keras
import numpy as np
import pytest
from keras import ops

from vaehelpers import losses
from vaehelpers.models import VAE
from vaehelpers.sweep import SweepResult, cache, train, train_sweep
from vaehelpers.sweep.arguments import framework
from vaehelpers.sweep.network import ENCODER, StackedVAE, initial_weights, log_likelihood_of
from vaehelpers.sweep.storage import write_arrays

BETAS, SEEDS = [0.5, 2.0], [3, 0, 8]
SMALL = {"hidden": 6, "epochs": 3, "batch_size": 16, "progress": False}
SIZES = [("bernoulli", 6, 2), ("gaussian", 6, 2), ("gaussian", None, 3), ("continuous_bernoulli", 4, 1)]


@pytest.fixture(scope="module")
def bits():
    return np.random.default_rng(0).integers(2, size=(70, 3, 4, 1)).repeat(2, axis=1).astype("float32")


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
    betas, rng = np.array([0.3, 1.0, 40.0]), np.random.default_rng(1)
    x = digits.x_train[:32]
    members = [initial_weights(784, hidden, latent_dim, seed) for seed in range(3)]
    for weights in members:
        for name in weights:
            weights[name] += 0.05 * rng.standard_normal(weights[name].shape, "float32")
    noise = rng.standard_normal((32, 3, latent_dim), "float32")
    log_likelihood = log_likelihood_of(likelihood, 0.5 if likelihood == "gaussian" else 1.0)
    stack = StackedVAE({name: np.stack([w[name] for w in members]) for name in members[0]}, betas, log_likelihood)
    inputs = (x.reshape(32, -1), noise)
    total, found = gradients(lambda: stack.compute_loss(y_pred=stack(inputs)), list(stack.parameters.values()))
    settings = {"image_shape": [28, 28, 1], "hidden": hidden, "latent_dim": latent_dim}
    arrays = {name: stack.member_weights()[name][None] for name in members[0]}
    result = SweepResult(betas[:1], np.arange(3), *(np.zeros([1, 3]),) * 2, np.zeros([1, 3, 1]), {}, arrays, settings)
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
        for name, (kernel, bias) in zip(names, zip(alone[::2], alone[1::2], strict=True), strict=True):
            assert relative(gradient_of[f"{name}_kernel"][k], kernel) < 1e-5
            assert relative(gradient_of[f"{name}_bias"][k], bias) < 1e-5
    assert abs(total / sum(losses_alone) - 1) < 1e-5


def test_weights_come_out_as_they_went_in():
    weights = {name: np.stack([value, value + 1]) for name, value in initial_weights(5, 3, 2, 0).items()}
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


def test_a_member_is_what_the_numbers_say(small, bits):
    """The stored rate and distortion are those of the ordinary Keras models that `member` returns."""
    assert small.measured_on == "x"
    for i, j in np.ndindex(2, 3):
        vae = VAE(*small.member(i, j))
        z_mean, z_log_var = vae.encode(bits)
        kl_per_dim = ops.convert_to_numpy(losses.gaussian_kl_per_dim(z_mean, z_log_var)).mean(axis=0)
        np.testing.assert_allclose(small.kl_per_dim[i, j], kl_per_dim, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(small.rate[i, j], kl_per_dim.sum(), rtol=1e-5, atol=1e-7)
        draws = [-vae.log_likelihood(bits, vae.decode(z)) for z in vae.sample_posterior(bits, 300, seed=0)[0]]
        draws = np.mean([ops.convert_to_numpy(draw) for draw in draws], axis=1)
        assert abs(small.distortion[i, j] - draws.mean()) < 5 * draws.std()
    np.testing.assert_allclose(small.elbo, -(small.distortion + small.rate))


def test_training_lowers_the_objective(bits):
    result = train_sweep(bits, BETAS, SEEDS, **{**SMALL, "epochs": 40})
    objective = result.history["distortion"] + np.array(BETAS)[:, None] * result.history["rate"]
    assert objective.shape == (40, 2, 3)
    assert np.all(objective[-1] < objective[0] - 0.3)


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
        assert not np.allclose(train_sweep(bits, BETAS, SEEDS, **{**SMALL, **change}).rate, small.rate, rtol=1e-4)
    validated = train_sweep(bits, BETAS, SEEDS, validation=bits[:9], **SMALL)
    assert validated.measured_on == "validation" and "9 images" in repr(validated)
    np.testing.assert_array_equal(validated.weights["code_kernel"], small.weights["code_kernel"])
    assert not np.allclose(validated.rate, small.rate, rtol=1e-4)


def test_training_goes_on_from_start(small, bits):
    more = train_sweep(bits, [9.0, 8.0], SEEDS, start=small, **{**SMALL, "learning_rate": 1e-9, "epochs": 1})
    np.testing.assert_allclose(more.rate, small.rate, rtol=1e-4)
    one = train_sweep(bits, [9.0, 8.0, 7.0], SEEDS, start=small.part(betas=[1]), **{**SMALL, "learning_rate": 1e-9})
    np.testing.assert_allclose(one.rate, np.tile(small.rate[1], (3, 1)), rtol=1e-4)


def test_a_part_is_that_part(small):
    part = small.part(betas=[1], seeds=[2, 0])
    assert part.seeds.tolist() == [8, 3] and part.betas.tolist() == [2.0]
    np.testing.assert_array_equal(part.rate, small.rate[[1]][:, [2, 0]])
    np.testing.assert_array_equal(part.weights["code_kernel"][0, 0], small.weights["code_kernel"][1, 2])
    np.testing.assert_array_equal(part.history["rate"][:, 0, 1], small.history["rate"][:, 1, 0])


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

        def read_totals(self):
            return np.zeros([2, 6])

    def epoch_of(epoch, shuffle_seed=0):
        stack = Recorder()
        settings = {"batch_size": 50, "shuffle_seed": shuffle_seed, "latent_dim": 2}
        images = np.arange(1000.0)[:, None]
        train._train_epoch(stack, images, np.array([5, 6, 7]), 2, settings, epoch)
        order, noise = (np.concatenate(parts) for parts in zip(*stack.batches, strict=True))
        assert sorted(order.ravel()) == images.ravel().tolist()
        assert noise.shape == (1000, 6, 2)
        np.testing.assert_array_equal(noise[:, :3], noise[:, 3:])  # member i * n_seed + j: the betas of a seed alike
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


def test_a_saved_result_is_read_back_whole(small, tmp_path):
    small.save(tmp_path / "a.npz")
    loaded = SweepResult.load(tmp_path / "a.npz")
    for name in ("betas", "seeds", "distortion", "rate", "kl_per_dim"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(small, name))
    assert loaded.settings == small.settings and loaded.history.keys() == small.history.keys()
    for mine, yours in zip(loaded.member(1, 1), small.member(1, 1), strict=True):
        for a, b in zip(mine.get_weights(), yours.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "exchanged", "text"])
def test_a_damaged_file_is_named_and_not_half_read(small, tmp_path, damage):
    path = tmp_path / "a.npz"
    small.save(path)
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[len(content) // 2] ^= 1
    elif damage == "exchanged":  # an intact archive with another number in it
        with np.load(path) as file:
            found = dict(file)
        np.savez(path, **{**found, "rate": found["rate"] + 1})
        content = path.read_bytes()
    else:
        content = b"not an archive"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npz .*(truncated|altered)"):
        SweepResult.load(path)


def test_a_failed_write_leaves_the_old_file(small, tmp_path):
    small.save(tmp_path / "a.npz")
    before = (tmp_path / "a.npz").read_bytes()
    with pytest.raises(TypeError):
        write_arrays(tmp_path / "a.npz", {"a": np.zeros(3)}, {"not for JSON": object()})
    assert (tmp_path / "a.npz").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_the_cache_is_used_for_the_same_call_only(bits, tmp_path, monkeypatch):
    options = {**SMALL, "cache": tmp_path}
    first = train_sweep(bits, BETAS, SEEDS, **options)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]
    monkeypatch.setattr("vaehelpers.sweep.train._train", lambda *_: pytest.fail("trained again"))
    np.testing.assert_array_equal(train_sweep(bits, BETAS, SEEDS, **options).rate, first.rate)
    np.testing.assert_array_equal(train_sweep(bits.copy(), (0.5, 2), np.array(SEEDS), **options).rate, first.rate)
    other = bits.copy()
    other[0, 0, 0] = 1 - other[0, 0, 0]
    changes = [{name: value} for name, value in {"hidden": 7, "latent_dim": 1, "learning_rate": 0.1}.items()]
    changes += [{"epochs": 4}, {"batch_size": 8}, {"shuffle_seed": 1}, {"validation": bits}, {"start": first}]
    changes += [{"likelihood": "gaussian"}, {"likelihood": "gaussian", "variance": 0.5}, {"hidden": None}]
    for change in changes:
        with pytest.raises(pytest.fail.Exception):
            train_sweep(bits, BETAS, SEEDS, **{**options, **change})
    for arguments in ((other, BETAS, SEEDS), (bits, [0.5, 2.1], SEEDS), (bits, BETAS, [3, 0, 9])):
        with pytest.raises(pytest.fail.Exception):
            train_sweep(*arguments, **options)


KILLED = """
import os, signal, sys
import numpy as np
from vaehelpers.sweep import storage, train
real, place = {"epoch": train._train_epoch, "write": os.replace}, sys.argv[3]
def epoch(*arguments):
    if place == "epoch" and arguments[-1] == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return real["epoch"](*arguments)
written = []
def replace(*arguments):
    written.append(arguments)
    if place == "write" and len(written) == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return real["write"](*arguments)
train._train_epoch, os.replace = epoch, replace
train.train_sweep(np.load(sys.argv[1]), [0.5, 2.0], [3, 0, 8], hidden=6, epochs=7, batch_size=16, progress=False,
                  cache=sys.argv[2])
"""


@pytest.mark.parametrize("place", ["epoch", "write"])
def test_killed_and_started_again_it_goes_on_from_its_last_epoch(bits, tmp_path, monkeypatch, place):
    """Killed in the fifth epoch, or while that epoch's state is written: four are kept, and the end is the same."""
    np.save(tmp_path / "x.npy", bits)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "x.npy"), str(tmp_path / "cache"), place]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    trained, real = [], train._train_epoch
    monkeypatch.setattr(train, "_train_epoch", lambda *arguments: trained.append(arguments[-1]) or real(*arguments))
    options = {**SMALL, "epochs": 7}
    resumed = train_sweep(bits, BETAS, SEEDS, cache=tmp_path / "cache", **options)
    assert trained == [4, 5, 6]
    straight = train_sweep(bits, BETAS, SEEDS, **options)
    for name in ("rate", "distortion", "kl_per_dim"):
        np.testing.assert_allclose(getattr(resumed, name), getattr(straight, name), rtol=1e-5)
    np.testing.assert_allclose(resumed.history["distortion"], straight.history["distortion"], rtol=1e-5)
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_the_same_sweep_in_several_threads_at_once(small, bits, tmp_path):
    """One that finishes first clears its files away; the others go on, and all return the same."""
    with ThreadPoolExecutor(4) as executor:
        running = [executor.submit(train_sweep, bits, BETAS, SEEDS, cache=tmp_path, **SMALL) for _ in range(4)]
    for task in running:
        np.testing.assert_allclose(task.result().rate, small.rate, rtol=1e-3)


def test_state_that_another_process_cleared_away_is_no_error(small, bits, tmp_path, monkeypatch):
    def cleared(*_):
        raise FileNotFoundError

    monkeypatch.setattr(cache, "write_arrays", cleared)
    state = cache.Cache(tmp_path, 32 * "k")
    stack = StackedVAE({n: np.stack([v]) for n, v in initial_weights(5, 3, 2, 0).items()}, [1.0], None)
    stack.compile(optimizer="adam")
    with pytest.raises(FileNotFoundError):
        state.keep(stack, [np.zeros([2, 1])])
    small.save(state.finished)
    state.keep(stack, [np.zeros([2, 1])])


def test_a_file_has_the_rights_of_any_other(small, tmp_path):
    (tmp_path / "b").touch()
    small.save(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_an_interrupt_from_the_keyboard_loses_nothing_either(bits, tmp_path, monkeypatch):
    real = train._train_epoch

    def interrupt(*arguments):
        if arguments[-1] == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(train, "_train_epoch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train_sweep(bits, BETAS, SEEDS, cache=tmp_path, **SMALL)
    monkeypatch.setattr(
        train, "_train_epoch", lambda *arguments: pytest.fail() if arguments[-1] < 2 else real(*arguments)
    )
    train_sweep(bits, BETAS, SEEDS, cache=tmp_path, **SMALL)


def test_a_damaged_file_in_the_cache_is_named(bits, tmp_path):
    train_sweep(bits, BETAS, SEEDS, cache=tmp_path, **SMALL)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=f"{path.name} is truncated"):
        train_sweep(bits, BETAS, SEEDS, cache=tmp_path, **SMALL)


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
    for mine, yours in zip(parts.member(1, 2)[0].get_weights(), straight.member(1, 2)[0].get_weights(), strict=True):
        np.testing.assert_allclose(mine, yours, atol=1e-4)


def test_forked_processes_are_refused(bits):
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as executor, pytest.raises(ValueError, match="spawn"):
        train_sweep(bits, BETAS, SEEDS, executor=executor, **SMALL)


def test_a_task_that_fails_stops_those_that_have_not_begun(bits, monkeypatch):
    begun = []

    def fail(*arguments, **_):
        begun.append(arguments)
        raise OSError("the disk of a worker is full")

    monkeypatch.setattr(train, "_one_part", fail)
    with ThreadPoolExecutor(1) as executor, pytest.raises(OSError, match="worker is full"):
        submit = executor.submit
        executor.submit = lambda function, *a, **k: submit(lambda: (time.sleep(0.2), function(*a, **k)))
        train_sweep(bits, BETAS, range(20), executor=executor, **SMALL)
    assert len(begun) < 20


def test_threads_do_not_lose_the_standard_error():
    """The redirection at the import of a framework is undone by the thread that began it."""
    before = os.fstat(2)
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda _: framework(), range(200)))
    assert os.path.samestat(os.fstat(2), before)


def test_a_global_policy_changes_nothing(small, bits):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        other = train_sweep(bits, BETAS, SEEDS, **SMALL)
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(other.rate, small.rate, rtol=1e-6)


def test_a_member_that_diverges_is_named_and_harms_no_other(bits):
    options = {**SMALL, "learning_rate": 1.0, "epochs": 20, "likelihood": "gaussian", "variance": 1e-20}
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


def test_the_likelihood_goes_with_the_members(bits):
    sweep = train_sweep(bits, [1.0], [0], **SMALL, likelihood="gaussian", variance=0.5)
    vae = VAE(*sweep.member(0, 0), log_likelihood=sweep.log_likelihood)
    vae.compile()
    assert abs(vae.evaluate(bits, verbose=0, return_dict=True)["distortion"] / sweep.distortion[0, 0] - 1) < 0.05


def test_another_kind_of_file_is_named(small, tmp_path):
    write_arrays(tmp_path / "a.npz", {"a": np.zeros(3)}, {"kind": "thing"})
    with pytest.raises(ValueError, match=r"a\.npz holds a thing"):
        SweepResult.load(tmp_path / "a.npz")


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
    ({"learning_rate": True}, ValueError, "^learning_rate"),
    ({"variance": 1e-40, "likelihood": "gaussian"}, ValueError, "^variance"),
    ({"seeds": 5}, ValueError, "^seeds .* list"),
    ({"seeds": [0.5]}, ValueError, "^seeds .* whole"),
    ({"seeds": [-1]}, ValueError, "^seeds"),
    ({"seeds": [1, 1]}, ValueError, "^seeds .* twice"),
    ({"hidden": 0}, ValueError, "^hidden"),
    ({"hidden": 2.5}, ValueError, "^hidden"),
    ({"latent_dim": 0}, ValueError, "^latent_dim"),
    ({"epochs": 0}, ValueError, "^epochs"),
    ({"batch_size": True}, ValueError, "^batch_size"),
    ({"shuffle_seed": -1}, ValueError, "^shuffle_seed"),
    ({"learning_rate": 0.0}, ValueError, "^learning_rate"),
    ({"learning_rate": "fast"}, ValueError, "^learning_rate"),
    ({"likelihood": "laplace"}, ValueError, "^likelihood .* gaussian"),
    ({"variance": 0.0, "likelihood": "gaussian"}, ValueError, "^variance"),
    ({"variance": 0.5}, ValueError, "^variance belongs"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_input_is_named(bits, change, error, message):
    arguments = {"x": bits, "betas": BETAS, "seeds": SEEDS, **SMALL, **change}
    with pytest.raises(error, match=message):
        train_sweep(**arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"seeds": [3, 0, 9]}, "seeds"), ({"betas": [1.0, 2.0, 3.0]}, "betas"), ({"hidden": 5}, "hidden")],
)
def test_a_start_that_does_not_fit_is_refused(small, bits, change, message):
    arguments = {"x": bits, "betas": BETAS, "seeds": SEEDS, **SMALL, **change}
    with pytest.raises(ValueError, match=f"^start .*{message}"):
        train_sweep(start=small, **arguments)


def test_a_cache_that_is_a_file_is_refused(bits, tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(ValueError, match=r"^cache .* folder"):
        train_sweep(bits, BETAS, SEEDS, cache=tmp_path / "a", **SMALL)


def test_a_member_outside_is_refused(small):
    with pytest.raises(IndexError, match="2 betas and 3 seeds"):
        small.member(2, 0)
