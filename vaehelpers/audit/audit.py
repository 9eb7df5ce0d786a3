"""Which beta ANY loss trains: the two doors, and the choice of how a loss is called."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from vaehelpers.audit.fit import fit_terms
from vaehelpers.audit.hypotheses import Within
from vaehelpers.audit.loss import FRAMEWORKS, open_loss
from vaehelpers.audit.measure import Prober
from vaehelpers.audit.probes import check_sizes
from vaehelpers.audit.reconstruction import check_option
from vaehelpers.audit.sizes import read_sizes
from vaehelpers.audit.targets import find_loss, is_factory, is_keras, refuse_graph_mode
from vaehelpers.audit.verdict import AuditError, LossAudit
from vaehelpers.audit.ways import required_parameters, ways_of

SMALL_BATCH = 2  # images on which a loss of more values than these is fitted ...
MANY = 1_000_000
STAGES = {"call": 0, "swapped": 1, "loss": 3, "kl": 4, "swapped codes": 5}  # how far it came
CERTAIN = ("names", "order", "documented")  # sources of an order that is not guessed
UNNAMED = (
    "That is a fault if it is called as loss(x, x_decoded, z_mean, z_log_var); its arguments show "
    "no names: if they stand in another order, say order='x_decoded,x,z_mean,z_log_var'"
)
OTHERS = (
    "loss_fn could not be called as loss_fn(x, x_decoded, z_mean, z_log_var), nor do a model's "
    "outputs or entries by name make a VAE's loss of it; a loss of images alone has no KL. Write "
    "such a function around it"
)


def audit_loss(
    loss_fn: Any,
    *,
    image_shape: Sequence[int] | None = None,
    latent_dim: int | None = None,
    batch_size: int = 8,
    x_decoded: str = "auto",
    framework: str = "auto",
    arguments: Mapping[str, Any] | None = None,
    order: str | Sequence[str] | None = None,
    result: str | int | None = None,
    latent_shape: Sequence[int] | None = None,
    image_range: tuple[float, float] = (0, 1),
) -> LossAudit:
    """Which beta a loss trains, by calling it: `scale * (distortion + beta * rate) + constant`.

    Args:
        loss_fn: `(x, x_decoded, z_mean, z_log_var)` to a scalar or `[B]`, for images `[B,
            *image_shape]` and codes `[B, J]`; anybody's loss on NumPy, TensorFlow, JAX or PyTorch
            arrays, in the order that its arguments' names tell. A method, an object or a class that
            holds a loss, and a Keras model, are taken as well.
        image_shape: of one image, (28, 28, 1) where it is left out; a Keras model tells its own.
        latent_dim: the number J of latent dimensions, 2 where it is left out.
        batch_size: the number B of images; it matters where the terms are reduced differently.
        x_decoded: "probabilities" or "logits" where the decoder's output is known to be that.
        framework: "numpy", "tensorflow", "jax" or "torch"; "auto" takes the first that works.
        arguments: what else the loss wants, by name, such as `{"kld_weight": 0.00025}`.
        order: what its arguments are, such as "x_decoded,x,z_mean,z_std"; `z_log_std`, `z_std` and
            `z_var` stand for another spread than the log variance, `z` for a draw.
        result: which part of what it returns is the total, a name or an index, or "sum".
        latent_shape: of one code that is no vector, such as (4, 8, 8); it replaces `latent_dim`.
        image_range: the lowest and the highest value of an image, if not (0, 1).

    Returns:
        A `LossAudit`; `print` it for a sentence and what was assumed. A detached term is seen where
        the framework has gradients (not NumPy), a clip of log variances inside of (-3, 2).

    Raises:
        AuditError: no single beta exists, or none could be told; it says what to type.
        TypeError, ValueError: for arguments that do not fit.

    Source: beta = (weight of the KL, a sum over latents) / (weight of -log p(x|z), over pixels).

    Example:
        >>> def loss(recon_x, x, mu, logvar):
        ...     squares = ((x - recon_x) ** 2).sum(axis=(1, 2, 3))
        ...     return (squares + 0.5 * (np.exp(logvar) + mu**2 - 1 - logvar).sum(axis=1)).mean()
        >>> found = audit_loss(loss)
        >>> round(found.beta, 6), found.notes
        (0.5, ('read as loss(x_decoded, x, z_mean, z_log_var), from its names',))
    """
    refuse_graph_mode()
    check_option(x_decoded)
    if is_keras(loss_fn) or is_factory(loss_fn):
        same: dict[str, Any] = {"latent_dim": latent_dim, "batch_size": batch_size}
        return audit_keras_vae(loss_fn, image_shape=image_shape, x_decoded=x_decoded, **same)
    if framework not in ("auto", *FRAMEWORKS):
        raise ValueError(f"framework is {framework!r}: pass one of auto, {', '.join(FRAMEWORKS)}")
    if latent_shape is not None:
        latent_dim = int(np.prod(check_sizes(latent_shape, 1, 1).image_shape))
    function = find_loss(loss_fn)
    latent_dim = getattr(function, "latent_dim", None) or (2 if latent_dim is None else latent_dim)
    image_shape = (28, 28, 1) if image_shape is None else image_shape
    sizes = check_sizes(image_shape, latent_dim, batch_size, image_range)
    arguments = dict(arguments or {})
    given = dict(framework=framework, arguments=arguments, result=result, latent_shape=latent_shape)
    groups = ways_of(function, arguments, order)
    try:
        prober, fit = _chosen(function, groups, sizes, given, x_decoded)
    except AuditError as error:
        named = order is not None or required_parameters(function, arguments) is not None
        if named or error.about not in ("swapped", "swapped codes"):
            raise
        raise AuditError(f"{error}. {UNNAMED}", error.about) from error
    return _concluded(prober, fit, sizes, prober.loss.way.said())


def audit_keras_vae(
    vae: Any,
    *,
    image_shape: Sequence[int] | None = None,
    latent_dim: int | None = None,
    batch_size: int = 8,
    x_decoded: str = "auto",
    loss: Any = None,
) -> LossAudit:
    """Which beta a Keras model trains: `audit_loss` for what its own training step minimises.

    A model is only borrowed: its layers run, but those that give z_mean, z_log_var and the
    decoder's output are set by hand; all that it holds comes back as it was. No step trains.

    Args:
        vae: a class, made by `vae(encoder, decoder)` with an encoder that returns `(z_mean,
            z_log_var, z)`, the first two or both in one tensor, or by `vae()`; a function
            `(encoder, decoder) -> model`; a compiled functional model whose sampling layer takes
            [z_mean, z_log_var]; or a compiled model with `encoder` and `decoder`.
        image_shape, latent_dim: of a class, (28, 28, 1) and 2 where they are `None`; a model has
            its own, and a note says so where others were asked for.
        batch_size, x_decoded: as of `audit_loss`.
        loss: what to compile a class with, if its reconstruction comes from `compile(loss=...)`.

    Returns:
        A `LossAudit` with framework "keras".

    Raises:
        AuditError: as of `audit_loss`, or nothing could be trained for one step; one line.
        TypeError, ValueError: for what is no model, and arguments that do not fit.

    Example:
        >>> from vaehelpers.models import VAE
        >>> audit_keras_vae(VAE, image_shape=(4, 4, 1)).trains_elbo
        True
    """
    from vaehelpers.audit.keras_model import opened_keras

    refuse_graph_mode()
    check_option(x_decoded)
    with opened_keras(vae, image_shape, latent_dim, batch_size, loss) as opened:
        prober, fit = _fitted(opened, opened.sizes, x_decoded)
        found = _concluded(prober, fit, opened.sizes)
        return replace(found, faults=opened.faults(found), notes=(*found.notes, *opened.notes))


def _chosen(function, groups, sizes, given, x_decoded):
    """The `Prober` and `Fit` under the first way of calling that makes a known loss of it.

    `groups` are lists of `Way`s, alternatives, the likeliest list first; `given` the options of
    `open_loss`. Of two ways that train different betas an `AuditError` names both.
    """
    errors = []  # the one that came furthest says most of what is wrong
    furthest = partial(max, key=lambda error: STAGES.get(error.about, 2))
    for group in groups:
        found = []
        called = any(error.about != "call" for error in errors)
        for way in group:
            if way.source == "refused" and called:
                continue
            try:
                found += _fits_of(open_loss(function, way, sizes, **given), sizes, x_decoded)
            except AuditError as error:
                errors.append(error)
                if error.about == "loss":  # no other way of calling it would change that
                    raise furthest(errors) from error
            if found and way.source in CERTAIN:
                break
        if found:
            return _only(found)
    if groups[0][0].source == "outputs":
        raise AuditError(OTHERS, about="call")
    raise furthest(errors)


def _fits_of(tiers, sizes, x_decoded):
    """Pairs of a `Prober` and a `Fit` of the first tier of opened losses that has any."""
    failed = []
    for tier in tiers:
        found = []
        for opened in tier:
            try:
                found.append(_fitted(opened, sizes, x_decoded))
            except AuditError as error:
                failed.append(error)
        if found:
            return found
    if len(tiers[0]) > 2:
        none = f"none of the {len(tiers[0])} values it returns is a VAE's loss by itself"
        said = f"{failed[0]}; {none}"
        raise AuditError(f"{said}: say result=0, ..., or result='sum'", failed[0].about)
    raise failed[0]


def _fitted(opened, sizes, x_decoded):
    """An opened loss's `Prober` and `Fit`, on few images where these are large."""
    small = sizes._replace(batch=min(sizes.batch, SMALL_BATCH))
    with np.errstate(all="ignore"):
        try:
            at = small if sizes.batch * sizes.pixels > MANY else sizes
            prober = Prober(opened.at(at), at)
        except AuditError:  # a loss of one batch size
            prober = Prober(opened.at(sizes), sizes)
        return prober, fit_terms(prober, x_decoded)


def _only(found):
    """The first, where all train one beta."""
    betas = [fit.weights.kl / fit.weights.distortion for _, fit in found]
    if max(betas) - min(betas) <= Within.SAME * max(betas):
        return found[0]
    readings = {}
    for beta, (prober, _) in zip(betas, found, strict=True):
        way = prober.loss.way
        said = f"order={','.join(way.roles)!r}" if way.result is None else f"result={way.result!r}"
        readings[f"beta = {beta:.3g} with {said}"] = way
    raise AuditError(f"it can be read in several ways: {'; '.join(readings)}: say which")


def _concluded(prober, fit, sizes, said=()):
    """The `LossAudit` of a fitted loss, from calls at other sizes; `said` is how it was called."""
    weights = fit.weights
    with np.errstate(all="ignore"):
        if prober.sizes != sizes:
            weights = prober.at(sizes).weights(fit.likelihood)
        fields = read_sizes(prober, weights, fit.likelihood)
        prober.check_steady()
    beta = float(weights.kl / weights.distortion)
    if not np.isfinite(beta):
        raise AuditError("it hides how the loss follows its codes: pass the loss as a function")
    return LossAudit(
        beta=beta,
        likelihood=fit.likelihood.name,
        x_decoded=fit.likelihood.reads,
        residual=float(fit.misfit),
        framework=prober.loss.framework,
        **fields | {"notes": (*said, *fields["notes"], *fit.notes)},
    )
