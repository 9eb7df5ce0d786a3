"""The audit of Keras classes: `train_step` as in the Keras example, `compute_loss`, and what goes wrong."""

import functools
import time

import keras
import numpy as np
import pytest
from keras import ops

from vaehelpers import losses
from vaehelpers.audit import AuditError, audit_keras_vae
from vaehelpers.models import VAE

tensorflow_only = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a GradientTape needs TensorFlow"
)
SMALL = {"image_shape": (6, 5, 1), "latent_dim": 3}


def kl_per_dim(z_mean, z_log_var):
    return 0.5 * (ops.exp(z_log_var) + ops.square(z_mean) - 1 - z_log_var)


def loss_2020(x, x_decoded, z_mean, z_log_var, z, pixels):
    return pixels * ops.mean(keras.losses.binary_crossentropy(x, x_decoded)) + ops.mean(
        kl_per_dim(z_mean, z_log_var)
    )


def loss_2021(x, x_decoded, z_mean, z_log_var, z, pixels):
    summed = ops.sum(keras.losses.binary_crossentropy(x, x_decoded), axis=(1, 2))
    return ops.mean(summed) + ops.mean(ops.sum(kl_per_dim(z_mean, z_log_var), axis=1))


def loss_detached(x, x_decoded, z_mean, z_log_var, z, pixels):
    return loss_2021(
        x, x_decoded, ops.stop_gradient(z_mean), ops.stop_gradient(z_log_var), z, pixels
    )


def loss_of_one_draw(x, x_decoded, z_mean, z_log_var, z, pixels):
    log_ratio = 0.5 * (ops.square(z) - ops.square(z - z_mean) / ops.exp(z_log_var) - z_log_var)
    summed = ops.sum(keras.losses.binary_crossentropy(x, x_decoded), axis=(1, 2))
    return ops.mean(summed) + 2 * ops.mean(ops.sum(log_ratio, axis=1))


class ExampleVAE(keras.Model):
    """The form of the Keras example: an encoder that returns z as well, and a train_step of its own."""

    def __init__(self, encoder, decoder, loss=loss_2020, pixels=30.0, returns_z=True):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.total, self.pixels, self.returns_z = loss, pixels, returns_z
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
                z = z_mean + ops.exp(0.5 * z_log_var) * keras.random.normal(ops.shape(z_mean))
            total = self.total(data, self.decoder(z), z_mean, z_log_var, z, self.pixels)
        gradients = tape.gradient(total, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.loss_tracker.update_state(total)
        return {"loss": self.loss_tracker.result()}


class TargetVAE(ExampleVAE):
    """Trained by fit(x, x)."""

    def train_step(self, data):
        x, _ = data
        return super().train_step(x)


@tensorflow_only
@pytest.mark.parametrize(
    ("made", "beta"),
    [
        (ExampleVAE, 1 / 3),
        (lambda e, d: ExampleVAE(e, d, pixels=1.0), 10),
        (lambda e, d: ExampleVAE(e, d, loss_2021), 1),
        (lambda e, d: ExampleVAE(e, d, loss_2021, returns_z=False), 1),
        (lambda e, d: TargetVAE(e, d, loss_2021), 1),
    ],
)
def test_classes_in_the_form_of_the_keras_example(made, beta):
    start = time.process_time()
    found = audit_keras_vae(made, **SMALL)
    assert found.beta == pytest.approx(beta, rel=1e-3)
    holds(found, likelihood="bernoulli", x_decoded="probabilities", framework="keras")
    assert time.process_time() - start < 20  # a second where nothing else runs


@tensorflow_only
def test_the_question_s_code_on_28x28():
    assert audit_keras_vae(lambda e, d: ExampleVAE(e, d, pixels=784.0)).beta == pytest.approx(
        0.5, rel=1e-3
    )
    assert audit_keras_vae(lambda e, d: ExampleVAE(e, d, pixels=1.0)).beta == pytest.approx(
        392, rel=1e-3
    )


@pytest.mark.backend
def test_a_batch_of_one_has_gradients_too():
    assert audit_keras_vae(VAE, **SMALL, batch_size=1).trains_elbo


@pytest.mark.backend
def test_weights_of_the_loss_are_left_as_they_are():
    log_likelihood = losses.GaussianWithLearnedVariance(variance=float(np.exp(-3)))
    found = audit_keras_vae(lambda e, d: VAE(e, d, log_likelihood=log_likelihood), **SMALL)
    assert log_likelihood.variance == pytest.approx(np.exp(-3), rel=1e-6)
    assert found.beta == pytest.approx(np.exp(-3), rel=1e-3)
    assert found.decoder_variance == pytest.approx(np.exp(-3), rel=1e-3)


@tensorflow_only
def test_a_detached_kl_is_found_by_its_gradient():
    with pytest.raises(AuditError, match="the KL term is detached"):
        audit_keras_vae(lambda e, d: ExampleVAE(e, d, loss_detached), **SMALL)


@tensorflow_only
def test_a_monte_carlo_kl_in_a_class():
    assert audit_keras_vae(
        lambda e, d: ExampleVAE(e, d, loss_of_one_draw), **SMALL
    ).beta == pytest.approx(2, rel=1e-3)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("objective", "beta", "batch"),
    [
        (None, 1, "mean"),
        (
            lambda distortion, kl: ops.mean(distortion) / 784 + ops.mean(ops.sum(kl, axis=1)),
            784,
            "mean",
        ),
        (lambda distortion, kl: ops.sum(distortion) + 4 * ops.sum(kl), 4, "sum"),
    ],
)
def test_the_vae_of_the_course(objective, beta, batch):
    found = audit_keras_vae(lambda e, d: VAE(e, d, objective=objective), **SMALL)
    assert found.beta == pytest.approx(beta, rel=1e-3)
    holds(found, x_decoded="logits", pixel_reduction="sum", batch_reduction=batch)


class ComputeLossVAE(keras.Model):
    """Keras's own train_step, a loss of its own, added losses."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def call(self, x):
        z_mean, z_log_var, z = self.encoder(x)
        self.add_loss(3 * ops.mean(ops.sum(kl_per_dim(z_mean, z_log_var), axis=1)))
        return self.decoder(z)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.sum(ops.square(x - y_pred), axis=(1, 2, 3))) + sum(self.losses)


@pytest.mark.backend
def test_a_class_with_compute_loss_and_add_loss():
    found = audit_keras_vae(ComputeLossVAE, **SMALL)
    assert (found.beta, found.likelihood) == (pytest.approx(1.5, rel=1e-3), "gaussian")


class NearVAE(ComputeLossVAE):
    """Its training step refuses codes far out."""

    def train_step(self, *args):
        z_mean, *_ = self.encoder(ops.zeros((1, 1)))
        if ops.max(ops.abs(z_mean)) > 20:
            raise RuntimeError("too far")
        return super().train_step(*args)


@pytest.mark.backend
def test_an_error_of_a_class_at_some_codes_is_reported():
    with pytest.raises(AuditError, match=r"training step raised RuntimeError .* up to 30: too far"):
        audit_keras_vae(NearVAE, **SMALL)


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
