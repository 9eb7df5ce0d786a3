"""Why a rate is near zero though its weight is not to blame: dead outputs, a deaf decoder."""

import numpy as np

from vaehelpers.diagnostics.findings import UNTRAINED, Finding
from vaehelpers.diagnostics.formats import nats

SURELY_BOTH_SIDES = 100  # numbers, of which as many above as below 0 would be expected
FEW_STEPS = 1000  # of an optimiser
SAME = 1e-6  # of the decoder's largest output: what float32 leaves of outputs that are equal


def about_causes(evaluation, blamed, steps, far_apart, constant):
    """What besides its weight makes a rate small, as urgent findings.

    Args:
        evaluation: an `Evaluation`.
        blamed: whether beta explains a collapse: then the data need no other cause.
        steps: that the model's optimiser has taken, a number or a variable, or `None`.
        far_apart: the decoder's outputs at codes far apart, `[n, ...]`.
        constant: the distortion of the best constant image, nats, or `None`.
    """
    causes = [*_of_layers(evaluation)]
    if evaluation.collapsed:
        causes += _of_collapse(evaluation, blamed, steps, far_apart, constant)
    return [Finding(cause, urgent=True) for cause in causes]


def _of_layers(evaluation):
    """Log variances and means that a ReLU cuts off, or that one layer gives."""
    z_mean, z_log_var = evaluation.z_mean, evaluation.z_log_var
    if z_mean.size < SURELY_BOTH_SIDES:
        return
    off = evaluation.collapsed and z_log_var.max() == 0  # each q is the prior: so it should be
    if np.isfinite(z_log_var).all() and z_log_var.min() >= 0 and not off:
        zeros = np.mean(z_log_var == 0)
        shape = f"a ReLU ({100 * zeros:.0f} % are 0)" if zeros > 0 else "a ReLU or a softplus"
        yield (
            f"z_log_var is never below 0, as behind {shape}: no code can be narrower than the "
            "prior, which costs most of what it could say. Make that layer linear."
        )
    if np.ptp(z_mean) > 0 and np.array_equal(z_mean, z_log_var):
        yield "z_mean and z_log_var are the same numbers: one layer gives both. Each needs its own."
    elif np.ptp(z_mean) > 0 and z_mean.min() == 0:
        zeros = np.mean(z_mean == 0)
        yield (
            f"z_mean is never below 0, as behind a ReLU ({100 * zeros:.0f} % are 0): of "
            "each dimension half of the prior has hardly any codes, and its samples were hardly "
            "trained. Make that layer linear."
        )


def _of_collapse(evaluation, blamed, steps, far_apart, constant):
    """What makes a collapsed model so."""
    if constant is not None and constant - evaluation.distortion > UNTRAINED:
        yield (
            f"It is {nats(constant - evaluation.distortion)} better than the best constant image "
            "without a code: the decoder sees the image in another way (autoregressive, a skip "
            "connection) and needs no code, whatever the weight."
        )
    if blamed:
        return
    if np.ptp(far_apart, axis=0).max() <= SAME * max(1.0, np.abs(far_apart).max()):
        yield "The decoder ignores z: codes far apart give the same output."
    if len(evaluation.z_mean) > 1 and np.ptp(evaluation.z_mean, axis=0).max() == 0:
        yield (
            "z_mean is the same number for every image: dead units before it (a ReLU, a saturated "
            "one)."
        )
    if steps is not None and int(steps) < FEW_STEPS:
        yield f"Its optimiser has taken {int(steps):,} steps: train on before you judge."
