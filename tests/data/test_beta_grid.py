"""The stored networks: what is told of them holds, Keras draws the same, damage is named."""

import json

import numpy as np
import pytest
from scipy.special import expit

from vaehelpers import collapse, data, losses
from vaehelpers.data import beta_grid
from vaehelpers.models import build_mlp


@pytest.fixture(scope="module")
def grid():
    return data.load_beta_grid()


def test_the_betas_are_those_that_are_talked_about(grid):
    threshold = grid.threshold["bernoulli"]
    assert len(grid.betas) == 16 and {0.5, 1.0, 392.0, 784.0} <= set(grid.betas)
    assert (np.diff(grid.betas) > 0).all()
    near = grid.betas / threshold
    assert np.isclose(near, 0.7, atol=1e-3).any() and np.isclose(near, 1.4, atol=1e-3).any()
    assert not ((near > 0.701) & (near < 1.399)).any()


def test_a_higher_beta_buys_less_rate_and_more_distortion(grid):
    """Distortion from 4 on: below, single networks of two seeds differ by up to 5 nats."""
    alive = grid.betas < grid.threshold["bernoulli"]
    assert (np.diff(grid.rate[alive]) < 0).all()
    assert (np.diff(grid.distortion[alive & (grid.betas >= 4)]) > 0).all()
    assert (grid.rate[alive] > 0.1).all() and (grid.rate[~alive] < 1e-3).all()
    assert np.ptp(grid.distortion[~alive]) < 0.1


def test_what_is_stored_fits_together(grid, digits):
    """Rate from the codes, distortion from the decoder, on other digits than the stored ones'."""
    i = int(np.flatnonzero(grid.betas == 1)[0])
    z_mean, z_log_var = grid.z_mean[i].astype("float32"), grid.z_log_var[i].astype("float32")
    noise = np.random.default_rng(0).standard_normal(z_mean.shape, "float32")
    z = z_mean + np.exp(z_log_var / 2) * noise
    p = np.clip(grid.decode(i, z), 1e-7, 1 - 1e-7)
    x = digits.x_test
    error = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=(1, 2, 3))
    rate = np.asarray(losses.gaussian_kl(z_mean, z_log_var))
    for measured, stored in ((error, grid.distortion[i]), (rate, grid.rate[i])):
        assert abs(measured.mean() - stored) < 4 * measured.std() / np.sqrt(len(x))


def test_the_thresholds_are_those_of_mnist(grid, full_mnist):
    """Of all 60,000 digits, for 59,000 of them."""
    found = collapse.collapse_threshold(full_mnist.x_train)
    assert found == pytest.approx(grid.threshold["bernoulli"], rel=0.01)
    found = collapse.no_code_pays_above(full_mnist.x_train, threshold=found)
    assert found == pytest.approx(grid.no_code_above["bernoulli"], rel=0.01)


def test_the_question_s_own_weight_is_decided(grid):
    weights = {"threshold": grid.threshold, "no_code_above": grid.no_code_above}
    limits = {name: weight["bernoulli"] for name, weight in weights.items()}
    assert "no code of any size pays" in collapse.collapse_at(392, **limits)
    assert limits["no_code_above"] == pytest.approx(291.67, abs=0.01)


def test_keras_draws_the_same_from_the_same_weights(grid):
    _, decoder = build_mlp((28, 28, 1), 128, 2)
    z = np.random.default_rng(0).normal(size=(50, 2)).astype("float32")
    for i in (0, 3, 11):
        weights = [grid.decoders[name][i].astype("float32") for name in beta_grid.DECODER]
        decoder.set_weights(weights)
        logits = np.asarray(decoder(z))
        assert np.abs(expit(logits) - grid.decode(i, z)).max() < 1e-5


def test_codes_of_another_shape_are_named(grid):
    with pytest.raises(ValueError, match=r"z has shape \(2,\): pass codes \[N, 2\]"):
        grid.decode(0, [0.0, 0.0])


def test_a_damaged_or_missing_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(beta_grid, "data_folder", lambda: tmp_path)
    with pytest.raises(FileNotFoundError, match="git checkout data"):
        data.load_beta_grid()
    (tmp_path / "pretrained").mkdir()
    (tmp_path / "pretrained" / "beta_grid.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match="truncated or altered"):
        data.load_beta_grid()


def test_it_says_how_it_was_trained(grid):
    assert repr(grid) == "BetaGrid: 16 trained decoders, beta 0.1 to 784, of MNIST"
    assert {"seed", "phases", "n_train", "date", "versions"} <= set(grid.about)
    assert grid.about["n_train"] == 59_000 and json.dumps(grid.about)
