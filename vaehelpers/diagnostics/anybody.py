"""Anybody's Keras VAE, read as the course's: its networks, its likelihood, its decoder's output."""

import functools

import numpy as np

from vaehelpers.data import check_images
from vaehelpers.data.likelihoods import LIKELIHOODS, known_likelihood
from vaehelpers.diagnostics.findings import Finding
from vaehelpers.diagnostics.networks import (
    as_they_are,
    codes_by,
    codes_of,
    ends_in_sigmoid,
    images_by,
    logits_of,
    range_of_outputs,
)
from vaehelpers.diagnostics.trained import Trained, audited

AUDITED_BATCH = 8  # the default of `audit_keras_vae`
PASS = "pass a vaehelpers.models.VAE, or a Keras model with an encoder and a decoder"
OWN = "models.VAE(encoder, decoder, log_likelihood=...) with what it trains"


def read_model(vae, x):
    """Read a model with an `encoder` and a `decoder` as a `models.VAE`.

    One of the course stays as it is; only a decoder that ends in a sigmoid, before a likelihood
    that reads logits, has its probabilities turned back to logits. Of another model the audit of
    its loss tells the likelihood; where it does not, outputs that are all in [0, 1] on these images
    are a Bernoulli's probabilities.

    Args:
        vae: a `models.VAE`, or a Keras model whose encoder gives (z_mean, z_log_var) or
            (z_mean, z_log_var, z).
        x: images `[N, ...]`.

    Returns:
        The `models.VAE`; what the model's own loss trains, a `Trained`, `None` for one of the
        course; and findings on how the decoder is read.

    Raises:
        TypeError: for what has no such networks.
        ValueError: where the decoder's output does not fit its likelihood, or none can be told;
            with the cure.
    """
    from vaehelpers.models import VAE

    if isinstance(vae, VAE):
        return _of_the_course(vae, x)
    encoder, decoder = (getattr(vae, name, None) for name in ("encoder", "decoder"))
    if not (callable(encoder) and callable(decoder)):
        raise TypeError(f"vae is a {type(vae).__name__}: {PASS}")
    x = check_images(x, image_shape=_input_shape(encoder))
    order, codes_shape = codes_of(encoder, x)
    span = range_of_outputs(encoder, decoder, order, x)
    audit, said = _audit(vae)
    turned, reads = _turned(audit, said, span, len(x))
    notes = [Finding(f"The decoder's output is read as {reads}."), *_faults(audit)]
    trained, log_likelihood = _likelihood(audit, said)
    as_logits = turned is as_they_are and trained.likelihood.reads == "logits"
    if as_logits and ends_in_sigmoid(decoder):
        said = "The decoder ends in a sigmoid and the loss applies another one"
        notes.append(Finding(f"{said}: drop one of the two.", urgent=True))
    codes = codes_by(encoder, order)
    images = images_by(decoder, codes_shape, x.shape[1:], turned)
    read = VAE(codes, images, log_likelihood=log_likelihood)
    read.latent_dim = int(np.prod(codes_shape))
    return read, trained, notes


def _of_the_course(vae, x):
    """The VAE as it is; behind a sigmoid its decoder's logits, which its likelihood reads."""
    from vaehelpers.models import VAE

    known = known_likelihood(vae.log_likelihood)
    sigmoid = known is not None and known.reads == "logits" and ends_in_sigmoid(vae.decoder)
    draws_too = len(getattr(vae.encoder, "outputs", None) or ()) == 3
    if not (sigmoid or draws_too):
        return vae, None, []
    parts = {name: getattr(vae, name) for name in ("log_likelihood", "prior", "objective")}
    read = VAE(vae.encoder, vae.decoder, **parts)
    read.latent_dim = vae.latent_dim
    notes = []
    if draws_too:
        images = check_images(x, image_shape=_input_shape(vae.encoder))
        read.encoder = codes_by(vae.encoder, codes_of(vae.encoder, images)[0])
    if sigmoid:
        read.latent_dim = vae.decoder.input_shape[-1]
        read.decoder = images_by(vae.decoder, (-1,), np.shape(x)[1:], logits_of)
        said = (
            "The decoder ends in a sigmoid, so its output is read as probabilities, all in [0, 1]. "
            f"Its likelihood ({known.name}) takes logits: if this model was trained as it stands, "
            "the sigmoid was taken twice; drop it."
        )
        notes.append(Finding(said, urgent=True))
    return read, None, notes


def _faults(audit):
    """What the audit found besides beta."""
    faults = [] if audit is None else [f"At fault: {fault}." for fault in audit.faults]
    if audit is not None and audit.batch_reduction == "mixed":
        faults.append(
            "One term is summed over the batch and the other averaged, so beta depends on the "
            f"batch size; that above is for batches of {AUDITED_BATCH}. Reduce both alike."
        )
    return [Finding(fault, urgent=True) for fault in faults]


def _audit(vae):
    import keras

    from vaehelpers.audit import audit_keras_vae

    if not isinstance(vae, keras.Model):
        return None, f"a {type(vae).__name__} is no Keras model with a loss"
    return audited(audit_keras_vae, vae)


def _likelihood(audit, said):
    """What is trained, and the function of `losses` for it, of the variance that the loss shows."""
    from vaehelpers import losses

    if audit is None:
        said = f"Which beta it trains cannot be told: {said}."
        return Trained(None, LIKELIHOODS["bernoulli"], said), losses.bernoulli_log_likelihood
    function = getattr(losses, f"{audit.likelihood}_log_likelihood")
    if audit.decoder_variance is not None:
        function = functools.partial(function, log_var=float(np.log(audit.decoder_variance)))
    return Trained(audit.beta, LIKELIHOODS[audit.likelihood], said), function


def _turned(audit, why, span, n):
    """By what the output is turned to what the likelihood reads, and what it is, in words."""
    from keras import ops

    goes = f"the decoder's output goes from {span[0]:.3g} to {span[1]:.3g} on x"
    within = span[0] >= 0 and span[1] <= 1
    if audit is None:
        if not within:
            raise ValueError(f"vae's likelihood cannot be told ({why}), and {goes}: pass {OWN}")
        said = f"probabilities of a Bernoulli, since it lies in [0, 1] on all {n:,} images"
        return logits_of, said
    if audit.likelihood == "bernoulli":
        if audit.x_decoded == "logits":
            said = "logits, as its loss reads it: what there is to draw is its sigmoid"
            return as_they_are, said
        if not within:
            raise ValueError(
                f"vae.decoder gives logits where its loss takes probabilities: {goes}; give the "
                "decoder a sigmoid, or pass from_logits=True to the cross-entropy"
            )
        said = f"probabilities, as its loss reads it; it lies in [0, 1] on all {n:,} images"
        return logits_of, said
    said = {
        "gaussian": f"the mean of a Gaussian of variance {audit.decoder_variance or 1.0:.3g}",
        "laplace": "the median of a Laplace of scale 1",
    }.get(audit.likelihood)
    if said is None:
        raise ValueError(f"vae has a {audit.likelihood} likelihood, of which no diagnosis is known")
    return ops.sigmoid if audit.x_decoded == "logits" else as_they_are, said


def _input_shape(encoder):
    shape = getattr(encoder, "input_shape", None)
    return shape[1:] if isinstance(shape, tuple) and None not in shape[1:] else None
