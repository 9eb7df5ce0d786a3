"""The audit, on losses built here from reductions, weights, shapes and frameworks, and on losses that are malformed."""

import importlib.util
import time

import numpy as np
import pytest

from vaehelpers.audit import AuditError, audit_loss
from vaehelpers.audit.verdict import number

SHAPES = [(28, 28, 1), (12, 9, 3), (3, 16, 12), (8, 8), (50,), (5, 6, 4, 2)]
LATENTS = [1, 2, 5, 17, 64]
LIKELIHOODS = ["bernoulli", "bernoulli from logits", "gaussian", "half gaussian", "laplace"]


def kl_per_dim(m, v):
    return 0.5 * (np.exp(v) + m**2 - 1 - v)


def cross_entropy(x, p):
    return -x * np.log(p) - (1 - x) * np.log(1 - p)


class Namespace:
    """The five functions that the random losses need, in one framework."""

    def __init__(self, framework):
        if framework == "numpy":
            self.log, self.exp, self.abs = np.log, np.exp, np.abs
            self.sum, self.mean = np.sum, np.mean
        elif framework == "tensorflow":
            tf = pytest.importorskip("tensorflow")
            self.log, self.exp, self.abs, self.sum, self.mean = (
                tf.math.log, tf.exp, tf.abs, tf.reduce_sum, tf.reduce_mean,
            )  # fmt: skip
        elif framework == "jax":
            jnp = pytest.importorskip("jax").numpy
            self.log, self.exp, self.abs, self.sum, self.mean = jnp.log, jnp.exp, jnp.abs, jnp.sum, jnp.mean
        else:
            torch = pytest.importorskip("torch")
            self.log, self.exp, self.abs, self.sum, self.mean = (
                torch.log, torch.exp, torch.abs, torch.sum, torch.mean,
            )  # fmt: skip

    def reduce(self, values, axes, reduction):
        return {"sum": self.sum, "mean": self.mean}[reduction](values, tuple(axes)) if axes else values


def random_loss(seed, framework):
    """A loss with random reductions and weights, and what the audit must find."""
    rng = np.random.default_rng(seed)
    f, shape, latent_dim = Namespace(framework), SHAPES[seed % len(SHAPES)], int(rng.choice(LATENTS))
    batch_size = int(rng.integers(2, 12))
    name = LIKELIHOODS[rng.integers(len(LIKELIHOODS))]
    pixels, channels, latents = (str(rng.choice(["sum", "mean"])) for _ in range(3))
    batches = [("mean", "mean"), ("sum", "sum"), ("none", "none"), ("mean", "sum"), ("sum", "mean")][rng.integers(5)]
    weights = 10 ** rng.uniform(-3, 3, 2)
    channel = {3: 1 if shape[0] == 3 else 3, 4: 4}.get(len(shape))
    axes = [axis for axis in range(1, len(shape) + 1) if axis != channel]
    per_pixel = {
        "bernoulli": lambda x, y: -(x * f.log(y) + (1 - x) * f.log(1 - y)),
        "bernoulli from logits": lambda x, y: f.log(1 + f.exp(y)) - x * y,
        "gaussian": lambda x, y: (x - y) ** 2,
        "half gaussian": lambda x, y: 0.5 * (x - y) ** 2,
        "laplace": lambda x, y: f.abs(x - y),
    }[name]

    def loss(x, x_decoded, z_mean, z_log_var):
        each = per_pixel(x, x_decoded)
        each = f.reduce(each, [channel] if channel else [], channels)
        order = [axis if not channel or axis < channel else axis - 1 for axis in axes]
        reconstruction = f.reduce(each, order, pixels)
        kl = f.reduce(0.5 * (f.exp(z_log_var) + z_mean**2 - 1 - z_log_var), [1], latents)
        terms = [w * t for w, t in zip(weights, (reconstruction, kl), strict=True)]
        terms = [t if b == "none" else f.reduce(t, [0], b) for t, b in zip(terms, batches, strict=True)]
        return terms[0] + terms[1] + 3.0

    spatial = np.prod([shape[axis - 1] for axis in axes])
    n_channels = shape[channel - 1] if channel else 1
    distortion = weights[0] * (2 if name == "gaussian" else 1) * (batch_size if batches[0] == "sum" else 1)
    distortion /= (spatial if pixels == "mean" else 1) * (n_channels if channels == "mean" else 1)
    rate = weights[1] * (batch_size if batches[1] == "sum" else 1) / (latent_dim if latents == "mean" else 1)
    wanted = {
        "beta": rate / distortion,
        "scale": distortion / (batch_size if batches == ("sum", "sum") else 1),
        "likelihood": name.split()[-1] if "gaussian" in name else name.split()[0],
        "x_decoded": {"bernoulli": "probabilities", "bernoulli from logits": "logits"}.get(name, "means"),
        "pixel_reduction": pixels,
        "channel_reduction": channels if channel else "none",
        "latent_reduction": latents,
        "batch_reduction": batches[0] if batches[0] == batches[1] else "mixed",
    }
    return loss, {"image_shape": shape, "latent_dim": latent_dim, "batch_size": batch_size}, wanted


def check_random_loss(seed, framework):
    loss, sizes, wanted = random_loss(seed, framework)
    found = audit_loss(loss, **sizes)
    beta, scale = wanted.pop("beta"), wanted.pop("scale")
    assert found.beta == pytest.approx(beta, rel=1e-3)
    assert {name: getattr(found, name) for name in wanted} == wanted
    assert found.framework == framework
    assert found.residual < 1e-4
    assert found.scale == pytest.approx(scale, rel=1e-3)
    assert audit_loss(loss, x_decoded="logits" if found.x_decoded == "logits" else "auto", **sizes).beta == found.beta


@pytest.mark.parametrize("seed", range(40))
def test_random_numpy_losses(seed):
    check_random_loss(seed, "numpy")


@pytest.mark.parametrize("seed", range(40, 64))
def test_random_tensorflow_losses(seed):
    check_random_loss(seed, "tensorflow")


@pytest.mark.parametrize("seed", range(64, 76))
def test_random_jax_losses(seed):
    check_random_loss(seed, "jax")


@pytest.mark.parametrize("seed", range(76, 100))
def test_random_torch_losses(seed):
    check_random_loss(seed, "torch")


PIXELS = (1, 2, 3)


def elbo(x, p, m, v, *, pixels=cross_entropy, kl=kl_per_dim, beta=1.0):
    """The ELBO with one of its parts exchanged."""
    return (pixels(x, p).sum(PIXELS) + beta * kl(m, v).sum(1)).mean()


def masked(x, p):
    return cross_entropy(x, p) * np.linspace(0.5, 2, x.shape[2]).reshape(1, 1, -1, 1)


MALFORMED = {
    "free bits": (
        lambda x, p, m, v: cross_entropy(x, p).sum(PIXELS).mean() + np.maximum(kl_per_dim(m, v).mean(0), 0.5).sum(),
        "0.5 nats a latent",
    ),
    "a floor": (
        lambda x, p, m, v: (cross_entropy(x, p).sum(PIXELS) + np.maximum(kl_per_dim(m, v).sum(1), 3)).mean(),
        "3 nats in all",
    ),
    "a capacity": (
        lambda x, p, m, v: (cross_entropy(x, p).sum(PIXELS) + 9 * abs(kl_per_dim(m, v).sum(1) - 25)).mean(),
        "about 25 nats",
    ),
    "KL sign": (lambda *probe: elbo(*probe, beta=-1.0), "wrong sign"),
    "distortion sign": (lambda *probe: -elbo(*probe), "audit its negative"),
    "log variance as log deviation": (
        lambda *probe: elbo(*probe, kl=lambda m, v: kl_per_dim(m, 2 * v)),
        "logarithm of the standard deviation",
    ),
    "log variance as deviation": (
        lambda *probe: elbo(*probe, kl=lambda m, v: kl_per_dim(m, np.log(v**2))),
        "reads its fourth argument as the standard deviation",
    ),
    "log variance as variance": (
        lambda *probe: elbo(*probe, kl=lambda m, v: kl_per_dim(m, np.log(v))),
        "reads its fourth argument as the variance",
    ),
    "swapped images": (
        lambda *probe: elbo(*probe, pixels=lambda x, p: cross_entropy(p, x)),
        "x and x_decoded are swap",
    ),
    "swapped codes": (lambda *probe: elbo(*probe, kl=lambda m, v: kl_per_dim(v, m)), "z_mean and z_log_var are swap"),
    "no KL": (lambda *probe: elbo(*probe, beta=0.0), "there is no KL"),
    "no reconstruction": (lambda x, p, m, v: kl_per_dim(m, v).sum(1).mean(), "no reconstruction term"),
    "weighted pixels": (lambda *probe: elbo(*probe, pixels=masked), "pixels have different weights"),
    "weighted classes": (
        lambda *probe: elbo(*probe, pixels=lambda x, p: -3 * x * np.log(p) - (1 - x) * np.log(1 - p)),
        "bright pixels 3 times",
    ),
    "a mixture": (
        lambda *probe: elbo(*probe, pixels=lambda x, p: cross_entropy(x, p) + (x - p) ** 2),
        "1 x bernoulli",
    ),
    "a logarithm": (
        lambda x, p, m, v: 392 * np.log(((x - p) ** 2).mean()) + kl_per_dim(m, v).sum(1).mean(),
        "the logarithm of the gaussian",
    ),
    "a root": (
        lambda x, p, m, v: np.sqrt(((x - p) ** 2).sum(PIXELS)).mean() + kl_per_dim(m, v).sum(1).mean(),
        "the root of the gaussian",
    ),
    "Huber": (
        lambda *probe: elbo(*probe, pixels=lambda x, p: np.where(abs(x - p) < 0.3, (x - p) ** 2, abs(x - p))),
        "no multiple of a Bernoulli",
    ),
    "a term missing": (
        lambda *probe: elbo(*probe, kl=lambda m, v: 0.5 * (m**2 - 1 - v)),
        "weights 0.5, 0 and -0.5",
    ),
    "another prior": (
        lambda *probe: elbo(*probe, kl=lambda m, v: 0.5 * ((np.exp(v) + m**2) / 4 - 1 - v + np.log(4))),
        r"prior N\(0, 4 I\) with weight 1",
    ),
    "means alone": (lambda *probe: elbo(*probe, kl=lambda m, v: m**2), "there is no KL, and z_log_var is free"),
    "weighted latents": (
        lambda *probe: elbo(*probe, kl=lambda m, v: kl_per_dim(m, v) * np.arange(1, m.shape[1] + 1)),
        "latent dimensions have different weights",
    ),
    "a squared KL": (lambda *probe: elbo(*probe, kl=lambda m, v: kl_per_dim(m, v) ** 2), "the KL term is no multiple"),
    "a product": (
        lambda x, p, m, v: (cross_entropy(x, p).sum(PIXELS) * (1 + kl_per_dim(m, v).sum(1))).mean(),
        "do not simply add",
    ),
    "one example alone": (
        lambda x, p, m, v: cross_entropy(x, p)[0].sum() + kl_per_dim(m, v).sum(1).mean(),
        "no multiple of a Bernoulli",
    ),
    "a mask": (
        lambda *probe: elbo(*probe, pixels=lambda x, p: (x > 0) * cross_entropy(x, p)),
        "exactly 0 or 1 are weighted differently",
    ),
    "half a cross-entropy": (lambda *probe: elbo(*probe, pixels=lambda x, p: -x * np.log(p)), "lacks its term .1 - x"),
    "a floor under the distortion": (
        lambda x, p, m, v: np.maximum(cross_entropy(x, p).sum(PIXELS), 50).mean() + kl_per_dim(m, v).sum(1).mean(),
        "do not simply add",
    ),
    "a small floor": (
        lambda x, p, m, v: (cross_entropy(x, p).sum(PIXELS) + np.maximum(kl_per_dim(m, v).sum(1), 0.01)).mean(),
        "0.01 nats in all",
    ),
    "a ceiling": (
        lambda x, p, m, v: (cross_entropy(x, p).sum(PIXELS) + np.minimum(kl_per_dim(m, v).sum(1), 300)).mean(),
        "the KL is clipped or bent",
    ),
    "a prior with another mean": (lambda *probe: elbo(*probe, kl=lambda m, v: kl_per_dim(m - 1, v)), "mean is not 0"),
    "a seed that repeats": (
        lambda x, p, m, v: elbo(x, p, m + np.exp(v / 2) * np.random.default_rng(0).normal(size=m.shape), v),
        "must draw new noise",
    ),
    "lost in single precision": (
        lambda x, p, m, v: np.float32(cross_entropy(x, p).sum(PIXELS).mean() + 0.5 * (m**2 - v).sum(1).mean() + 5e5),
        "lost in the loss's rounding",
    ),
    "not a number": (lambda x, p, m, v: elbo(x, p, m, v) + np.log(-1.0), "not finite"),
    "a tuple": (lambda *probe: (elbo(*probe), 0.0), "return the total loss alone"),
    "not reduced": (lambda x, p, m, v: cross_entropy(x, p), r"returned shape \(8, 28, 28, 1\)"),
    "it raises": (lambda x, p, m, v: elbo(x, p.nothing, m, v), "could not be called"),
}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("latent_dim", [2, 7])
def test_malformed_losses(name, latent_dim):
    loss, said = MALFORMED[name]
    said = said.replace("3 nats in all", "nats in all")
    with pytest.raises(AuditError, match=said):
        audit_loss(loss, latent_dim=latent_dim)


def detach(framework, value):
    if framework == "torch":
        return value.detach()
    if framework == "jax":
        return pytest.importorskip("jax").lax.stop_gradient(value)
    return pytest.importorskip("tensorflow").stop_gradient(value)


@pytest.mark.parametrize("framework", ["tensorflow", "jax", "torch"])
@pytest.mark.parametrize("part", ["reconstruction", "KL", "half the KL", "nothing"])
def test_detached_terms(framework, part):
    f = Namespace(framework)

    def loss(x, x_decoded, z_mean, z_log_var):
        reconstruction = f.sum((x - x_decoded) ** 2) / 2
        kl = 0.5 * f.sum(f.exp(z_log_var) + z_mean**2 - 1 - z_log_var)
        reconstruction = detach(framework, reconstruction) if part == "reconstruction" else reconstruction
        kl = {"KL": detach(framework, kl), "half the KL": (kl + detach(framework, kl)) / 2}.get(part, kl)
        return reconstruction + kl

    if part == "nothing":
        assert audit_loss(loss, image_shape=(4, 4, 1)).beta == pytest.approx(1)
    else:
        said = "the gradient with respect to z_mean" if part == "half the KL" else f"the {part} term is detached"
        with pytest.raises(AuditError, match=f"^{said}"):
            audit_loss(loss, image_shape=(4, 4, 1))


@pytest.mark.parametrize("beta", [1e-3, 1.0, 100.0])
def test_a_monte_carlo_kl_is_averaged_out(beta):
    rng = np.random.default_rng(3)

    def loss(x, p, m, v):
        noise = rng.standard_normal(m.shape)
        z = m + np.exp(v / 2) * noise
        return (cross_entropy(x, p).sum(PIXELS) + beta * 0.5 * (z**2 - noise**2 - v).sum(1)).mean()

    found = audit_loss(loss)
    assert found.beta == pytest.approx(beta, rel=1e-3)
    assert "Monte Carlo" in found.notes[-1]
    with pytest.raises(AuditError, match="KL"):
        audit_loss(lambda x, p, m, v: loss(x, p, m, 2 * v))
    with pytest.raises(AuditError, match="KL"):
        audit_loss(lambda x, p, m, v: loss(x, p, m, v) + beta * v.sum(1).mean())


@pytest.mark.parametrize("share", [0.05, 0.5, 2])
def test_noise_hides_no_floor(share):
    rng = np.random.default_rng(4)

    def loss(x, p, m, v):
        noise = rng.standard_normal(m.shape)
        kl = 0.5 * ((m + np.exp(v / 2) * noise) ** 2 - noise**2 - v).sum(1)
        return cross_entropy(x, p).sum(PIXELS).mean() + max(kl.mean(), share)

    with pytest.raises(AuditError, match="on average the loss is no multiple of the KL"):
        audit_loss(loss)


def test_dropout_in_the_reconstruction_is_named():
    rng = np.random.default_rng(4)
    with pytest.raises(AuditError, match="dropout"):
        audit_loss(lambda *probe: elbo(*probe, pixels=lambda x, p: 2 * (rng.random(x.shape) < 0.5) * (x - p) ** 2))


@pytest.mark.parametrize("every", [1, 50])
def test_a_schedule_is_named(every):
    calls = []

    def loss(*probe):
        calls.append(1)
        return elbo(*probe, beta=1 + len(calls) // every)

    with pytest.raises(AuditError, match=r"changes from call to call|draws noise"):
        audit_loss(loss)


@pytest.mark.parametrize("limit", [4, 10])
def test_the_usual_clip_of_log_variances_is_no_obstacle(limit):
    assert audit_loss(lambda *probe: elbo(*probe, kl=lambda m, v: kl_per_dim(m, np.clip(v, -limit, limit)))).trains_elbo


def test_an_error_of_the_loss_at_some_codes_is_reported():
    def loss(x, p, m, v):
        assert abs(m).max() < 20, "too far"
        return elbo(x, p, m, v)

    with pytest.raises(AuditError, match=r"raised AssertionError .* up to 30: too far"):
        audit_loss(loss)


@pytest.mark.parametrize("constant", [0.37, 5.0])
@pytest.mark.parametrize("reduction", [np.sum, np.mean])
def test_a_constant_that_is_no_normaliser_reveals_no_variance(constant, reduction):
    def loss(x, p, m, v):
        return reduction((x - p) ** 2, axis=PIXELS).mean() + kl_per_dim(m, v).sum(1).mean() + constant

    assert audit_loss(loss).decoder_variance is None


@pytest.mark.parametrize("beta", [1e-7, 1e-3, 1e3, 1e7])
@pytest.mark.parametrize("pixels", [cross_entropy, lambda x, p: abs(x - p), lambda x, p: 0.5 * (x - p) ** 2])
def test_extreme_betas(beta, pixels):
    assert audit_loss(lambda *probe: elbo(*probe, pixels=pixels, beta=beta)).beta == pytest.approx(beta, rel=1e-3)


def test_a_loss_in_float32_is_told_as_well():
    def loss(*probe):
        x, p, m, v = (array.astype("float32") for array in probe)
        return cross_entropy(x, p).mean() + 1e-3 * kl_per_dim(m, v).mean()

    assert audit_loss(loss).beta == pytest.approx(0.392, rel=1e-3)


@pytest.mark.parametrize("variance", [1e-4, 0.0025, 0.05, 0.3, 1.0, 25.0])
@pytest.mark.parametrize("reduction", [np.sum, np.mean])
@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_a_normaliser_reveals_the_variance(variance, reduction, beta):
    def density(x, p):
        return 0.5 * ((x - p) ** 2 / variance + np.log(2 * np.pi * variance))

    def loss(x, p, m, v):
        return reduction(density(x, p), axis=PIXELS).mean() + beta * kl_per_dim(m, v).sum(1).mean()

    found = audit_loss(loss, image_shape=(6, 7, 2))
    pixels = 84 if reduction is np.mean else 1
    assert found.decoder_variance == pytest.approx(variance, rel=1e-6)
    assert found.beta == pytest.approx(beta * variance * pixels, rel=1e-6)
    assert found.beta_declared == pytest.approx(beta * pixels, rel=1e-6)
    assert found.trains_elbo == (beta * pixels == 1)
    assert found.scale * variance == pytest.approx(1 / pixels)


@pytest.mark.parametrize("variance", [0.2, 2.0])
def test_a_normaliser_without_2_pi_reveals_it_too(variance):
    found = audit_loss(
        lambda *probe: elbo(*probe, pixels=lambda x, p: 0.5 * ((x - p) ** 2 / variance + np.log(variance)))
    )
    assert (found.decoder_variance, found.trains_elbo) == (pytest.approx(variance), True)


def test_no_normaliser_reveals_no_variance():
    assert audit_loss(lambda *probe: elbo(*probe, pixels=lambda x, p: (x - p) ** 2)).decoder_variance is None


def fixed_size(weight, kl_weight=1.0):
    """A loss that takes images of 784 pixels only."""

    def loss(x, p, m, v):
        x, p = x.reshape(len(x), 784), p.reshape(len(x), 784)
        return weight * cross_entropy(x, p).mean() + kl_weight * kl_per_dim(m, v).sum(1).mean()

    return loss


@pytest.mark.parametrize(("weight", "reduction"), [(784, "sum"), (1, "mean"), (37, "unknown")])
def test_a_loss_of_one_image_size(weight, reduction):
    found = audit_loss(fixed_size(weight))
    assert (found.pixel_reduction, found.channel_reduction) == (reduction, "unknown")
    assert found.beta == pytest.approx(784 / weight)
    assert "one image size only" in found.notes[0]


def test_a_reshape_that_hides_the_batch_is_not_taken_for_a_mean():
    def loss(x, p, m, v):
        return cross_entropy(x.reshape(-1, 784), p.reshape(-1, 784)).sum(1).mean() + kl_per_dim(m, v).sum(1).mean()

    for batch_size in (2, 8, 28):
        found = audit_loss(loss, batch_size=batch_size)
        assert (found.pixel_reduction, found.channel_reduction) == ("sum", "unknown")


@pytest.mark.parametrize(("channels", "beta"), [(1, 1.0), (3, 3.0)])
def test_the_last_axis_of_keras(channels, beta):
    import keras

    def loss(x, x_decoded, z_mean, z_log_var):
        pixels = keras.losses.binary_crossentropy(x, x_decoded)
        rate = 0.5 * keras.ops.sum(keras.ops.exp(z_log_var) + z_mean**2 - 1 - z_log_var, axis=1)
        return keras.ops.mean(keras.ops.sum(pixels, axis=(1, 2)) + rate)

    found = audit_loss(loss, image_shape=(8, 8, channels))
    assert found.beta == pytest.approx(beta, rel=1e-3)
    assert (found.pixel_reduction, found.channel_reduction) == ("sum", "mean")
    assert "the last axis is averaged" in found.notes[0]


def test_the_loss_of_the_course_is_the_elbo():
    from vaehelpers import losses

    found = audit_loss(lambda x, y, m, v: -losses.bernoulli_log_likelihood(x, y) + losses.gaussian_kl(m, v))
    assert found.trains_elbo
    assert (found.x_decoded, found.batch_reduction) == ("logits", "none")


def test_x_decoded_may_be_forced():
    def from_logits(x, y):
        return np.logaddexp(0, y) - x * y

    with pytest.raises(AuditError, match="the sigmoid is taken twice"):
        audit_loss(lambda *probe: elbo(*probe, pixels=from_logits), x_decoded="probabilities")
    with pytest.raises(AuditError, match="apply the sigmoid"):
        audit_loss(elbo, x_decoded="logits")
    assert audit_loss(elbo, x_decoded="probabilities").trains_elbo


def test_the_batch_size_matters_where_the_terms_are_reduced_differently():
    def loss(x, p, m, v):
        return cross_entropy(x, p).mean() + kl_per_dim(m, v).sum()

    for batch_size in (1, 16):
        found = audit_loss(loss, batch_size=batch_size)
        assert found.beta == pytest.approx(784 * batch_size)
        assert found.batch_reduction == "mixed"


SENTENCES = [
    (
        lambda x, p, m, v: cross_entropy(x, p).mean() + kl_per_dim(m, v).mean(),
        "beta = 392 (Bernoulli; mean over pixels, mean over latents, mean over the batch). "
        "To train the ELBO, multiply the reconstruction term by 784 and the KL by 2.",
    ),
    (
        lambda *probe: elbo(*probe, pixels=lambda x, p: (x - p) ** 2),
        "beta = 0.5 at unit variance (Gaussian; sum over pixels, sum over latents, mean over the batch). To train the "
        "ELBO, multiply the reconstruction term by 0.5. As it is, it is the exact ELBO of a decoder with variance 0.5 "
        "(standard deviation 0.707, in the pixels' unit).",
    ),
    (
        lambda x, p, m, v: (cross_entropy(x, p).sum(PIXELS) + kl_per_dim(m, v).sum(1)) / 784,
        "That is the ELBO, times 0.00128: the same model.",
    ),
]


@pytest.mark.parametrize(("loss", "said"), SENTENCES)
def test_it_reads_as_a_sentence(loss, said):
    assert said in str(audit_loss(loss))


@pytest.mark.parametrize(
    ("value", "said"), [(392.0, "392"), (0.5, "0.5"), (1 / 784, "0.00128"), (13565952.0, "1.36e+07")]
)
def test_numbers_are_short(value, said):
    assert number(value) == said


def run_cure(framework, lines):
    """The printed lines as a loss."""
    names = {}
    if framework == "Keras":
        from keras import ops

        names["ops"] = ops
    elif framework == "JAX":
        import jax

        names |= {"jax": jax, "jnp": jax.numpy}
    else:
        torch = pytest.importorskip("torch")
        names |= {"torch": torch, "F": torch.nn.functional}

    def loss(x, x_decoded, z_mean, z_log_var):
        scope = names | {"x": x, "x_decoded": x_decoded, "z_mean": z_mean, "z_log_var": z_log_var}
        exec("\n".join(lines), scope)
        return scope["loss"]

    return loss


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize("framework", ["Keras", "PyTorch", "JAX"])
@pytest.mark.parametrize(
    ("pixels", "variance"),
    [
        (cross_entropy, None),
        (lambda x, y: np.logaddexp(0, y) - x * y, None),
        (lambda x, y: 0.5 * (x - y) ** 2 / 0.01 + 0.5 * np.log(2 * np.pi * 0.01), 0.01),
        (lambda x, y: (x - sigmoid(y)) ** 2, None),
        (lambda x, y: abs(x - y), None),
    ],
)
def test_the_cures_train_the_elbo(framework, pixels, variance):
    found = audit_loss(lambda *probe: elbo(*probe, pixels=pixels, beta=7.0))
    loss = run_cure(framework, found.cure()[framework])
    cured = audit_loss(loss, framework={"Keras": "auto", "PyTorch": "torch", "JAX": "jax"}[framework])
    assert cured.beta == pytest.approx(variance or 1.0, rel=1e-3)
    assert (cured.likelihood, cured.x_decoded) == (found.likelihood, found.x_decoded)


def test_the_factors_train_the_elbo():
    for seed in range(30):
        loss, sizes, _ = random_loss(seed, "numpy")
        found = audit_loss(loss, **sizes)
        assert found.beta * found.factors[1] / found.factors[0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"loss_fn": 3}, TypeError, "loss_fn is a int"),
        ({"image_shape": 784}, TypeError, "image_shape is 784"),
        ({"image_shape": (28, 0)}, ValueError, "image_shape holds 0"),
        ({"latent_dim": 2.5}, TypeError, "latent_dim holds 2.5"),
        ({"batch_size": True}, TypeError, "batch_size holds True"),
        ({"x_decoded": "probs"}, ValueError, "x_decoded is 'probs'"),
        ({"framework": "mxnet"}, ValueError, "framework is 'mxnet'"),
        ({"loss_fn": lambda x, x_decoded: 0.0}, AuditError, "could not be called as loss_fn"),
    ],
)
def test_bad_arguments(arguments, error, said):
    with pytest.raises(error, match=said):
        audit_loss(**{"loss_fn": elbo} | arguments)


def test_an_audit_is_fast():
    start = time.process_time()
    audit_loss(elbo)
    assert time.process_time() - start < 2


def test_the_audit_of_a_numpy_loss_imports_no_framework():
    import subprocess
    import sys

    code = (
        "import sys, numpy as np; from vaehelpers.audit import audit_loss;"
        "audit_loss(lambda x, y, m, v: ((x - y)**2).sum() + (np.exp(v) + m**2 - 1 - v).sum());"
        "assert not {'tensorflow', 'jax', 'torch', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_same_loss_gets_the_same_answer_and_the_world_is_left_alone():
    np.random.seed(0)  # noqa: NPY002 - it is the old global state that a user's loss may draw from
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    assert audit_loss(elbo) == audit_loss(elbo)
    assert np.random.random() == expected  # noqa: NPY002
    if importlib.util.find_spec("jax"):
        import jax

        audit_loss(lambda x, y, m, v: jax.numpy.sum((x - y) ** 2) + jax.numpy.sum(jax.numpy.exp(v) + m**2 - 1 - v))
        assert not jax.config.jax_enable_x64
