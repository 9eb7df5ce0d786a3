"""Which beta a loss trains: its weights of the distortion and of the KL, measured by calling it."""

import numpy as np

from vaehelpers.audit.decoder_variance import find_decoder_variance
from vaehelpers.audit.fit import fit_terms
from vaehelpers.audit.frameworks import FRAMEWORKS
from vaehelpers.audit.oracle import Oracle
from vaehelpers.audit.prober import Prober
from vaehelpers.audit.probes import check_sizes, probe_at, random_codes, random_images
from vaehelpers.audit.reductions import read_reductions
from vaehelpers.audit.verdict import LossAudit

READINGS = ("auto", "probabilities", "logits")


def audit_loss(loss_fn, *, image_shape=(28, 28, 1), latent_dim=2, batch_size=8, x_decoded="auto", framework="auto"):
    """Which beta a VAE's loss trains, found by calling it: `loss = scale * (distortion + beta * rate) + constant`.

    Args:
        loss_fn: `(x, x_decoded, z_mean, z_log_var)` to a scalar or `[B]`, for images `[B, *image_shape]` and codes
            `[B, J]`; anybody's loss on NumPy, TensorFlow, JAX or PyTorch arrays.
        image_shape: the shape of one image; other sizes are tried as well, to tell a sum from a mean.
        latent_dim: the number J of latent dimensions.
        batch_size: the number B of images; it matters where the two terms are reduced differently over the batch.
        x_decoded: "probabilities" or "logits" where the decoder's output is known to be that, else "auto".
        framework: "numpy", "tensorflow", "jax" or "torch"; "auto" takes the first in which the loss can be called.

    Returns:
        A `LossAudit`; `print` it for a sentence. A detached term is seen where the framework has gradients: not in
        NumPy. Codes are tried with log variances in (-3, 2): a clip outside of that does not count.

    Raises:
        AuditError: no single beta exists, or none could be told; the message says what was found.
        TypeError, ValueError: for arguments that do not fit.

    Source: beta = (weight of the KL, summed over latents) / (weight of minus log p(x|z), summed over pixels).

    Example:
        >>> def loss(x, x_decoded, z_mean, z_log_var):
        ...     squares = ((x - x_decoded) ** 2).sum(axis=(1, 2, 3))
        ...     return (squares + 0.5 * (np.exp(z_log_var) + z_mean**2 - 1 - z_log_var).sum(axis=1)).mean()
        >>> round(audit_loss(loss).beta, 6)
        0.5
    """
    sizes = check_sizes(image_shape, latent_dim, batch_size)
    if not callable(loss_fn):
        raise TypeError(f"loss_fn is a {type(loss_fn).__name__}: pass a function (x, x_decoded, z_mean, z_log_var)")
    if framework not in ("auto", *FRAMEWORKS):
        raise ValueError(f"framework is {framework!r}: pass one of auto, {', '.join(FRAMEWORKS)}")
    rng = np.random.default_rng(1)
    oracle = Oracle(loss_fn, framework, probe_at(random_images(sizes, rng), random_codes(sizes, 0.3, rng)))
    return audit_oracle(lambda sizes: oracle, sizes, x_decoded)


def audit_oracle(open_oracle, sizes, x_decoded):
    """The audit of what `open_oracle(sizes)` returns, at `sizes` and at others."""
    if x_decoded not in READINGS:
        raise ValueError(f"x_decoded is {x_decoded!r}: pass one of {', '.join(READINGS)}")
    with np.errstate(all="ignore"):
        return _audit(open_oracle, sizes, x_decoded)


def _audit(open_oracle, sizes, x_decoded):
    prober = Prober(open_oracle(sizes), sizes)
    found = fit_terms(open_oracle, prober, x_decoded)

    def weights_at(other):
        return Prober(open_oracle(other), other, prober.noisy).weights(found.likelihood)

    reading = read_reductions(found.weights, weights_at, prober.per_example, found.likelihood)
    prober.check_steady()
    variance = find_decoder_variance(found.likelihood, reading)
    weights = found.weights
    return LossAudit(
        beta=float(weights.kl / weights.distortion),
        likelihood=found.likelihood.name,
        x_decoded=found.likelihood.reads,
        decoder_variance=variance,
        scale=float(reading.scale),
        residual=float(found.misfit),
        framework=prober.oracle.framework,
        factors=(
            float(reading.summed / (weights.distortion * (variance or 1.0))),
            float(reading.summed / weights.kl),
        ),
        notes=(*reading.notes, *found.notes),
        **reading.reductions,
    )
