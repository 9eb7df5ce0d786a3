"""What a loss is, in words, where it is not a multiple of a distortion plus a multiple of the KL."""

import numpy as np

from vaehelpers.audit import between_examples, values_apart
from vaehelpers.audit.probes import at_the_prior, probe_at, random_codes, random_images
from vaehelpers.audit.terms import LIKELIHOODS, Likelihood, kl

WITHIN = 1e-4
N_PROBES = 14


def explains(features, values):
    """The coefficients of `values` on the columns of `features` and a constant, or `None` where they do not fit."""
    columns = np.column_stack([*features, np.ones(len(values))])
    if not np.isfinite(columns).all() or not np.isfinite(values).all():
        return None
    scales = np.abs(columns).max(axis=0)
    coefficients = np.linalg.lstsq(columns / scales, values, rcond=None)[0]
    misfit = np.abs(columns / scales @ coefficients - values).max()
    return (coefficients / scales)[:-1] if misfit <= WITHIN * np.ptp(values) else None


def of_the_reconstruction(prober):
    """Why the loss is no multiple of a distortion that the audit knows; a sentence."""
    images = [random_images(prober.sizes, prober.rng, grey=True) for _ in range(N_PROBES)]
    values = np.array([prober.value(pair, prober.still) for pair in images])
    if not np.isfinite(values).all():
        return "the loss is not finite for pixels and decoder outputs in (0.05, 0.95)"
    if np.ptp(values) <= 1e-9 * np.abs(values).max():
        return "the loss ignores x and x_decoded: it has no reconstruction term"
    for likelihood in LIKELIHOODS:
        if explains([[likelihood.distortion(probe_at(pair, (None, None))) for pair in images]], values) is not None:
            return "pixels that are exactly 0 or 1 are weighted differently from grey ones (a mask?): no single beta"
    return next(filter(None, (find(images, values) for find in RECONSTRUCTIONS)), None) or (
        values_apart.of_the_reconstruction(prober)
        or between_examples.of_the_images(prober, images[0])
        or "the reconstruction term is no multiple of a Bernoulli, Gaussian or Laplace distortion"
    )


def _swapped(images, values):
    for likelihood in LIKELIHOODS:
        distortions = [likelihood.distortion(probe_at(pair[::-1], (None, None))) for pair in images]
        if explains([distortions], values) is not None:
            return (
                f"x and x_decoded are swapped in the {likelihood.name} reconstruction term: "
                "the image is the target, the decoder's output the prediction"
            )


def _positive_weight(images, values):
    for from_logits in (False, True):
        means = [(x, Likelihood("bernoulli", from_logits).mean(x_decoded)) for x, x_decoded in images]
        sides = [[-(x * np.log(p)).sum() for x, p in means], [-((1 - x) * np.log1p(-p)).sum() for x, p in means]]
        found = explains(sides, values)
        if found is not None:
            missing = np.abs(found) < 1e-6 * np.abs(found).max()
            if missing.any():
                return f"the cross-entropy lacks its term {'(1 - x) log(1 - p)' if missing[1] else 'x log(p)'}"
            ratio = found[0] / found[1]
            return f"the cross-entropy weights bright pixels {ratio:.3g} times as much as dark ones: no likelihood"


def _mixture(images, values):
    for from_logits in (False, True):
        family = [likelihood for likelihood in LIKELIHOODS if likelihood.from_logits == from_logits]
        features = [[likelihood.distortion(probe_at(pair, (None, None))) for pair in images] for likelihood in family]
        found = explains(features, values)
        if found is not None:
            parts = [
                f"{weight:.3g} x {likelihood.name}"
                for weight, likelihood in zip(found, family, strict=True)
                if abs(weight) > 1e-6 * np.abs(found).max()
            ]
            return f"the reconstruction term is a mixture, {' + '.join(parts)}: no single likelihood, no single beta"


def _curved(images, values):
    for likelihood in LIKELIHOODS:
        each = [likelihood.per_pixel(probe_at(pair, (None, None))) for pair in images]
        axes = tuple(range(1, each[0].ndim))
        shapes = {
            "the root of": [[np.sqrt(d.sum(axes)).mean() for d in each], [np.sqrt(d.sum()) for d in each]],
            "the logarithm of": [[np.log(d.sum(axes)).mean() for d in each], [np.log(d.sum()) for d in each]],
        }
        for name, features in shapes.items():
            if any(explains([feature], values) is not None for feature in features):
                return (
                    f"the reconstruction term is {name} the {likelihood.name} distortion: "
                    "its weight, and with it beta, depends on how well the model reconstructs"
                )


def _through_another_function(images, values):
    for name, function, inverse in FUNCTIONS:
        for likelihood in LIKELIHOODS[:3]:
            distortions = [likelihood.distortion(probe_at((x, function(y)), (None, None))) for x, y in images]
            found = explains([distortions], values)
            if found is not None:
                return (
                    f"the loss takes {name} of x_decoded before the {likelihood.name} distortion (weight "
                    f"{found[0]:.3g}): audit it as a function of what comes out, lambda x, x_decoded, m, v: "
                    f"loss(x, {inverse}, m, v)"
                )


FUNCTIONS = (
    ("the tanh", np.tanh, "arctanh(x_decoded)"),
    ("the exponential", np.exp, "log(x_decoded)"),
    ("the softplus", lambda y: np.logaddexp(0, y), "log(expm1(x_decoded))"),
)
RECONSTRUCTIONS = (_swapped, _positive_weight, _mixture, _curved, _through_another_function)


def of_the_kl(prober, images):
    """Why the loss is no positive multiple of the KL to N(0, I); a sentence."""
    measure, sizes, rng = prober.value, prober.sizes, prober.rng
    codes = [random_codes(sizes, scale, rng) for scale in np.geomspace(0.3, 3, N_PROBES)]
    values = np.array([measure(images, code) for code in codes])
    if not np.isfinite(values).all():
        codes = [(z_mean, np.abs(z_log_var) + 0.1) for z_mean, z_log_var in codes]
        values = np.array([measure(images, code) for code in codes])
    if not np.isfinite(values).all():
        return "the loss is not finite for z_mean in (-9, 9) and z_log_var in (-3, 2)"
    for reading, sentence in READINGS:
        with np.errstate(all="ignore"):
            features = [reading(*code) for code in codes]
        if explains([features], values) is not None:
            return sentence
    return (
        _path(measure, images, sizes)
        or _terms(codes, values)
        or between_examples.of_the_codes(prober, images)
        or _weighted_latents(measure, images, sizes)
    )


def _kl_to_standard_normal(z_mean, variance):
    return 0.5 * (variance + z_mean**2 - 1 - np.log(variance)).sum() / len(z_mean)


READINGS = (
    (lambda m, v: kl(v, m), "z_mean and z_log_var are swapped in the KL term"),
    (
        lambda m, v: kl(m, 2 * v),
        "the KL reads its fourth argument as the logarithm of the standard deviation, not of the variance; where the "
        "encoder means it so, say order='x,x_decoded,z_mean,z_log_std'",
    ),
    (
        lambda m, v: _kl_to_standard_normal(m, v**2),
        "the KL reads its fourth argument as the standard deviation, not as a log variance; where the encoder means "
        "it so, say order='x,x_decoded,z_mean,z_std'",
    ),
    (
        lambda m, v: _kl_to_standard_normal(m, v),
        "the KL reads its fourth argument as the variance, not as its logarithm; where the encoder means it so, say "
        "order='x,x_decoded,z_mean,z_var'",
    ),
)


def _terms(codes, values):
    """The KL's three terms, each with a weight of its own, and the mean, which enters where the prior's is not 0."""
    terms = (lambda m, v: m**2, lambda m, v: np.exp(v), lambda m, v: v, lambda m, v: m)
    found = explains([[term(m, v).sum() / len(m) for m, v in codes] for term in terms], values)
    if found is None:
        return None
    square, variance, log_variance, mean = np.where(np.abs(found) < 1e-4 * np.abs(found).max(), 0.0, found)
    if mean != 0:
        return f"z_mean itself enters with weight {mean:.3g}: the prior's mean is not 0, and it is not N(0, I)"
    a_kl = np.allclose(found[:3], square * np.array([1, 1, -1]), rtol=1e-3)
    if a_kl and square > 0:
        return "the KL is clipped or bent: right for middling codes, and another one near the prior or far from it"
    if a_kl:
        return "the KL enters with the wrong sign: training would increase it; add it to the distortion"
    if square > 0 and np.isclose(square, variance, rtol=1e-3) and log_variance < 0:
        return (
            f"the KL is taken to the prior N(0, {-log_variance / square:.3g} I) with weight {-2 * log_variance:.3g}, "
            "not to N(0, I): a rescaled prior trains the same model, but its beta is not read off here"
        )
    if variance == 0 and log_variance == 0:
        return "only z_mean squared is penalised: there is no KL, and z_log_var is free"
    return (
        "the KL is wrong: z_mean^2, exp(z_log_var) and z_log_var enter with the weights "
        f"{square:.3g}, {variance:.3g} and {log_variance:.3g}, which should be c, c and -c with c > 0"
    )


def _path(measure, images, sizes):
    """Free bits and capacities, seen along means that grow together."""
    grid = np.geomspace(1e-4, 300, 48)
    values, mirrored = (
        np.array([measure(images, _equal_means(sizes, nats, sign)) for nats in grid]) for sign in (1, -1)
    )
    if not np.allclose(values, mirrored, rtol=1e-6):
        return None
    steps = np.diff(values) / np.diff(grid)
    slope = steps[-1]
    rise = values[-1] - values[0]
    if np.ptp(values) <= 1e-9 * np.abs(values).max():
        return (
            f"the KL is free up to {grid[-1]:.0f} nats a latent dimension at least (free bits on another scale, where "
            "the KL was divided by something first?): no single beta"
        )
    if slope > 0 and (steps < -1e-3 * slope).any():
        capacity = (grid[-1] - rise / slope) / 2 * sizes.latent_dim
        return (
            f"the KL is drawn to a capacity: the loss falls until the KL is about {capacity:.3g} nats "
            "and rises after: no single beta"
        )
    if slope > 0 and np.ptp(values[:4]) <= 1e-9 * rise and np.isclose(steps[-2], slope, rtol=1e-3):
        free = grid[-1] - rise / slope
        return (
            f"the KL is free at first: the loss does not change until it is about {free:.3g} nats a latent dimension, "
            f"{free * sizes.latent_dim:.3g} nats in all (free bits or a floor): no single beta"
        )
    return None


def _equal_means(sizes, nats, sign):
    shape = (sizes.batch, sizes.latent_dim)
    return np.full(shape, sign * np.sqrt(2 * nats)), np.full(shape, 1e-6)


def _weighted_latents(measure, images, sizes):
    shape = (sizes.batch, sizes.latent_dim)
    changes = []
    before = measure(images, at_the_prior(sizes))
    for j in range(sizes.latent_dim):
        z_mean = np.zeros(shape)
        z_log_var = np.full(shape, 1e-6)
        z_mean[:, j] = 2.0
        changes.append(measure(images, (z_mean, z_log_var)) - before)
    mirrored = measure(images, (-z_mean, z_log_var)) - before
    if np.ptp(changes) > 1e-2 * np.abs(changes).max() and np.isclose(mirrored, changes[-1], rtol=1e-6):
        return "latent dimensions have different weights in the KL: no single beta"
    return (
        "the KL term is no multiple of KL(N(z_mean, exp(z_log_var)) || N(0, I)); a Monte Carlo KL must draw new noise "
        "at every call, so that it can be averaged out"
    )
