"""One look at a trained VAE: is it collapsed, does its beta explain it, what is the code worth."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vaehelpers.collapse import collapse_threshold, no_code_pays_above
from vaehelpers.collapse.normal import LOG_2PI
from vaehelpers.data.likelihoods import known_likelihood
from vaehelpers.diagnostics import findings as words
from vaehelpers.diagnostics.anybody import read_model
from vaehelpers.diagnostics.causes import about_causes
from vaehelpers.diagnostics.evaluation import Evaluation, evaluate
from vaehelpers.diagnostics.information import MOST_IMAGES, WIDEST, mutual_information
from vaehelpers.diagnostics.trained import trained_by

SHOWN = 10  # images in the figure
ENOUGH = 300  # images: fewer raise the threshold and have a constant image fitted to them


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis:
    """What `diagnose` found; it shows itself as its findings, `plots.plot_diagnosis` draws it.

    Attributes:
        findings: sentences, the most important first.
        evaluation: the `Evaluation`.
        beta: the weight of the rate that the objective trains (of a Gaussian, at unit variance),
            `None` where untold.
        threshold: the data's `collapse_threshold` (of a Gaussian, at unit variance), `None` where
            there is none.
        no_code_above: the data's `no_code_pays_above`, likewise.
        mutual_information: of the codes and the first 10,000 images, nats; nan for z_log_var
            beyond ±300 or not finite.
        images, reconstructions, samples: `[10, ...]`, or as many as there are images: the first
            ones, the decoder's output at their z_mean, and at draws from the prior, in [0, 1]: of
            logits the sigmoid, means clipped.

    Example:
        >>> said = ("Alive.", "It trains the ELBO: beta = 1.")
        >>> Diagnosis(said, None, 1.0, None, None, 0.0, *np.zeros([3, 1, 2, 2]))
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

    def __str__(self) -> str:
        return "\n".join(self.findings)

    __repr__ = __str__


def diagnose(vae: Any, x: np.ndarray, seed: int = 0) -> Diagnosis:
    """Look at a VAE and images: its beta, the data's threshold, its rate and what that is made of.

    Args:
        vae: a `models.VAE`, trained; its likelihood and objective are audited as they are now. Or
            any Keras model with an encoder, of two or three outputs, and a decoder: the audit of
            its own loss, as it is compiled, tells its likelihood; without that, outputs all in
            [0, 1] are read as a Bernoulli's probabilities, which is said.
        x: images `[N, ...]`, an array. The threshold is that of these images, and needs at least
            300.
        seed: of the posterior samples and of the samples from the prior.

    Returns:
        A `Diagnosis`. What cannot be told of a model is a finding, too.

    Raises:
        TypeError, ValueError: as `evaluate`.

    Source: `audit.audit_loss`, `collapse.collapse_threshold` and `mutual_information`, each with
    its own.

    Example:
        >>> from vaehelpers.models import VAE, build_mlp
        >>> x = np.random.default_rng(0).integers(2, size=[300, 2, 2, 1])
        >>> diagnosis = diagnose(VAE(*build_mlp((2, 2, 1), hidden=8)), x)
        >>> diagnosis.beta, diagnosis.samples.shape
        (1.0, (10, 2, 2, 1))
    """
    read, trained, notes = read_model(vae, x)
    evaluation = evaluate(read, x, seed)
    x = np.asarray(x, "float32")
    trained = trained or trained_by(vae, x[:2], evaluation.z_mean.shape[1])
    thresholds, why_none = _thresholds(x, trained.likelihood, read.prior is not None)
    threshold, no_code_above = thresholds
    information = float("nan")
    found = [*notes]
    if np.isfinite(evaluation.elbo):
        information = _information(evaluation, seed)
        blamed = None not in (trained.beta, threshold) and trained.beta > threshold
        constant = constant_distortion(x, read.log_likelihood) if len(x) >= ENOUGH else None
        far_apart = read.decode(np.outer([-2.0, 0.0, 2.0], np.ones(evaluation.z_mean.shape[1])))
        steps = getattr(getattr(vae, "optimizer", None), "iterations", None)
        found += about_causes(evaluation, blamed, steps, far_apart, constant)
        if len(x) >= ENOUGH:
            found.append(words.about_price(evaluation, constant))
        found += words.about_dimensions(evaluation, read.prior is not None, seed)
        if not evaluation.collapsed:
            found.append(words.about_samples(evaluation, information))
    found += why_none
    found.sort(key=lambda finding: not finding.urgent)  # each kind stays in its order
    state = words.state_of(evaluation, trained.beta, threshold, no_code_above)
    sentences = (state, trained.sentence, *(finding.sentence for finding in found))
    pictures = _pictures(read, x[:SHOWN], seed, trained.likelihood)
    numbers = (trained.beta, threshold, no_code_above, information)
    return Diagnosis(sentences, evaluation, *numbers, **pictures)


def _information(evaluation, seed):
    z_mean, z_log_var = evaluation.z_mean[:MOST_IMAGES], evaluation.z_log_var[:MOST_IMAGES]
    told = np.abs(z_log_var).max() <= WIDEST
    return mutual_information(z_mean, z_log_var, seed=seed) if told else float("nan")


def _thresholds(x, likelihood, learned_prior):
    """The local and the global threshold, or `None` twice; and why, as findings."""
    if len(x) < ENOUGH:
        few = f"{len(x)} image{'s are' if len(x) > 1 else ' is'} too few"
        what = "the data's threshold and their best constant image"
        return (None, None), [words.Finding(f"{few} for {what}: pass at least {ENOUGH}.")]
    if learned_prior:
        why = "it is derived for the prior N(0, I), and this one is learned"
    elif likelihood is None:
        why = "the likelihood is not known"
    else:
        try:
            local = collapse_threshold(x, likelihood.name)
            return (local, no_code_pays_above(x, likelihood.name, threshold=local)), []
        except ValueError as error:  # no formula, or images that do not vary: it says which
            why = error
    return (None, None), [words.Finding(f"No threshold of collapse: {why}.")]


def constant_distortion(x, log_likelihood):
    """The distortion of the best constant image in closed form, nats, or `None`.

    Bernoulli: the sum over pixels of the entropy of their means. Gaussian of variance s2, one for
    all pixels or one each: `1/2 sum over pixels of log(2 pi s2) + Var(x_d) / s2`.
    """
    from scipy import special

    from vaehelpers.losses import GaussianWithLearnedVariance

    known = known_likelihood(log_likelihood)
    mean = x.mean(axis=0, dtype="float64")
    if known is not None and known.name == "bernoulli":
        return float(special.entr([mean, 1 - mean]).sum())
    if isinstance(log_likelihood, GaussianWithLearnedVariance):
        log_var = np.log(log_likelihood.variance)
    elif known is not None and known.name == "gaussian":
        log_var = np.asarray(getattr(log_likelihood, "keywords", {}).get("log_var", 0), "float64")
    else:
        return None
    variance = sum(np.square(image - mean) for image in x) / len(x)
    return float(0.5 * np.sum(LOG_2PI + log_var + variance * np.exp(-log_var)))


def _pictures(vae, images, seed, likelihood):
    """The images, their reconstructions and as many samples, in [0, 1], by name."""
    logits = likelihood is not None and likelihood.reads == "logits"

    def to_pixels(decoded):
        return 0.5 + 0.5 * np.tanh(0.5 * decoded) if logits else np.clip(decoded, 0, 1)

    codes = {
        "reconstructions": vae.encode(images)[0],
        "samples": vae.sample_prior(len(images), seed=seed),
    }
    return {"images": images} | {name: to_pixels(vae.decode(z)) for name, z in codes.items()}
