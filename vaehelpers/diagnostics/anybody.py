"""Anybody's Keras VAE, read as the course's own: its networks, its likelihood and how its decoder's output is meant."""

import functools
from typing import NamedTuple

import numpy as np

from vaehelpers.data import check_images
from vaehelpers.diagnostics.networks import (
    Codes,
    Decoded,
    codes_of,
    ends_in_sigmoid,
    range_of_outputs,
)

AUDITED_BATCH = 8  # the default of `audit_keras_vae`
PASS = "pass a vaehelpers.models.VAE, or a Keras model with an encoder and a decoder"
OWN = "models.VAE(encoder, decoder, log_likelihood=...) with what it trains"


class Reading(NamedTuple):
    """A model as a `models.VAE`, and what its own loss says of it.

    `about_loss` is `None` for a VAE of the course, else its beta, its likelihood's name with how it reads, a sentence;
    `notes` are findings on how the decoder is read.
    """

    vae: object
    about_loss: tuple | None
    notes: list


def read_model(vae, x):
    """Read a model with an `encoder` and a `decoder` as a `models.VAE`; one of the course stays as it is.

    Only a decoder of the course's that ends in a sigmoid, before a likelihood that reads logits, has its probabilities
    turned back to logits. Of another model the audit of its loss tells the likelihood; where it does not, outputs that
    are all in [0, 1] on these images are a Bernoulli's probabilities.

    Args:
        vae: a `models.VAE`, or a Keras model whose encoder gives (z_mean, z_log_var) or (z_mean, z_log_var, z).
        x: images `[N, ...]`.

    Returns:
        A `Reading`.

    Raises:
        TypeError: for what has no such networks.
        ValueError: where the decoder's output does not fit its likelihood, or none can be told; with the cure.
    """
    from vaehelpers.models import VAE

    if isinstance(vae, VAE):
        return _of_the_course(vae, x)
    networks = [getattr(vae, name, None) for name in ("encoder", "decoder")]
    if not all(callable(network) for network in networks):
        raise TypeError(f"vae is a {type(vae).__name__}: {PASS}")
    x = check_images(x, image_shape=_input_shape(networks[0]))
    order, codes_shape = codes_of(networks[0], x)
    low, high = range_of_outputs(networks, order, x)
    audit, why = _audit(vae)
    likelihood, log_likelihood, reads, said = _likelihood(audit, why, x, (low, high))
    encoder, decoder = (
        Codes(networks[0], order),
        Decoded(networks[1], codes_shape, x.shape[1:], reads),
    )
    read = VAE(encoder, decoder, log_likelihood=log_likelihood)
    read.latent_dim = int(np.prod(codes_shape))
    beta = None if audit is None else audit.beta
    sentence = (
        str(audit).splitlines()[0] if audit else f"Which beta it trains cannot be told: {why}."
    )
    twice = (
        audit is not None
        and reads == "as they are"
        and likelihood[1] == "logits"
        and ends_in_sigmoid(networks[1])
    )
    notes = [(False, f"The decoder's output is read as {said}.")] if said else []
    notes += _faults(audit)
    if twice:
        notes.append(
            (
                True,
                "The decoder ends in a sigmoid and the loss applies another one: drop one of the two.",
            )
        )
    return Reading(read, (beta, likelihood, sentence), notes)


def _faults(audit):
    """What the audit found besides beta, as findings."""
    faults = [] if audit is None else [(True, f"At fault: {fault}.") for fault in audit.faults]
    if audit is not None and audit.batch_reduction == "mixed":
        said = "One term is summed over the batch and the other averaged, so beta depends on the batch size; that above"
        faults.append((True, f"{said} is for batches of {AUDITED_BATCH}. Reduce both alike."))
    return faults


def _of_the_course(vae, x):
    """The VAE as it is; behind a sigmoid its decoder's logits, which its likelihood reads."""
    from vaehelpers.data.likelihoods import known_likelihood
    from vaehelpers.models import VAE

    known = known_likelihood(vae.log_likelihood)
    wants_logits = known is not None and known.reads == "logits"
    sigmoid = wants_logits and ends_in_sigmoid(vae.decoder)
    draws_too = len(getattr(vae.encoder, "outputs", None) or ()) == 3
    if not (sigmoid or draws_too):
        return Reading(vae, None, [])
    order = (
        codes_of(vae.encoder, check_images(x, image_shape=_input_shape(vae.encoder)))[0]
        if draws_too
        else None
    )
    encoder = Codes(vae.encoder, order) if draws_too else vae.encoder
    decoder = Decoded(vae.decoder, None, None, "probabilities") if sigmoid else vae.decoder
    read = VAE(
        encoder,
        decoder,
        log_likelihood=vae.log_likelihood,
        prior=vae.prior,
        objective=vae.objective,
    )
    read.latent_dim = vae.latent_dim or getattr(vae.decoder, "input_shape", (None, None))[-1]
    said = (
        "The decoder ends in a sigmoid, so its output is read as probabilities, all in [0, 1]. Its likelihood "
        f"({known.name}) takes logits: if this model was trained as it stands, the sigmoid was taken twice; drop it."
    )
    return Reading(read, None, [(True, said)] if sigmoid else [])


def _audit(vae):
    """A `LossAudit` and `None`, or `None` and why there is none."""
    import keras

    from vaehelpers.audit import AuditError, audit_keras_vae

    if not isinstance(vae, keras.Model):
        return None, f"a {type(vae).__name__} is no Keras model with a loss"
    try:
        return audit_keras_vae(vae), None
    except AuditError as error:
        return None, str(error).splitlines()[0].split(". ")[0].rstrip(".:")


def _likelihood(audit, why, x, span):
    """The likelihood's name and reading, the function of `losses`, how the output is turned, and that in words."""
    from vaehelpers import losses

    low, high = span
    within = low >= 0 and high <= 1
    goes = f"the decoder's output goes from {low:.3g} to {high:.3g} on x"
    if audit is None:
        if not (within and x.min() >= 0 and x.max() <= 1):
            raise ValueError(f"vae's likelihood cannot be told ({why}), and {goes}: pass {OWN}")
        said = f"probabilities of a Bernoulli, since it lies in [0, 1] on all {len(x):,} images"
        return ("bernoulli", "logits"), losses.bernoulli_log_likelihood, "probabilities", said
    if audit.likelihood == "bernoulli":
        x_ends = check_images(x, unit_interval=True)
        if audit.x_decoded == "logits":
            said = "logits, as its loss reads it: what there is to draw is its sigmoid"
            return ("bernoulli", "logits"), losses.bernoulli_log_likelihood, "as they are", said
        if not within:
            raise ValueError(
                f"vae.decoder gives logits where its loss takes probabilities: {goes}; give the decoder a sigmoid, or "
                "pass from_logits=True to the cross-entropy"
            )
        said = (
            f"probabilities, as its loss reads it; it lies in [0, 1] on all {len(x_ends):,} images"
        )
        return ("bernoulli", "logits"), losses.bernoulli_log_likelihood, "probabilities", said
    reads = "logits of means" if audit.x_decoded == "logits" else "as they are"
    if audit.likelihood == "gaussian":
        variance = audit.decoder_variance or 1.0
        said = f"the mean of a Gaussian of variance {variance:.3g}"
        function = functools.partial(
            losses.gaussian_log_likelihood, log_var=float(np.log(variance))
        )
        return (
            ("gaussian", "means"),
            function if variance != 1 else losses.gaussian_log_likelihood,
            reads,
            said,
        )
    if audit.likelihood == "laplace":
        return (
            ("laplace", "means"),
            losses.laplace_log_likelihood,
            reads,
            "the median of a Laplace of scale 1",
        )
    raise ValueError(f"vae has a {audit.likelihood} likelihood, of which no diagnosis is known")


def _input_shape(encoder):
    shape = getattr(encoder, "input_shape", None)
    return shape[1:] if isinstance(shape, tuple) and None not in shape[1:] else None
