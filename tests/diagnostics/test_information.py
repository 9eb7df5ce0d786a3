"""Mutual information of codes against channels and clusters whose information is known."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from vaehelpers.diagnostics import information, mutual_information


@pytest.mark.parametrize("z_log_var", [2.0, 0.0, -80.0])
def test_k_separate_codes_are_log_k_however_narrow(z_log_var):
    codes = 1e3 * np.repeat(np.arange(5.0), 40)[:, None] + np.pi
    found = mutual_information(codes, np.full(codes.shape, z_log_var))
    assert found == pytest.approx(np.log(5), abs=1e-9)


def test_equal_codes_say_nothing_and_distinct_ones_no_more_than_log_n():
    rng = np.random.default_rng(0)
    z_mean, z_log_var = np.full([300, 3], 0.7), np.full([300, 3], -3.0)
    assert abs(mutual_information(z_mean, z_log_var)) < 1e-12
    narrow = mutual_information(rng.normal(size=[300, 3]), np.full([300, 3], -60.0))
    assert narrow == pytest.approx(np.log(300))
    assert mutual_information(rng.normal(size=[300, 3]), z_log_var) < np.log(300)
    assert mutual_information(z_mean[:1], z_log_var[:1]) == 0


@pytest.mark.parametrize("variance", [9.0, 1.0, 0.01])
def test_a_linear_gaussian_code_has_the_channel_capacity(variance):
    """1/2 log(1 + 1/s2); one image's term deviates by the correlation of x and z."""
    x = np.random.default_rng(1).normal(size=[4000, 1])
    found = mutual_information(x, np.full(x.shape, np.log(variance)))
    error = np.sqrt(1 / (1 + variance) / 4000)
    assert abs(found - 0.5 * np.log(1 + 1 / variance)) < 4 * error


def test_the_order_of_the_dimensions_and_the_chunks_do_not_matter(monkeypatch):
    rng = np.random.default_rng(2)
    z_mean, z_log_var = rng.normal(size=[1000, 3]), rng.normal(size=[1000, 3]) - 1
    whole = mutual_information(z_mean, z_log_var)
    turned = mutual_information(z_mean[:, ::-1], z_log_var[:, ::-1])
    assert abs(whole - turned) < 4 * np.sqrt(2 * 3 / 1000)  # a dimension's term varies by 1 or so
    monkeypatch.setattr(information, "VALUES_AT_ONCE", 7000)
    assert mutual_information(z_mean, z_log_var) == pytest.approx(whole, rel=1e-12)


def test_the_rate_is_the_information_and_the_aggregates_distance_from_the_prior():
    """Five codes in one dimension, each repeated; the aggregate posterior's KL by quadrature."""
    mean, std = np.array([-2.0, -0.5, 0.0, 0.4, 3.0]), np.array([0.3, 1.0, 0.5, 0.1, 2.0])

    def integrand(z):
        log_q = special.logsumexp(stats.norm.logpdf(z, mean, std)) - np.log(5)
        return np.exp(log_q) * (log_q - stats.norm.logpdf(z))

    distance = integrate.quad(integrand, -15, 20, points=[*mean], limit=500)[0]
    rate = np.mean(0.5 * (std**2 + mean**2 - 1) - np.log(std))
    z_mean, z_log_var = (np.tile(values, 200)[:, None] for values in (mean, 2 * np.log(std)))
    found = [mutual_information(z_mean, z_log_var, n_samples=10, seed=seed) for seed in range(8)]
    assert abs(np.mean(found) - (rate - distance)) < 4 * stats.sem(found) + 1e-3
    assert stats.sem(found) < 0.01


@pytest.mark.parametrize(
    ("n_samples", "error"), [(0, ValueError), (1.5, TypeError), ("2", TypeError), (True, TypeError)]
)
def test_a_number_of_samples_that_is_not_whole_is_named(n_samples, error):
    """The codes are checked as those of `factor_information`, beside which bad ones are tried."""
    with pytest.raises(error, match=r"^n_samples is .*: pass a whole number of at least 1"):
        mutual_information(np.zeros([3, 2]), np.zeros([3, 2]), n_samples)


@pytest.mark.parametrize(
    ("z_mean", "z_log_var", "said"),
    [(np.zeros(3), np.zeros(3), "z_mean"), (np.zeros([3, 2]), np.full([3, 2], 1500.0), "z_log_v")],
)
def test_codes_that_do_not_fit_are_named(z_mean, z_log_var, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        mutual_information(z_mean, z_log_var)


def test_the_widest_and_the_narrowest_codes_are_told_apart():
    z_log_var = np.repeat([[-300.0], [300.0]], 100, axis=0)
    assert mutual_information(np.zeros([200, 1]), z_log_var) == pytest.approx(np.log(2))
