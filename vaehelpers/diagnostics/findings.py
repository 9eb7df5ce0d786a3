"""What an evaluation says about a VAE, as sentences: each function takes numbers and returns findings (NumPy).

A finding is `(urgent, sentence)`; the urgent ones come first.
"""

import numpy as np

from vaehelpers.diagnostics.densities import WIDEST
from vaehelpers.diagnostics.evaluation import ACTIVE, ALIVE, COLLAPSED
from vaehelpers.diagnostics.information import MOST_IMAGES, mutual_information

NEAR = 0.7  # times the threshold: from there on, training is slow and looks dead too early
UNTRAINED = (
    10.0  # nats short of the best constant image: more than other data's mean image explains
)
FAR_FROM_PRIOR = 0.5  # nats of KL(aggregate posterior || prior), above which samples may suffer ...
FAR_SHARE = 0.5  # ... where it is more than this share of the rate
CEILING = 2.0  # nats below log N: up to there, N images hold the mutual information down by half a nat at most
ROUNDING = 1e-6  # nats: what float32 leaves of sums that are 0
LISTED = 8  # latent dimensions named one by one

CAUSES = "training length, dead ReLUs, the learning rate, a decoder that ignores z"


def about_collapse(evaluation, beta, threshold, no_code_above):
    """Whether the code is used, and whether beta and the data's threshold explain it."""
    if evaluation.collapsed:
        return [
            (
                True,
                f"Collapsed: the rate is {nats(evaluation.rate)}. {_why_collapsed(beta, threshold, no_code_above)}",
            )
        ]
    if not evaluation.alive:
        between = f"between {COLLAPSED} (collapsed) and {ALIVE} (alive)"
        cure = "Train on before you judge: near the threshold training is slow."
        return [
            (
                True,
                f"Neither collapsed nor alive: the rate is {nats(evaluation.rate)}, {between}. {cure}",
            )
        ]
    return [
        (
            True,
            f"Alive: the rate is {nats(evaluation.rate)}. {_why_alive(beta, threshold, no_code_above)}".strip(),
        )
    ]


def _why_collapsed(beta, threshold, no_code_above):
    if beta is None or threshold is None:
        return "Whether beta explains it cannot be told."
    if beta >= no_code_above:
        return (
            f"The data predict it: from {number(no_code_above)} on no code of any size pays, whatever the network, and "
            f"beta = {number(beta)}."
        )
    if beta > threshold:
        return (
            f"The data predict it: beta = {number(beta)} is above their threshold of {number(threshold)}, where the "
            "collapsed solution is a local optimum for every architecture."
        )
    near = (
        ", and first at training length: so near the threshold training is slow"
        if beta > NEAR * threshold
        else ""
    )
    return (
        f"Beta does not explain it: {number(beta)} is not above the data's threshold of {number(threshold)}. Look at "
        f"{CAUSES}{near}."
    )


def _why_alive(beta, threshold, no_code_above):
    if beta is None or threshold is None:
        return ""
    if beta <= threshold:
        return f"Beta = {number(beta)} is not above the data's threshold of {number(threshold)}, so that is expected."
    above = f"That is so although beta = {number(beta)} is above the data's threshold of {number(threshold)}"
    if beta >= no_code_above:
        return f"{above}: from {number(no_code_above)} on no code pays, so training has not forgotten it yet."
    return f"{above}: a larger code survived, or training has not forgotten it yet."


def about_price(evaluation, constant):
    """What the code buys against the best constant image, whose distortion is `constant` nats, or `None`."""
    if constant is None:
        known = "is known for the Bernoulli and Gaussian likelihoods of vaehelpers.losses only"
        return [
            (
                False,
                f"What the code buys cannot be told: the best constant image's distortion {known}.",
            )
        ]
    bought = constant - evaluation.distortion
    against = (
        f"distortion {nats(evaluation.distortion)}, the best constant image's {nats(constant)}"
    )
    if bought < -UNTRAINED:
        return [
            (
                True,
                f"The decoder does worse than one image for all, so it is not trained to the end: {against}.",
            )
        ]
    if evaluation.collapsed:
        return [(False, f"Without a code, the decoder gives one image for all: {against}.")]
    if bought < evaluation.rate:
        said = (
            f"The code buys less than it costs at beta = 1: {nats(bought)} per image at a rate of"
        )
        return [(True, f"{said} {nats(evaluation.rate)} ({against}).")]
    return [
        (
            False,
            f"The code buys {nats(bought)} per image at a rate of {nats(evaluation.rate)} ({against}).",
        )
    ]


def about_dimensions(evaluation, learned_prior, seed=0):
    """Which latent dimensions are off, and which have a KL although their mean does not move."""
    if learned_prior:
        return [
            (False, "The prior is learned, so the KL cannot be told for single latent dimensions.")
        ]
    kl_per_dim, latent_dim = evaluation.kl_per_dim, evaluation.z_mean.shape[1]
    off = np.flatnonzero(kl_per_dim < COLLAPSED)
    found = []
    if len(off) and not evaluation.collapsed:
        said = f"below {COLLAPSED} nats{' each' if len(off) > 1 else ''}"
        found.append(
            (
                False,
                f"{dimensions(off)} of {latent_dim} {'are' if len(off) > 1 else 'is'} off: {said}.",
            )
        )
    if len(evaluation.z_mean) > 1:
        still = (kl_per_dim > ALIVE) & (
            np.var(evaluation.z_mean, axis=0, dtype="float64") <= ACTIVE
        )
        still &= np.abs(evaluation.z_log_var).max(axis=0) <= WIDEST
        found += [_about_still_mean(evaluation, j, seed) for j in np.flatnonzero(still)]
    return found


def _about_still_mean(evaluation, j, seed):
    column = np.s_[:MOST_IMAGES, j : j + 1]
    z_mean, z_log_var = evaluation.z_mean[column], evaluation.z_log_var[column]
    said = f"{dimensions([j])} has a KL of {nats(evaluation.kl_per_dim[j])} though its mean hardly moves"
    one_width = np.full_like(z_log_var, z_log_var.mean(dtype="float64"))
    if mutual_information(z_mean, one_width, seed=seed) > COLLAPSED:
        little = "means that move little beside the prior but much beside their own width"
        return False, f"{said}: a code in {little}, which the count of active units misses."
    if mutual_information(z_mean, z_log_var, seed=seed) > COLLAPSED:
        return False, f"{said}: a code in the variances, which the count of active units misses."
    return (
        False,
        f"{said}, nor does its variance: it is the same for every image and says nothing of it.",
    )


def about_samples(rate, information, n_images):
    """The rate's two parts: information on the image, and how far all codes together lie from the prior."""
    if np.isnan(information):
        return [
            (
                True,
                f"What the codes say of the images cannot be told: z_log_var goes beyond ±{WIDEST:g}.",
            )
        ]
    information, distance = max(0.0, information), max(0.0, rate - information)
    held_down = information > np.log(n_images) - CEILING
    least, most = ("at least", "at most ") if held_down else ("about", "")
    split = f"The rate of {nats(rate)} is {least} {nats(information)} of information on the image"
    split += f" and {most}{nats(distance)} that all codes together lie off the prior"
    if held_down:
        shown = f"{n_images:,} image{'s'[: n_images > 1]} can show at most {nats(np.log(n_images))} of information"
        return [(False, f"{split}: {shown}.")]
    if distance <= max(FAR_FROM_PRIOR, FAR_SHARE * rate):
        return [(False, f"{split}.")]
    return [(True, f"{split}: samples from the prior will look worse than reconstructions.")]


def number(value):
    """Three digits, or from 10 on one decimal where it is not 0: 0.000312, 2.5, 31.8, 392."""
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 10 else f"{value:.3g}"


def nats(value):
    """A number with its unit, never -0."""
    return f"{number(value if abs(value) >= ROUNDING else 0.0)} nats"


def dimensions(indices):
    """Latent dimensions by their numbers, counted from 1 as in the figures."""
    names = [str(j + 1) for j in indices]
    if len(names) == 1:
        return f"Latent dimension {names[0]}"
    if len(names) > LISTED:
        return f"{len(names)} latent dimensions"
    return f"Latent dimensions {', '.join(names[:-1])} and {names[-1]}"
