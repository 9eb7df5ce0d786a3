"""What the tests of the audit share: the ELBO with parts exchanged, random losses, and checks."""

import numpy as np
import pytest

from vaehelpers.audit import AuditError, audit_loss

PIXELS = (1, 2, 3)
SMALL = {"image_shape": (6, 5, 1), "latent_dim": 3}
SHAPES = [(28, 28, 1), (12, 9, 3), (3, 16, 12), (8, 8), (50,), (5, 6, 4, 2)]
LATENTS = [1, 2, 5, 17, 64]
PER_PIXEL = {  # in any framework, by its log, exp and abs
    "bernoulli": lambda f, x, y: -(x * f.log(y) + (1 - x) * f.log(1 - y)),
    "bernoulli from logits": lambda f, x, y: f.log(1 + f.exp(y)) - x * y,
    "gaussian": lambda f, x, y: (x - y) ** 2,
    "half gaussian": lambda f, x, y: 0.5 * (x - y) ** 2,
    "laplace": lambda f, x, y: f.abs(x - y),
}
BATCHES = [("mean", "mean"), ("sum", "sum"), ("none", "none"), ("mean", "sum"), ("sum", "mean")]


def kl_per_dim(m, v):
    return 0.5 * (np.exp(v) + m**2 - 1 - v)


def kl(m, v):
    return kl_per_dim(m, v).sum(1).mean()


def cross_entropy(x, p):
    return -x * np.log(p) - (1 - x) * np.log(1 - p)


def bce(x, p):
    return cross_entropy(x, p).sum(PIXELS).mean()


def log_softmax(y):
    return y - np.log(np.exp(y).sum(-1, keepdims=True))


def from_logits(x, y):
    return np.logaddexp(0, y) - x * y


def squares(x, y):
    return 0.5 * (x - y) ** 2


def l1(x, y):
    return abs(x - y)


def elbo(x, p, m, v, *, pixels=cross_entropy, kl=kl_per_dim, beta=1.0):
    """The ELBO with one of its parts exchanged."""
    return (pixels(x, p).sum(PIXELS) + beta * kl(m, v).sum(1)).mean()


def elbo_with(**parts):
    """The same as a function of four arguments without names."""
    return lambda *probe: elbo(*probe, **parts)


def trains(beta, loss, /, rel=1e-6, audit=audit_loss, **options):
    """The audit of a loss, which finds this beta."""
    found = audit(loss, **options)
    assert found.beta == pytest.approx(beta, rel=rel)
    return found


def holds(found, /, **fields):
    """An audit found just that."""
    assert {name: getattr(found, name) for name in fields} == fields


def refused(said, loss, /, audit=audit_loss, **options):
    """The audit's error for a loss: one line that says so."""
    with pytest.raises(AuditError, match=said) as raised:
        audit(loss, **options)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def namespace(framework):
    """Where a framework has NumPy's functions under NumPy's names; skips where it is missing."""
    if framework == "numpy":
        return np
    module = pytest.importorskip(framework)
    if framework == "torch":
        return module
    return module.numpy if framework == "jax" else module.experimental.numpy


def random_loss(seed, framework):
    """A loss with random reductions and weights, and what the audit must find."""
    rng = np.random.default_rng(seed)
    f = namespace(framework)
    shape = SHAPES[seed % len(SHAPES)]
    latent_dim = int(rng.choice(LATENTS))
    batch_size = int(rng.integers(2, 12))
    name = list(PER_PIXEL)[rng.integers(len(PER_PIXEL))]
    pixels, channels, latents = (str(rng.choice(["sum", "mean"])) for _ in range(3))
    batches = BATCHES[rng.integers(len(BATCHES))]
    weights = 10 ** rng.uniform(-3, 3, 2)
    channel = {3: 1 if shape[0] == 3 else 3, 4: 4}.get(len(shape))
    axes = [axis for axis in range(1, len(shape) + 1) if axis != channel]

    def reduced(values, axes, reduction):
        return (
            getattr(f, reduction)(values, tuple(axes)) if axes and reduction != "none" else values
        )

    def loss(x, x_decoded, z_mean, z_log_var):
        each = reduced(PER_PIXEL[name](f, x, x_decoded), [channel] if channel else [], channels)
        order = [axis if not channel or axis < channel else axis - 1 for axis in axes]
        kl = reduced(0.5 * (f.exp(z_log_var) + z_mean**2 - 1 - z_log_var), [1], latents)
        terms = zip(weights, (reduced(each, order, pixels), kl), batches, strict=True)
        return sum(reduced(weight * term, [0], batch) for weight, term, batch in terms) + 3.0

    spatial = np.prod([shape[axis - 1] for axis in axes])
    n_channels = shape[channel - 1] if channel else 1
    summed = [batch_size if batch == "sum" else 1 for batch in batches]
    distortion = weights[0] * (2 if name == "gaussian" else 1) * summed[0]
    distortion /= (spatial if pixels == "mean" else 1) * (n_channels if channels == "mean" else 1)
    rate = weights[1] * summed[1] / (latent_dim if latents == "mean" else 1)
    reads = {"bernoulli": "probabilities", "bernoulli from logits": "logits"}
    wanted = {
        "beta": rate / distortion,
        "scale": distortion / (batch_size if batches == ("sum", "sum") else 1),
        "likelihood": name.split()[-1] if "gaussian" in name else name.split()[0],
        "x_decoded": reads.get(name, "means"),
        "pixel_reduction": pixels,
        "channel_reduction": channels if channel else "none",
        "latent_reduction": latents,
        "batch_reduction": batches[0] if batches[0] == batches[1] else "mixed",
    }
    return loss, {"image_shape": shape, "latent_dim": latent_dim, "batch_size": batch_size}, wanted
