"""The audit of Keras models as people have them: a class, a function that makes one, a compiled model."""

from dataclasses import replace

import keras
import numpy as np

from vaehelpers.audit.effective_beta import audit_oracle
from vaehelpers.audit.keras_classes import check_arguments, compile_with, makes_its_own, name_of, open_class
from vaehelpers.audit.keras_faults import faults_of, of_an_encoder
from vaehelpers.audit.keras_models import borrow
from vaehelpers.audit.keras_stubs import Recorder
from vaehelpers.audit.probes import check_sizes
from vaehelpers.audit.verdict import AuditError

IMAGE_SHAPE, LATENT_DIM = (28, 28, 1), 2  # of a class, which has none of its own


def audit_keras_vae(vae, *, image_shape=None, latent_dim=None, batch_size=8, x_decoded="auto", loss=None):
    """Which beta a Keras model trains: `audit_loss` for what its own training step minimises.

    A class is made as `vae(encoder, decoder)` with networks whose outputs are set by hand. A compiled model is only
    borrowed: its layers run, but those that give z_mean, z_log_var and the decoder's output are set by hand meanwhile;
    its weights, optimiser, metrics and all random numbers come back as they were. No step trains.

    Args:
        vae: a class, made by `vae(encoder, decoder)` as the encoder returns `(z_mean, z_log_var, z)`, `(z_mean,
            z_log_var)` or both in one tensor, or by `vae()` where it makes its own networks; a function `(encoder,
            decoder) -> model`, compiled or not; a compiled functional model whose sampling layer takes [z_mean,
            z_log_var]; or a compiled model with `encoder` and `decoder`.
        image_shape, latent_dim: as of `audit_loss`, for a class (28, 28, 1) and 2 where they are `None`. A model has
            sizes of its own, which it is audited at; a note says so where others were asked for.
        batch_size, x_decoded: as of `audit_loss`.
        loss: what to compile a class with that takes its reconstruction term from `compile(loss=...)`.

    Returns:
        A `LossAudit` with framework "keras". Its batch reduction cannot be "none": a step reports one number.

    Raises:
        AuditError: no single beta exists, or none could be told, or nothing could be trained for one step; one line
            that says what to pass instead.
        TypeError, ValueError: for what is no model, and arguments that do not fit.

    Example:
        >>> from vaehelpers.models import VAE
        >>> audit_keras_vae(VAE, image_shape=(4, 4, 1)).trains_elbo
        True
    """
    refuse_graph_mode()
    if isinstance(vae, keras.Model):
        return _audit_model(vae, image_shape, latent_dim, batch_size, x_decoded, loss)
    if not callable(vae):
        raise TypeError(
            f"vae is {vae!r}: pass the class, a function (encoder, decoder) -> model, or a compiled Keras model"
        )
    if makes_its_own(vae):
        model = vae()
        compile_with(model, Recorder(), loss)
        return _audit_model(model, image_shape, latent_dim, batch_size, x_decoded, None)
    check_arguments(vae)
    sizes = check_sizes(image_shape or IMAGE_SHAPE, latent_dim or LATENT_DIM, batch_size)
    found = audit_oracle(lambda sizes: open_class(vae, sizes, loss), sizes, x_decoded)
    return replace(found, faults=_faults(lambda: open_class(vae, sizes, loss), sizes, found))


def _faults(opened, sizes, found):
    """What is at fault besides the loss; nothing is, of a model that is not opened twice (functional ones on JAX)."""
    try:
        return faults_of(opened(), sizes, found)
    except AuditError:
        return ()


def _audit_model(vae, image_shape, latent_dim, batch_size, x_decoded, loss):
    if loss is not None:
        raise AuditError(f"loss is for a class: {name_of(vae)} is a model, compile it with its loss before its audit")
    if any(getattr(vae, name, vae) is None for name in ("encoder", "decoder")):
        raise TypeError(f"vae is an instance of {type(vae).__name__}: pass the class, or one with networks")
    with borrow(vae, image_shape) as borrowed:
        own = borrowed.places.image_shape, borrowed.places.latent_dim
        sizes = check_sizes(*own, batch_size)
        found = audit_oracle(borrowed.open, sizes, x_decoded)
        if not np.isfinite(found.beta):
            raise AuditError(f"{name_of(vae)} hides how its loss follows its codes: pass the loss as a function")
        faults = _faults(lambda: borrowed.open(sizes), sizes, found)
        networks = borrowed.places
    faults += of_an_encoder(networks, sizes)
    found = replace(found, faults=faults)
    asked = tuple(image_shape or own[0]), latent_dim or own[1]
    note = f"audited at the model's own sizes: images {own[0]}, {own[1]} latents"
    return found if asked == own else replace(found, notes=(*found.notes, note))


def refuse_graph_mode():
    """One line where an import has switched TensorFlow's eager execution off: then no loss can be called.

    Raises:
        AuditError: it says what to type.
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    if not tf.executing_eagerly():
        raise AuditError(
            "an import has switched TensorFlow to graph mode, where a loss has no value: delete the line "
            "tf.compat.v1.disable_eager_execution(), and audit a function (x, x_decoded, z_mean, z_log_var)"
        )
