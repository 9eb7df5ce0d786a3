"""What an evaluation says about a VAE, in sentences: each function takes numbers (NumPy)."""

from typing import NamedTuple

import numpy as np

from vaehelpers.collapse.no_code import rounded_up
from vaehelpers.diagnostics.evaluation import ACTIVE, ALIVE, COLLAPSED, variance_of_means
from vaehelpers.diagnostics.formats import nats, number
from vaehelpers.diagnostics.information import MOST_IMAGES, WIDEST, mutual_information

NEAR = 0.7  # times the threshold: from there on, training is slow and looks dead too early
UNTRAINED = 10.0  # nats short of the best constant image: more than other data's mean explains
FAR_FROM_PRIOR = 0.5  # nats of KL(aggregate posterior || prior), above which samples may suffer ...
FAR_SHARE = 0.5  # ... where it is more than this share of the rate
CEILING = 2.0  # nats below log N, from where N images hold down the information by half a nat
LISTED = 8  # latent dimensions named one by one


class Finding(NamedTuple):
    """A sentence; the urgent ones are told first."""

    sentence: str
    urgent: bool = False


def state_of(evaluation, beta, threshold, no_code_above):
    """Whether the code is used, and whether beta and the data's threshold explain it."""
    rate = f"the rate is {nats(evaluation.rate)}"
    if not np.isfinite(evaluation.elbo):
        return "The rate or the distortion is not finite: training has diverged."
    if evaluation.collapsed:
        return f"Collapsed: {rate}. {_why_collapsed(beta, threshold, no_code_above)}"
    if not evaluation.alive:
        return (
            f"Neither collapsed nor alive: {rate}, between {COLLAPSED} (collapsed) and {ALIVE} "
            "(alive). Train on before you judge: near the threshold training is slow."
        )
    return f"Alive: {rate}.{_why_alive(beta, threshold, no_code_above)}"


def _why_collapsed(beta, threshold, no_code_above):
    if beta is None or threshold is None:
        return "Whether beta explains it cannot be told."
    if beta >= no_code_above:
        return (
            f"The data predict it: from {rounded_up(no_code_above):g} on no code of any size pays, "
            f"for pixels that are independent given z, and beta = {number(beta)}."
        )
    if beta > threshold:
        return (
            f"The data predict it: beta = {number(beta)} is above their threshold of "
            f"{number(threshold)}, where the collapsed solution is a local optimum, for pixels "
            "that are independent given z."
        )
    near = ", and first at training length: so near the threshold training is slow"
    return (
        f"Beta does not explain it: {number(beta)} is not above the data's threshold of "
        f"{number(threshold)}. Look at training length, dead ReLUs, the learning rate, a decoder "
        f"that ignores z{near if beta > NEAR * threshold else ''}."
    )


def _why_alive(beta, threshold, no_code_above):
    if beta is None or threshold is None:
        return ""
    above = f"above the data's threshold of {number(threshold)}"
    if beta <= threshold:
        return f" Beta = {number(beta)} is not {above}, so that is expected."
    why = "a larger code survived, or training has not forgotten it yet"
    if beta >= no_code_above:
        proved = f"from {rounded_up(no_code_above):g} on no code pays"
        why = f"{proved}, so training has not forgotten it yet"
    return f" That is so although beta = {number(beta)} is {above}: {why}."


def about_price(evaluation, constant):
    """What the code buys against the best constant image of distortion `constant`, if known."""
    if constant is None:
        return Finding(
            "What the code buys cannot be told: the best constant image's distortion is known for "
            "the Bernoulli and Gaussian likelihoods of vaehelpers.losses only."
        )
    bought = constant - evaluation.distortion
    distortion = nats(evaluation.distortion)
    against = f"distortion {distortion}, the best constant image's {nats(constant)}"
    if bought < -UNTRAINED:
        return Finding(
            f"The decoder does worse than one image for all: {against}. It is not trained to the "
            "end, or these are other images than it was trained on, or it gets noise that it never "
            "saw (a fault of the draw, batch normalisation).",
            urgent=True,
        )
    if evaluation.collapsed:
        return Finding(f"Without a code, the decoder gives one image for all: {against}.")
    loss = bought < evaluation.rate
    return Finding(
        f"The code buys {'less than it costs at beta = 1: ' if loss else ''}{nats(bought)} per "
        f"image at a rate of {nats(evaluation.rate)} ({against}).",
        urgent=loss,
    )


def about_dimensions(evaluation, learned_prior, seed):
    """Which latent dimensions are off, and which have a KL although their mean does not move."""
    if learned_prior:
        yield Finding(
            "The prior is learned, so the KL cannot be told for single latent dimensions."
        )
        return
    kl_per_dim = evaluation.kl_per_dim
    off = np.flatnonzero(kl_per_dim < COLLAPSED)
    if len(off) and not evaluation.collapsed:
        are, each = ("are", " each") if len(off) > 1 else ("is", "")
        yield Finding(
            f"{dimensions(off)} of {len(kl_per_dim)} {are} off: below {COLLAPSED} nats{each}."
        )
    if len(evaluation.z_mean) > 1:  # one image's mean never moves
        still = (kl_per_dim > ALIVE) & (variance_of_means(evaluation.z_mean) <= ACTIVE)
        still &= np.abs(evaluation.z_log_var).max(axis=0) <= WIDEST
        for j in np.flatnonzero(still):
            yield _about_still_mean(evaluation, j, seed)


def _about_still_mean(evaluation, j, seed):
    column = np.s_[:MOST_IMAGES, j : j + 1]
    z_mean, z_log_var = evaluation.z_mean[column], evaluation.z_log_var[column]
    kl = nats(evaluation.kl_per_dim[j])
    said = f"{dimensions([j])} has a KL of {kl} though its mean hardly moves"
    one_width = np.full_like(z_log_var, z_log_var.mean(dtype="float64"))
    if mutual_information(z_mean, one_width, seed=seed) > COLLAPSED:
        code = "means that move little beside the prior but much beside their own width"
    elif mutual_information(z_mean, z_log_var, seed=seed) > COLLAPSED:
        code = "the variances"
    else:
        return Finding(
            f"{said}, nor does its variance: it is the same for every image and says nothing of it."
        )
    return Finding(f"{said}: a code in {code}, which the count of active units misses.")


def about_samples(evaluation, information):
    """The rate's two parts: information on the image, and how far all codes lie off the prior."""
    if np.isnan(information):
        return Finding(
            f"What the codes say of the images cannot be told: z_log_var goes beyond ±{WIDEST:g}.",
            urgent=True,
        )
    rates = evaluation.rate_per_example[:MOST_IMAGES]
    rate = float(rates.mean())
    most = np.log(len(rates))
    information = max(0.0, information)
    distance = max(0.0, rate - information)
    held_down = information > most - CEILING
    least, at_most = ("at least", "at most ") if held_down else ("about", "")
    split = (
        f"The rate of {nats(rate)} is {least} {nats(information)} of information on the "
        f"image and {at_most}{nats(distance)} that all codes together lie off the prior"
    )
    if held_down:
        images = f"{len(rates):,} image{'s'[: len(rates) > 1]}"
        return Finding(f"{split}: {images} can show at most {nats(most)} of information.")
    if distance <= max(FAR_FROM_PRIOR, FAR_SHARE * rate):
        return Finding(f"{split}.")
    return Finding(f"{split}: samples from the prior will look worse than reconstructions.", True)


def dimensions(indices):
    """Latent dimensions by their numbers, counted from 1 as in the figures."""
    if len(indices) > LISTED:
        return f"{len(indices)} latent dimensions"
    *names, last = (str(j + 1) for j in indices)
    several = f"s {', '.join(names)} and" if names else ""
    return f"Latent dimension{several} {last}"
