"""Which beta a loss trains: its weights of the distortion and of the KL, measured by calling it."""

from dataclasses import replace

import numpy as np

from vaehelpers.audit.calling.frameworks import FRAMEWORKS
from vaehelpers.audit.calling.reading import Loss, read
from vaehelpers.audit.calling.signatures import calls_of, required_parameters
from vaehelpers.audit.calling.targets import is_factory, is_keras, loss_in
from vaehelpers.audit.decoder_variance import find_decoder_variance
from vaehelpers.audit.fit import fit_terms
from vaehelpers.audit.prober import Prober
from vaehelpers.audit.probes import check_sizes
from vaehelpers.audit.reductions import read_reductions
from vaehelpers.audit.verdict import AuditError, LossAudit

FEW, MANY = 2, 1_000_000  # images on which a loss of so many values is fitted
READINGS = ("auto", "probabilities", "logits")


def audit_loss(
    loss_fn,
    *,
    image_shape=None,
    latent_dim=None,
    batch_size=8,
    x_decoded="auto",
    framework="auto",
    arguments=None,
    order=None,
    result=None,
    latent_shape=None,
):
    """Which beta a VAE's loss trains, found by calling it: `loss = scale * (distortion + beta * rate) + constant`.

    Args:
        loss_fn: `(x, x_decoded, z_mean, z_log_var)` to a scalar or `[B]`, for images `[B, *image_shape]` and codes
            `[B, J]`; anybody's loss on NumPy, TensorFlow, JAX or PyTorch arrays. In another order where the names of
            its arguments tell it, or tell nothing and one order makes it a known loss. A method, an object or a class
            that holds a loss, and a Keras model, are taken as well.
        image_shape: the shape of one image, (28, 28, 1) where it is left out; other sizes are tried as well, to tell a
            sum from a mean. A Keras model tells its own.
        latent_dim: the number J of latent dimensions, 2 where it is left out.
        batch_size: the number B of images; it matters where the two terms are reduced differently over the batch.
        x_decoded: "probabilities" or "logits" where the decoder's output is known to be that, else "auto".
        framework: "numpy", "tensorflow", "jax" or "torch"; "auto" takes the first in which the loss can be called.
        arguments: what else the loss wants, by name, such as `{"kld_weight": 0.00025}`.
        order: what its arguments are, such as "x_decoded,x,z_mean,z_std"; `z_log_std`, `z_std` and `z_var` stand for
            another spread of the encoder's than the log variance, `z` for a draw.
        result: which part of what it returns is the total, a name or an index, or "sum".
        latent_shape: the shape of one code where it is no vector, such as (4, 8, 8); it replaces `latent_dim`.

    Returns:
        A `LossAudit`; `print` it for a sentence, below which stands what was assumed. A detached term is seen where
        the framework has gradients: not in NumPy. Codes are tried with log variances in (-3, 2): a clip outside of
        that does not count.

    Raises:
        AuditError: no single beta exists, or none could be told; the message says what was found, or what to type.
        TypeError, ValueError: for arguments that do not fit.

    Source: beta = (weight of the KL, summed over latents) / (weight of minus log p(x|z), summed over pixels).

    Example:
        >>> def loss(recon_x, x, mu, logvar):
        ...     squares = ((x - recon_x) ** 2).sum(axis=(1, 2, 3))
        ...     return (squares + 0.5 * (np.exp(logvar) + mu**2 - 1 - logvar).sum(axis=1)).mean()
        >>> found = audit_loss(loss)
        >>> round(found.beta, 6), found.notes
        (0.5, ('read as loss(x_decoded, x, z_mean, z_log_var), from its names',))
    """
    if is_keras(loss_fn) or is_factory(loss_fn):
        return _of_keras(loss_fn, image_shape, latent_dim, batch_size, x_decoded)
    if latent_shape is not None:
        latent_dim = int(np.prod(check_sizes(latent_shape, 1, 1).image_shape))
    image_shape = (28, 28, 1) if image_shape is None else image_shape
    sizes = check_sizes(image_shape, 2 if latent_dim is None else latent_dim, batch_size)
    if framework not in ("auto", *FRAMEWORKS):
        raise ValueError(f"framework is {framework!r}: pass one of auto, {', '.join(FRAMEWORKS)}")
    check_reading(x_decoded)
    arguments = dict(arguments or {})
    function = loss_in(loss_fn)
    own = getattr(function, "latent_dim", None)  # a module with a number of its own in its loss is wrong at another
    if isinstance(own, int):
        sizes = sizes._replace(latent_dim=own)
    loss = Loss(function, framework, arguments, result, latent_shape)
    groups = calls_of(function, arguments, order)
    try:
        found, call = read(loss, groups, sizes, lambda oracle: audit_oracle(lambda sizes: oracle, sizes, x_decoded))
    except AuditError as error:
        if "are swapped" not in str(error) or order is not None or required_parameters(function, arguments) is not None:
            raise
        raise AuditError(
            f"{error}. That is a fault if it is called as loss(x, x_decoded, z_mean, z_log_var); its arguments show no "
            "names: if they stand in another order, say order='x_decoded,x,z_mean,z_log_var'"
        ) from error
    return replace(found, notes=(*call.said(), *found.notes))


def _of_keras(model, image_shape, latent_dim, batch_size, x_decoded):
    from vaehelpers.audit import audit_keras_vae

    sizes = {"image_shape": image_shape, "latent_dim": latent_dim}
    given = {name: size for name, size in sizes.items() if size is not None}
    return audit_keras_vae(model, x_decoded=x_decoded, batch_size=batch_size, **given)


def check_reading(x_decoded):
    """Raise where x_decoded is no known reading."""
    if x_decoded not in READINGS:
        raise ValueError(f"x_decoded is {x_decoded!r}: pass one of {', '.join(READINGS)}")


def audit_oracle(open_oracle, sizes, x_decoded):
    """The audit of what `open_oracle(sizes)` returns, at `sizes` and at others."""
    check_reading(x_decoded)
    with np.errstate(all="ignore"):
        return _audit(open_oracle, sizes, x_decoded)


def _audit(open_oracle, sizes, x_decoded):
    small = sizes._replace(batch=FEW) if sizes.batch > FEW and sizes.batch * sizes.pixels > MANY else sizes
    try:
        prober = Prober(open_oracle(small), small)
    except AuditError:  # a loss of one batch size
        small = sizes
        prober = Prober(open_oracle(small), small)
    found = fit_terms(open_oracle, prober, x_decoded)

    def weights_at(other):
        return Prober(open_oracle(other), other, prober.noisy).weights(found.likelihood)

    weights = found.weights if small == sizes else weights_at(sizes)
    reading = read_reductions(weights, weights_at, prober.per_example, found.likelihood)
    prober.check_steady()
    variance = find_decoder_variance(found.likelihood, reading)
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
