"""A weight at which no code pays on the images at hand: three demands, each of them explicit."""

import numpy as np

SCALES = np.geomspace(1e-3, 1e2, 500)  # of l, in units of the most that one image saves
SHARES = (1e-3, 1 - 1e-3)  # between which tau is sought
LOG_SPLITS = (1e-4, 50.0)  # and log M; the demands cross in between, for any images


def proved_weight(steepest, saved):
    """The least weight for which `S(w) <= weight KL(w || uniform)` is proved for all w.

    w are weights of the n images, S(w) is what a code may save that leaves the images with them.
    `steepest` is such that `S <= steepest chi^2`, `saved` `[n]` is S at each single image. Choose
    a split M > 1 and a share tau < 1, and let t be w's share above M times the uniform, which by
    its definition is on at most t / M of the images. Three demands prove a weight:

    - far: where `KL >= K = kl(tau || tau / M)`, `S <= sum w_i saved_i <= l (KL + L)` for any l > 0,
      `L = log mean exp(saved / l)` (S is convex; Donsker and Varadhan). So `l (1 + L / K)` will do.
    - near: where KL is below K, t is below tau, for `kl(t || t / M) <= KL` grows with t. What is
      not above, made to sum to 1, is at most `m = M / (1 - tau)` times the uniform, where `chi^2 <=
      c(m) KL`, so the weight has to be at least `b = steepest c(m)`.
    - above: the share itself saves at most `t max(saved)`, and the split of KL leaves `weight
      kl(t || t / M) >= t max(saved) + (1 - t) b (-log(1 - t / M))` to be shown. As kl is convex in
      t and `-(1 - t) log(1 - t / M) <= t / M`, the slopes at t = 0 decide for all t:
      `weight (log M - 1 + 1 / M) >= max(saved) + b / M`.

    Whatever M, tau and l are, the largest demand is proved: they are searched for the smallest one,
    and no search can make it wrong. If no image may weigh more than M = n, no share is above.
    """
    from scipy.optimize import brentq, minimize_scalar

    given = steepest, saved.max(), _far(saved)

    def excess(log_split, tau):
        near, *others = demands(np.exp(log_split), tau, *given)
        return np.log(near / max(others))

    def least(tau):
        split = np.exp(brentq(excess, *LOG_SPLITS, args=(tau,)))
        return max(demands(split, tau, *given))

    found = minimize_scalar(least, bounds=SHARES, method="bounded", options={"xatol": 1e-6})
    return min(found.fun, steepest * chi2_over_kl(len(saved)))


def demands(split, tau, steepest, most_saved, far):
    """Near, above and far: a weight that is at least all three is proved."""
    near = steepest * chi2_over_kl(split / (1 - tau))
    above = (most_saved + near / split) / (np.log(split) - 1 + 1 / split)
    least_kl = tau * np.log(split) + (1 - tau) * np.log((1 - tau) / (1 - tau / split))
    return near, above, far(least_kl)


def chi2_over_kl(m):
    """c(m), the largest chi^2 / KL of weights that are at most m times the uniform, m > 1."""
    return (m - 1) ** 2 / (m * np.log(m) - m + 1)


def _far(saved):
    """From K to the weight that is proved where KL >= K, by the best l of a grid: each is valid."""
    most = saved.max()
    scales = most * SCALES
    beyond = [np.log(np.exp((saved - most) / scale).mean()) for scale in scales]
    bounds = 1 / SCALES + beyond
    return lambda least_kl: (scales * (1 + bounds / least_kl)).min()
