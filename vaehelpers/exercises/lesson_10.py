"""Checks of lesson 10: The clinic."""

import numpy as np

from vaehelpers.exercises.verdicts import RIGHT, asked, floats, is_whole, number_verdict


@asked
def check_beta_of_a_wrong_divisor(answer):
    """Lesson 10, exercise 1: the beta of a KL divided by 32 latents, not 128 images."""
    return number_verdict(
        answer,
        128 / 32,
        (1, "that is where both numbers agree, as in the configuration: here they are 128 and 32"),
        (32 / 128, "the other way round: a sum over 128 images, divided by 32, exceeds the mean"),
        (128, "the sum over the batch is divided by 32 all the same"),
        (1 / 32, "before it is divided, the KL is summed over 128 images, not averaged"),
    )


@asked
def check_free_nats(answer):
    """Lesson 10, exercise 2: the nats that a dimension has free if 784 divides the KL."""
    return number_verdict(
        answer,
        0.5 * 784,
        (0.5, "that is the floor as it is written; the KL below it was divided by 784"),
        (0.5 / 784, "the other way round: what was divided reaches the floor later, not sooner"),
        (784, "that is for both dimensions, or without the 1/2: one dimension is asked for"),
        (1, "the division by 784 comes before the floor"),
    )


def _is_number(value):
    return floats(value).shape == () and not np.isnan(floats(value))


def _is_range(value):
    return floats(value).shape == (2,) and floats(value)[0] < floats(value)[1]


def _is_words(value):
    return isinstance(value, str) and value.strip() != ""


def _is_bernoulli(report):
    return "bernoulli" in report["likelihood"].lower()


PARTS = ["versions", "pixels", "likelihood", "beta", "distortion", "rate"]
PARTS += ["active_units", "threshold", "audit"]
# What a report r must hold, in this order, and what is said where it does not; beta is None where
# the audit could not tell it.
RULES = [
    (lambda r: _is_range(r["pixels"]), "pixels: the smallest and the largest number in x: (0, 1)"),
    (lambda r: r["beta"] is None or _is_number(r["beta"]), "beta: one number is wanted"),
    (lambda r: _is_number(r["distortion"]), "distortion: one number is wanted"),
    (lambda r: _is_number(r["rate"]), "rate: one number is wanted"),
    (lambda r: _is_words(r["versions"]), "versions: words are wanted"),
    (lambda r: _is_words(r["likelihood"]), "likelihood: words are wanted"),
    (lambda r: _is_words(r["audit"]), "audit: words are wanted"),
    (
        lambda r: is_whole(r["active_units"]) and r["active_units"] >= 0,
        "active_units: how many latent dimensions have a mean with a variance above 0.01",
    ),
    (
        lambda r: r["threshold"] is None or (_is_number(r["threshold"]) and r["threshold"] > 0),
        "threshold: a weight above 0, or None where the likelihood has none",
    ),
    (
        lambda r: r["beta"] is None or r["beta"] > 0,
        "beta: a weight of 0 or below trains no VAE; is the KL's sign right?",
    ),
    (
        lambda r: r["rate"] >= 0,
        "rate: a KL in closed form is never negative; has it all its terms?",
    ),
    (
        lambda r: not _is_bernoulli(r) or 0 <= r["pixels"][0] < r["pixels"][1] <= 1,
        "pixels outside of [0, 1] under a cross-entropy: that is case 3, and needs no report",
    ),
    (
        lambda r: not _is_bernoulli(r) or r["distortion"] >= 0,
        "distortion: a cross-entropy of pixels in [0, 1] is never negative",
    ),
    (
        lambda r: r["beta"] is None or "beta" in r["audit"],
        "audit: what audit_loss prints, or with beta None why it cannot tell",
    ),
]


@asked
def check_bug_report(answer):
    """Lesson 10, exercise 3: a bug report on the reader's own VAE, a dict that can be answered."""
    if not isinstance(answer, dict):
        return (
            f"✗ the answer is a {type(answer).__name__}: a dict is wanted, with {', '.join(PARTS)}"
        )
    missing = [name for name in PARTS if name not in answer]
    if missing:
        return f"✗ without {', '.join(missing)} nobody can answer"
    return next((f"✗ {said}" for holds, said in RULES if not holds(answer)), RIGHT)
