"""One look at a trained VAE: is it collapsed, does its beta explain it, and what is the code worth."""

from dataclasses import dataclass

import numpy as np

from vaehelpers.audit import AuditError, audit_loss
from vaehelpers.collapse import collapse_threshold, no_code_pays_above
from vaehelpers.data.likelihoods import known_likelihood
from vaehelpers.diagnostics import findings as words
from vaehelpers.diagnostics.anybody import read_model
from vaehelpers.diagnostics.causes import about_causes
from vaehelpers.diagnostics.densities import WIDEST
from vaehelpers.diagnostics.evaluation import Evaluation, evaluate
from vaehelpers.diagnostics.information import MOST_IMAGES, mutual_information

SHOWN = 10  # images in the figure
FEW = 300  # images: with fewer, sampling noise raises the threshold and the best constant image is fitted to them
ROWS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis:
    """What `diagnose` found; it shows itself as its findings, `plots.plot_diagnosis` draws it.

    Attributes:
        findings: sentences, the most important first.
        evaluation: the `Evaluation`.
        beta: the weight of the rate that the objective trains (of a Gaussian, at unit variance), `None` where untold.
        threshold: the data's `collapse_threshold` (of a Gaussian, at unit variance), `None` where there is none.
        no_code_above: the data's `no_code_pays_above`, likewise.
        mutual_information: of the codes and the first 10,000 images, nats; nan for z_log_var beyond ±300 or not finite.
        images, reconstructions, samples: `[10, ...]`, or as many as there are images: the first ones, the decoder's
            output at their z_mean, and at draws from the prior, in [0, 1]: of logits the sigmoid, means clipped.

    Example:
        >>> Diagnosis(("Alive.", "It trains the ELBO: beta = 1."), None, 1.0, None, None, 0.0, *np.zeros([3, 1, 2, 2]))
        Alive.
        It trains the ELBO: beta = 1.
    """

    findings: tuple[str, ...]
    evaluation: Evaluation
    beta: float | None
    threshold: float | None
    no_code_above: float | None
    mutual_information: float
    images: np.ndarray
    reconstructions: np.ndarray
    samples: np.ndarray

    def __str__(self):
        return "\n".join(self.findings)

    __repr__ = __str__


def diagnose(vae, x, seed=0):
    """Look at a VAE and images: the beta that it trains, the data's threshold, its rate and what that is made of.

    Args:
        vae: a `models.VAE`, trained; its likelihood and objective are audited as they are now. Or any Keras model with
            an encoder, of two or three outputs, and a decoder: the audit of its own loss, as it is compiled, tells its
            likelihood; without that, outputs all in [0, 1] are read as a Bernoulli's probabilities, which is said.
        x: images `[N, ...]`, an array. The threshold is that of these images, and needs at least 300.
        seed: of the posterior samples and of the samples from the prior.

    Returns:
        A `Diagnosis`. What cannot be told of a model is a finding, too.

    Raises:
        TypeError, ValueError: as `evaluate`.

    Source: `audit.audit_loss`, `collapse.collapse_threshold` and `mutual_information`, each with its own.

    Example:
        >>> from vaehelpers.models import VAE, build_mlp
        >>> x = np.random.default_rng(0).integers(2, size=[300, 2, 2, 1])
        >>> diagnosis = diagnose(VAE(*build_mlp((2, 2, 1), hidden=8)), x)
        >>> diagnosis.beta, diagnosis.samples.shape
        (1.0, (10, 2, 2, 1))
    """
    steps = _steps_taken(vae)
    reading = read_model(vae, x)
    vae = reading.vae
    evaluation = evaluate(vae, x, seed)
    x = np.asarray(x, "float32")
    beta, likelihood, about_beta = reading.about_loss or _of_the_course(vae, x, evaluation)
    threshold, no_code_above, about_threshold = _thresholds(x, likelihood, vae.prior is not None)
    information = float("nan")
    found = [(True, "The rate or the distortion is not finite: training has diverged.")]
    if np.isfinite(evaluation.elbo):
        information = _information(evaluation, seed)
        found = words.about_collapse(evaluation, beta, threshold, no_code_above)
        constant = constant_distortion(x, vae.log_likelihood) if len(x) >= FEW else None
        blamed = None not in (beta, threshold) and beta > threshold
        found += about_causes(evaluation, blamed, steps, _far_apart(vae), constant)
        if len(x) >= FEW:
            found += words.about_price(evaluation, constant)
        found += words.about_dimensions(evaluation, vae.prior is not None, seed)
        if not evaluation.collapsed:
            rate = float(evaluation.rate_per_example[:MOST_IMAGES].mean())
            found += words.about_samples(rate, information, min(len(x), MOST_IMAGES))
    found[1:1] = reading.notes
    urgent = [sentence for is_urgent, sentence in found if is_urgent]
    others = [sentence for is_urgent, sentence in found if not is_urgent]
    sentences = tuple(filter(None, (urgent[0], about_beta, *urgent[1:], *others, about_threshold)))
    pictures = _pictures(vae, x[:SHOWN], seed, likelihood)
    return Diagnosis(sentences, evaluation, beta, threshold, no_code_above, information, *pictures)


def _of_the_course(vae, x, evaluation):
    """The beta of a VAE of the course, its likelihood and a sentence."""
    beta, likelihood, about_beta = _beta_and_likelihood(
        vae, x.shape[1:], evaluation.z_mean.shape[1]
    )
    if _adds_losses(vae, x[:2]):
        beta, about_beta = (
            None,
            "The networks add losses of their own, which this does not see: beta cannot be told.",
        )
    return beta, likelihood, about_beta


def _steps_taken(vae):
    """The steps of the optimiser that a model is compiled with, or `None`."""
    iterations = getattr(getattr(vae, "optimizer", None), "iterations", None)
    return None if iterations is None else int(iterations)


def _far_apart(vae):
    """The decoder's outputs at codes on both sides of the prior."""
    latent_dim = vae.sample_prior(1, seed=0).shape[1]
    return vae.decode(np.array([-2.0, 0.0, 2.0])[:, None] * np.ones([3, latent_dim]))


def _beta_and_likelihood(vae, image_shape, latent_dim):
    """The beta, the likelihood's name with how it reads the decoder, and a sentence; `None` for what is not known."""
    import keras

    from vaehelpers.losses import gaussian_kl_per_dim

    likelihood = known_likelihood(vae.log_likelihood)
    known = likelihood and (likelihood.name, likelihood.reads)
    if vae.objective is None and known and not _settings(vae.log_likelihood):
        return (
            1.0,
            known,
            f"It trains the ELBO{' under its own prior' if vae.prior is not None else ''}: beta = 1.",
        )

    def loss(x, x_decoded, z_mean, z_log_var):
        distortion = -vae.log_likelihood(x, x_decoded)
        kl_per_dim = gaussian_kl_per_dim(z_mean, z_log_var)
        if vae.prior is not None:
            kl_per_dim = keras.ops.sum(kl_per_dim, axis=1, keepdims=True)
        if vae.objective is None:
            return keras.ops.mean(distortion + keras.ops.sum(kl_per_dim, axis=-1))
        return vae.objective(distortion, kl_per_dim)

    sizes = {"image_shape": image_shape, "latent_dim": latent_dim}
    try:
        audit = audit_loss(loss, **sizes, framework=keras.backend.backend())
    except AuditError as error:
        said = str(error).splitlines()[0].split(". ")[0].rstrip(".:")
        return None, known, f"Which beta it trains cannot be told: {said}."
    return audit.beta, known or (audit.likelihood, audit.x_decoded), str(audit).splitlines()[0]


def _adds_losses(vae, images):
    """Whether the networks regularize or call `add_loss`, be it in training only; nothing of their state changes."""
    import keras

    with keras.StatelessScope(collect_losses=True) as scope:
        vae.decoder(vae.encoder(images, training=True)[0], training=True)
    return bool(scope.losses or vae.losses)  # the latter hold the weights' regularizers


def _information(evaluation, seed):
    z_mean, z_log_var = evaluation.z_mean[:MOST_IMAGES], evaluation.z_log_var[:MOST_IMAGES]
    return (
        mutual_information(z_mean, z_log_var, seed=seed)
        if np.abs(z_log_var).max() <= WIDEST
        else float("nan")
    )


def _settings(log_likelihood):
    """What a `functools.partial` sets of a likelihood, name to value: its scale, mostly; without one it is 1."""
    return getattr(log_likelihood, "keywords", {})


def _thresholds(x, likelihood, learned_prior):
    """The local and the global threshold and `None`, or `None` twice and a sentence on why there is none."""
    if len(x) < FEW:
        too_few = f"{len(x)} image{'s are' if len(x) > 1 else ' is'} too few"
        return (
            None,
            None,
            f"{too_few} for the data's threshold and their best constant image: pass at least {FEW}.",
        )
    if learned_prior:
        return (
            None,
            None,
            "No threshold of collapse: it is derived for the prior N(0, I), and this one is learned.",
        )
    if likelihood is None:
        return None, None, "No threshold of collapse: the likelihood is not known."
    try:
        return (
            float(collapse_threshold(x, likelihood[0])),
            no_code_pays_above(x, likelihood[0]),
            None,
        )
    except ValueError as error:  # no formula, or images that do not vary: the message says which
        return None, None, f"No threshold of collapse: {error}."


def constant_distortion(x, log_likelihood):
    """The distortion of the best constant image in closed form, nats, or `None`.

    Bernoulli: the sum over pixels of the entropy of their means. Gaussian of variance s2: `1/2 sum over pixels of
    log(2 pi s2) + Var(x_d) / s2`.
    """
    pixels = x.reshape(len(x), -1)
    mean = pixels.mean(axis=0, dtype="float64")
    known = known_likelihood(log_likelihood)
    if known is not None and known.name == "bernoulli":
        return float(-sum(np.sum(p * np.log(np.where(p > 0, p, 1.0))) for p in (mean, 1 - mean)))
    log_var = _gaussian_log_var(log_likelihood)
    if log_var is None:
        return None
    parts = (pixels[start : start + ROWS_AT_ONCE] for start in range(0, len(pixels), ROWS_AT_ONCE))
    variance = sum(np.square(part - mean).sum() for part in parts) / len(pixels)
    return float(0.5 * (mean.size * (np.log(2 * np.pi) + log_var) + variance * np.exp(-log_var)))


def _gaussian_log_var(log_likelihood):
    """The log variance of a Gaussian of `losses` that has one for all pixels, fixed or learned, else `None`."""
    from vaehelpers.losses import GaussianWithLearnedVariance

    if isinstance(log_likelihood, GaussianWithLearnedVariance):
        return float(np.log(log_likelihood.variance))
    known = known_likelihood(log_likelihood)
    log_var = _settings(log_likelihood).get("log_var", 0.0)
    return (
        float(log_var)
        if known is not None and known.name == "gaussian" and np.ndim(log_var) == 0
        else None
    )


def _pictures(vae, images, seed, likelihood):
    """The images, their reconstructions and as many samples, in [0, 1]."""
    logits = likelihood is not None and likelihood[1] == "logits"

    def to_pixels(decoded):
        return 0.5 + 0.5 * np.tanh(0.5 * decoded) if logits else np.clip(decoded, 0, 1)

    reconstructions = vae.decode(vae.encode(images)[0])
    samples = vae.decode(vae.sample_prior(len(images), seed=seed))
    return images, to_pixels(reconstructions), to_pixels(samples)
