"""Why a rate is near zero though its weight is not to blame: dead outputs, a deaf decoder, too few steps (NumPy)."""

import numpy as np

from vaehelpers.diagnostics.findings import UNTRAINED, nats

ENOUGH = 100  # log variances, of which as many above as below 0 would be expected
FEW_STEPS = 1000  # of an optimiser
SAME = 1e-6  # of the decoder's largest output: what float32 leaves of outputs that are equal


def about_causes(evaluation, blamed, steps, far_apart, constant):
    """What besides its weight makes a rate small.

    Args:
        evaluation: an `Evaluation`.
        blamed: whether beta explains a collapse: then the data need no other cause.
        steps: that the model's optimiser has taken, or `None`.
        far_apart: the decoder's outputs at codes far apart, `[n, ...]`.
        constant: the distortion of the best constant image, nats, or `None`.

    Returns:
        Findings, `(urgent, sentence)`.
    """
    found = _about_log_variances(evaluation.z_log_var, evaluation.collapsed)
    found += _about_means(evaluation.z_mean, evaluation.z_log_var)
    if not evaluation.collapsed:
        return found
    if constant is not None and constant - evaluation.distortion > UNTRAINED:
        better = nats(constant - evaluation.distortion)
        found.append(
            (
                True,
                f"It is {better} better than the best constant image without a code: the decoder sees the image in "
                "another way (autoregressive, a skip connection) and needs no code, whatever the weight.",
            )
        )
    if blamed:
        return found
    if np.ptp(far_apart, axis=0).max() <= SAME * max(1.0, np.abs(far_apart).max()):
        found.append((True, "The decoder ignores z: codes far apart give the same output."))
    if len(evaluation.z_mean) > 1 and np.ptp(evaluation.z_mean, axis=0).max() == 0:
        found.append(
            (
                True,
                "z_mean is the same number for every image: dead units before it (a ReLU, a saturated one).",
            )
        )
    if steps is not None and steps < FEW_STEPS:
        found.append((True, f"Its optimiser has taken {steps:,} steps: train on before you judge."))
    return found


def _about_means(z_mean, z_log_var):
    """Means that are the log variances, or that a ReLU cuts off."""
    if z_mean.size < ENOUGH or np.ptp(z_mean) == 0:
        return []
    if np.array_equal(z_mean, z_log_var):
        return [
            (
                True,
                "z_mean and z_log_var are the same numbers: one layer gives both. Each needs its own.",
            )
        ]
    if z_mean.min() == 0:
        zeros = f"{100 * np.mean(z_mean == 0):.0f} % are 0"
        said = f"z_mean is never below 0, as behind a ReLU ({zeros}): half of the prior has no codes, and its samples"
        return [(True, f"{said} were never trained. Make that layer linear.")]
    return []


def _about_log_variances(z_log_var, collapsed):
    """Log variances that never fall below 0: each q is then at least as wide as the prior."""
    if z_log_var.size < ENOUGH or not np.isfinite(z_log_var).all() or z_log_var.min() < 0:
        return []
    if collapsed and z_log_var.max() == 0:
        return []
    zeros = np.mean(z_log_var == 0)
    shape = f"a ReLU ({100 * zeros:.0f} % are 0)" if zeros > 0 else "a ReLU or a softplus"
    return [
        (
            True,
            f"z_log_var is never below 0, as behind {shape}: no code can be narrower than the prior, which costs most "
            "of what it could say. Make that layer linear.",
        )
    ]
