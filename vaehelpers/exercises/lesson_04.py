"""Checks of lesson 04: Why 28 x 28."""

import numpy as np

from vaehelpers.audit import AuditError, audit_loss
from vaehelpers.exercises.verdicts import RIGHT, asked, number_verdict


@asked
def check_effective_beta(answer):
    """Lesson 04, exercise 1: 1000 x mean squared error on 64 x 64 x 3, a mean over 32 KLs."""
    return number_verdict(
        answer,
        0.192,
        (0.384, "the factor 2: minus the log-likelihood at variance 1 is half the squared error"),
        (6.144, "the mean over 32 latent dimensions hides a factor too"),
        (192, "the weight 1000 stands before the reconstruction: it lowers beta"),
        (0.064, "the colour channels: an image has 64 x 64 x 3 values"),
        (12.288, "two things: the mean over latents, and the half of the squared error"),
        (1 / 0.192, "upside down: beta is the rate's weight over the distortion's"),
    )


@asked
def check_weight_for_beta(answer):
    """Lesson 04, exercise 2: the weight for beta 4 with means over 32 x 32 x 3 and 256."""
    return number_verdict(
        answer,
        1 / 3,
        (4, "that is the named weight: it is multiplied by D / J before it is beta"),
        (48, "upside down: the two means make beta 12 times the weight"),
        (4 / 3072, "that is for a KL summed over latents: here it is averaged over 256"),
        (2 / 3, "here the squared error is halved already, so there is no factor 2"),
        (1, "4 x 256 over what? An image has 32 x 32 x 3 values, not 32 x 32"),
        (1 / 12, "that trains beta 1"),
    )


def _what_is_off(found, size):
    """What keeps a loss that the audit has read from being minus the ELBO, or None."""
    if found.likelihood != "bernoulli":
        return f"the likelihood has become {found.likelihood}: keep the cross-entropy"
    if found.batch_reduction not in ("mean", "none"):
        return "over the images take the mean"
    if not np.isclose(found.beta, 1, rtol=1e-3):
        return f"{size} it trains beta {found.beta:.4g}"
    if not np.isclose(found.scale, 1, rtol=1e-3):
        return f"{size} both terms are multiplied by {found.scale:.3g}: sum over pixels"
    return None


@asked
def check_repaired_loss(answer):
    """Lesson 04, exercise 3: a loss that is minus the ELBO at every size, says the audit."""
    if not callable(answer):
        return f"✗ the answer is a {type(answer).__name__}: a function of four arrays is wanted"
    for shape, latent_dim in (((28, 28, 1), 2), ((16, 12, 3), 5)):
        try:
            found = audit_loss(answer, image_shape=shape, latent_dim=latent_dim, framework="numpy")
        except (AuditError, TypeError) as error:  # TypeError: it is no function that takes arrays
            return f"✗ {error}"
        off = _what_is_off(found, f"for images of shape {shape} and {latent_dim} latent dimensions")
        if off:
            return f"✗ {off}"
    return RIGHT
