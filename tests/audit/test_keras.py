"""Keras classes: `train_step` as in the Keras example, `compute_loss`, and what goes wrong."""

import functools
import time

import keras
import numpy as np
import pytest
from audit_losses import SMALL, holds
from keras import ops
from keras_losses import (
    TwoNetworks,
    bce,
    drawn,
    keras_refused,
    keras_trains,
    kl,
    kl_per_dim,
    stepped,
    tensorflow_only,
)

from vaehelpers import losses
from vaehelpers.audit import AuditError, audit_keras_vae
from vaehelpers.models import VAE


def loss_2020(x, x_decoded, z_mean, z_log_var, z, pixels=30.0):
    reconstruction = pixels * ops.mean(keras.losses.binary_crossentropy(x, x_decoded))
    return reconstruction + ops.mean(kl_per_dim(z_mean, z_log_var))


def loss_2021(x, x_decoded, z_mean, z_log_var, z):
    return ops.mean(bce(x, x_decoded)) + kl(z_mean, z_log_var)


def loss_detached(x, x_decoded, z_mean, z_log_var, z):
    return loss_2021(x, x_decoded, *map(ops.stop_gradient, (z_mean, z_log_var)), z)


def loss_of_one_draw(x, x_decoded, z_mean, z_log_var, z):
    log_ratio = 0.5 * (ops.square(z) - ops.square(z - z_mean) / ops.exp(z_log_var) - z_log_var)
    return ops.mean(bce(x, x_decoded)) + 2 * ops.mean(ops.sum(log_ratio, axis=1))


class ExampleVAE(TwoNetworks):
    """The Keras example's form: an encoder that returns z as well, a train_step of its own."""

    def __init__(self, encoder, decoder, loss=loss_2020, returns_z=True):
        super().__init__(encoder, decoder)
        self.total, self.returns_z = loss, returns_z
        self.loss_tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.loss_tracker]

    def train_step(self, data):
        import tensorflow as tf

        with tf.GradientTape() as tape:
            if self.returns_z:
                z_mean, z_log_var, z = self.encoder(data)
            else:
                z_mean, z_log_var = self.encoder(data)
                z = drawn(z_mean, z_log_var)
            total = self.total(data, self.decoder(z), z_mean, z_log_var, z)
        return stepped(self, tape, total)


class TargetVAE(ExampleVAE):
    """Trained by fit(x, x)."""

    def train_step(self, data):
        return super().train_step(data[0])


def example_of(loss, made=ExampleVAE, **arguments):
    return lambda encoder, decoder: made(encoder, decoder, loss, **arguments)


PIXELS_ONE = example_of(functools.partial(loss_2020, pixels=1.0))


@tensorflow_only
@pytest.mark.parametrize(
    ("made", "beta", "sizes"),
    [
        (ExampleVAE, 1 / 3, SMALL),
        (PIXELS_ONE, 10, SMALL),
        (PIXELS_ONE, 392, {}),
        (example_of(functools.partial(loss_2020, pixels=784.0)), 0.5, {}),
        (example_of(loss_2021), 1, SMALL),
        (example_of(loss_2021, returns_z=False), 1, SMALL),
        (example_of(loss_2021, TargetVAE), 1, SMALL),
        (example_of(loss_of_one_draw), 2, SMALL),
    ],
)
def test_classes_in_the_form_of_the_keras_example(made, beta, sizes):
    start = time.process_time()
    found = keras_trains(beta, made, **sizes)
    holds(found, likelihood="bernoulli", x_decoded="probabilities", framework="keras")
    assert time.process_time() - start < 40  # a second or two where nothing else runs


@tensorflow_only
def test_a_detached_kl_is_found_by_its_gradient():
    keras_refused("the KL term is detached", example_of(loss_detached), **SMALL)


@pytest.mark.backend
def test_a_batch_of_one_has_gradients_too():
    assert audit_keras_vae(VAE, **SMALL, batch_size=1).trains_elbo


@pytest.mark.backend
def test_weights_of_the_loss_are_left_as_they_are():
    variance = pytest.approx(np.exp(-3), rel=1e-3)
    log_likelihood = losses.GaussianWithLearnedVariance(variance=float(np.exp(-3)))
    found = audit_keras_vae(lambda e, d: VAE(e, d, log_likelihood=log_likelihood), **SMALL)
    assert log_likelihood.variance == pytest.approx(np.exp(-3), rel=1e-6)
    holds(found, beta=variance, decoder_variance=variance)


def averaged(distortion, kl):
    return ops.mean(distortion) / 784 + ops.mean(ops.sum(kl, axis=1))


def summed(distortion, kl):
    return ops.sum(distortion) + 4 * ops.sum(kl)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("objective", "beta", "batch"),
    [(None, 1, "mean"), (averaged, 784, "mean"), (summed, 4, "sum")],
)
def test_the_vae_of_the_course(objective, beta, batch):
    found = keras_trains(beta, lambda e, d: VAE(e, d, objective=objective), **SMALL)
    holds(found, x_decoded="logits", pixel_reduction="sum", batch_reduction=batch)


class ComputeLossVAE(TwoNetworks):
    """Keras's own train_step, a loss of its own, added losses."""

    def call(self, x):
        z_mean, z_log_var, z = self.encoder(x)
        self.add_loss(3 * kl(z_mean, z_log_var))
        return self.decoder(z)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.sum(ops.square(x - y_pred), axis=(1, 2, 3))) + sum(self.losses)


@pytest.mark.backend
def test_a_class_with_compute_loss_and_add_loss():
    holds(keras_trains(1.5, ComputeLossVAE, **SMALL), likelihood="gaussian")


class NearVAE(ComputeLossVAE):
    """Its training step refuses codes far out."""

    def train_step(self, *args):
        z_mean, *_ = self.encoder(ops.zeros((1, 1)))
        if ops.max(ops.abs(z_mean)) > 20:
            raise RuntimeError("too far")
        return super().train_step(*args)


@pytest.mark.backend
def test_an_error_of_a_class_at_some_codes_is_reported():
    said = r"training step raised RuntimeError .* up to 30: too far"
    keras_refused(said, NearVAE, **SMALL)


class NoLossVAE(ComputeLossVAE):
    def compute_loss(self, *args, **kwargs):
        raise RuntimeError("no such tensor")


@pytest.mark.parametrize(
    ("made", "error", "said"),
    [
        (VAE(None, None), TypeError, "an instance of VAE: pass the class"),
        ("VAE", TypeError, "pass the class"),
        (functools.partial(NoLossVAE), AuditError, "could not be made as VAE"),
        (NoLossVAE, AuditError, "NoLossVAE could not be made .*no such tensor.*"),
        (lambda encoder: None, AuditError, "could not be made as VAE"),
    ],
)
def test_classes_that_cannot_be_audited(made, error, said):
    with pytest.raises(error, match=said):
        audit_keras_vae(made, **SMALL)
