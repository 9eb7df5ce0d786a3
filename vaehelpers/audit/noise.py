"""Losses that draw noise: a Monte Carlo KL is averaged out, what draws in the reconstruction is named."""

import numpy as np

from vaehelpers.audit import between_examples
from vaehelpers.audit.probes import probe_at
from vaehelpers.audit.verdict import AuditError

WITHIN = 1e-3  # of the spread of the values: the error up to which a likelihood is told from another
MOST_DRAWS = 2000
STANDARD_ERRORS = 6


def measure_quietly(prober, pairs):
    """The loss at pairs of images and how far each may be off, with as many draws as its noise asks for.

    Raises:
        AuditError: where the noise is not that of a Monte Carlo KL, or too loud to be averaged out.
    """
    values, errors = np.transpose([prober.measure(pair, prober.still, prober.few) for pair in pairs])
    if not prober.noisy or errors.max() <= WITHIN * np.ptp(values):
        return values, errors
    images = pairs[0]
    if _depends_on_images(prober, images):
        raise AuditError(
            "the loss draws noise besides that of a Monte Carlo KL, in its reconstruction (dropout?): switch it off to "
            "audit it"
        )
    deviation = np.std([prober.value(images, prober.still) for _ in range(16)]) * np.sqrt(prober.few)
    draws = (2 * STANDARD_ERRORS * deviation / (WITHIN * np.ptp(values))) ** 2
    if not draws <= MOST_DRAWS:
        why = between_examples.of_the_codes(prober, images)
        raise AuditError(
            f"the loss draws noise that is no KL's: {why}"
            if why
            else "the loss draws noise, whatever the images, in which its reconstruction term is lost, if it has one: "
            "hold the noise fixed to audit it"
        )
    prober.few = max(prober.few, int(np.ceil(draws)))
    return np.transpose([prober.measure(pair, prober.still, prober.few) for pair in pairs])


def _depends_on_images(prober, images):
    """Whether the noise is larger on some images than on others: where z is drawn, it does not know them."""
    x, x_decoded = images
    close = (x, np.clip(x, 0.05, 0.95))
    deviations = [
        np.std([prober._once(probe_at(pair, prober.still)) for _ in range(32)]) for pair in (close, (x, x_decoded))
    ]
    return max(deviations) > 2.5 * min(deviations)
