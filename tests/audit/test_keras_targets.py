"""Keras models as people have them: compiled, functional; what cannot be audited, in one line."""

import re

import keras
import numpy as np
import pytest
from audit_losses import holds
from keras import layers, ops
from keras_losses import (
    Sampling,
    TwoNetworks,
    bce,
    compiled,
    drawn,
    keras_refused,
    keras_trains,
    kl,
    same,
    tensorflow_only,
)

from vaehelpers.audit import AuditError, audit_keras_vae
from vaehelpers.audit.keras_model import opened_keras
from vaehelpers.audit.probes import Probe, Sizes
from vaehelpers.models import VAE, build_mlp

IMAGE, J = (4, 3, 1), 3
SMALL = {"image_shape": IMAGE, "latent_dim": J}


class WithKL(layers.Layer):
    """Hands the codes on and adds their KL, twice."""

    def call(self, codes):
        self.add_loss(2 * kl(*codes))
        return codes


class BothTerms(layers.Layer):
    """The end of a functional model that adds its whole loss."""

    def call(self, tensors):
        x, x_decoded, z_mean, z_log_var = tensors
        self.add_loss(ops.mean(bce(x, x_decoded)) + 4 * kl(z_mean, z_log_var))
        return x_decoded


def decoder():
    return keras.Sequential(
        [keras.Input((J,)), layers.Dense(12, "sigmoid"), layers.Reshape(IMAGE)], name="decoder"
    )


def encoder(outputs=3, weight=0.0):
    x = keras.Input(IMAGE)
    h = layers.Dropout(0.1)(layers.BatchNormalization()(layers.Flatten()(x)))
    codes = [layers.Dense(J)(h), layers.Dense(J)(h)]
    return keras.Model(x, [*codes, Sampling(weight)(codes)][:outputs], name="encoder")


def nested():
    """Two models in a third, the KL from the sampling layer in the first."""
    x = keras.Input(IMAGE)
    return compiled(keras.Model(x, decoder()(encoder(weight=0.5)(x)[2])), loss=bce)


def flat():
    """One model, the KL from a layer of its own before the sampling."""
    x = keras.Input(IMAGE)
    h = layers.Dense(12, "sigmoid")(Sampling()(WithKL()(encoder(2)(x))))
    return compiled(keras.Model(x, layers.Reshape(IMAGE)(h)), loss=bce)


def all_added():
    x = keras.Input(IMAGE)
    z_mean, z_log_var, z = encoder()(x)
    return compiled(keras.Model(x, BothTerms()([x, decoder()(z), z_mean, z_log_var])))


class AddsKL(TwoNetworks):
    """The KL by add_loss, the reconstruction by `compile(loss=...)`."""

    weight = 1.0

    def call(self, x):
        z_mean, z_log_var, z = self.encoder(x)
        self.add_loss(self.weight * kl(z_mean, z_log_var))
        return self.decoder(z)


class AddsThrice(AddsKL):
    weight = 3.0


class Joined(AddsKL):
    """An encoder that gives both codes in one tensor."""

    def call(self, x):
        z_mean, z_log_var = ops.split(self.encoder(x), 2, axis=1)
        self.add_loss(kl(z_mean, z_log_var))
        return self.decoder(z_mean)


class HandsOn(AddsKL):
    """Adds nothing itself: the KL is that of its encoder's sampling layer."""

    def call(self, x):
        return self.decoder(self.encoder(x)[2])


class MeanKL(AddsKL):
    """The TensorFlow guide's form."""

    def call(self, x):
        z_mean, z_log_var, z = self.encoder(x)
        self.add_loss(-0.5 * ops.mean(z_log_var - ops.square(z_mean) - ops.exp(z_log_var) + 1))
        return self.decoder(z)


def joined_networks():
    return keras.Sequential([keras.Input(IMAGE), layers.Flatten(), layers.Dense(2 * J)]), decoder()


@pytest.mark.backend
@pytest.mark.parametrize(
    ("made", "beta"),
    [
        (nested, 0.5),
        (flat, 2.0),
        (all_added, 4.0),
        (lambda: compiled(AddsThrice(encoder(), decoder()), loss=bce), 3.0),
        (lambda: compiled(HandsOn(encoder(weight=2.0), decoder()), loss=bce), 2.0),
        pytest.param(  # both add it; on JAX Keras 3.15 itself may count a layer's loss twice
            lambda: compiled(AddsKL(encoder(weight=2.0), decoder()), loss=bce),
            3.0,
            marks=tensorflow_only,
        ),
        (lambda: compiled(Joined(*joined_networks()), loss=bce), 1.0),
        (lambda: compiled(VAE(*build_mlp(IMAGE, hidden=4, latent_dim=J))), 1.0),
    ],
)
def test_a_compiled_model_is_audited_and_left_as_it_was(made, beta):
    model = made()
    model(np.zeros((1, *IMAGE), "float32"))
    before = [np.array(v) for v in (*model.variables, *model.metrics_variables)]
    optimizer, attributes = model.optimizer, dict(vars(model))
    holds(keras_trains(beta, model), likelihood="bernoulli")
    assert model.optimizer is optimizer and vars(model) == attributes
    same([np.array(v) for v in (*model.variables, *model.metrics_variables)], before)


def as_function(model, **arguments):
    return lambda encoder, decoder: compiled(model(encoder, decoder), **arguments)


def by_name(*, encoder, decoder):
    return compiled(AddsKL(encoder, decoder), loss=bce)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("made", "arguments", "beta", "likelihood"),
    [
        (AddsKL, {"loss": bce}, 1.0, "bernoulli"),
        (as_function(AddsKL, loss=bce), {}, 1.0, "bernoulli"),
        # JAX stacks and splits tuples
        pytest.param(Joined, {"loss": bce}, 1.0, "bernoulli", marks=tensorflow_only),
        (as_function(MeanKL, loss="mse"), {}, 12 / (2 * J), "gaussian"),
        (by_name, {}, 1.0, "bernoulli"),
    ],
)
def test_a_class_whose_reconstruction_comes_with_compile(made, arguments, beta, likelihood):
    holds(keras_trains(beta, made, **SMALL, **arguments), likelihood=likelihood)


class OwnCompile(AddsKL):
    """Its `compile` takes an optimiser, hands nothing on, and its step two optimisers."""

    def compile(self, optimizer):
        super().compile()
        self.optimizer = optimizer
        self.decoder_optimizer = keras.optimizers.Adam()

    def train_step(self, x):
        import tensorflow as tf

        with tf.GradientTape(persistent=True) as tape:
            z_mean, z_log_var, z = self.encoder(x)
            total = ops.mean(bce(x, self.decoder(z))) + 5 * kl(z_mean, z_log_var)
        both = {self.optimizer: self.encoder, self.decoder_optimizer: self.decoder}
        for optimizer, part in both.items():
            gradients = tape.gradient(total, part.trainable_variables)
            optimizer.apply_gradients(zip(gradients, part.trainable_variables, strict=True))
        return {"total": total}


class Wants(AddsKL):
    def __init__(self, encoder, decoder, gamma, *, delta):
        super().__init__(encoder, decoder)


class OwnNetworks(keras.Model):
    """Makes its networks itself, under short names, of layers that are built when called."""

    def __init__(self, latent_dim=J):
        super().__init__()
        self.enc = keras.Sequential([layers.Flatten(), layers.Dense(2 * latent_dim)])
        self.dec = decoder()

    def call(self, x):
        z_mean, z_log_var = ops.split(self.enc(x), 2, axis=1)
        self.add_loss(3 * kl(z_mean, z_log_var))
        return self.dec(z_mean)


@pytest.mark.backend
def test_a_class_that_makes_its_own_networks_is_made_and_borrowed():
    keras_trains(3, OwnNetworks, image_shape=IMAGE, loss=bce)


class Latents(OwnNetworks):
    def __init__(self, latent_dim):
        super().__init__(latent_dim)


class NoNetworks(keras.Model):
    def call(self, x):
        return x


def uncompiled():
    return AddsKL(encoder(), decoder())


def two_inputs():
    x, y = keras.Input(IMAGE), keras.Input((2,))
    joined = layers.concatenate([layers.Flatten()(x), y])
    return compiled(keras.Model([x, y], decoder()(joined[:, :J])), loss=bce)


def without_codes():
    x = keras.Input(IMAGE)
    return compiled(keras.Model(x, decoder()(layers.Dense(J)(layers.Flatten()(x)))), loss=bce)


def of_no_networks():
    return compiled(NoNetworks(), loss=bce)


def without_a_loss():
    return compiled(uncompiled())


LACKS = "AddsKL has no reconstruction term of its own"
OF_CLASSES = [  # or of functions that make a model
    (AddsKL, {}, LACKS + " .* pass loss=..., .* or a function"),
    (Wants, {}, r"also wants gamma, delta, .*: Wants\(encoder, decoder, gamma=..., delta=...\)"),
    (Latents, {}, r"wants latent_dim: pass the model Latents\(latent_dim=...\), compiled"),
    (as_function(AddsKL, loss=bce), {"loss": bce}, "is compiled already"),
]
OF_MODELS = [
    (of_no_networks, {}, "holds no Keras model as its encoder: name its networks self"),
    (uncompiled, {}, r"AddsKL is not compiled: call its compile\(...\)"),
    (without_a_loss, {}, LACKS),
    (two_inputs, {}, "has 2 inputs, images alone are understood: audit its loss as a function"),
    (without_codes, {}, "so its codes are not found: draw z in a layer"),
    (nested, {"loss": bce}, "loss is for a class"),
]


@pytest.mark.parametrize(("made", "arguments", "said"), OF_CLASSES)
def test_what_no_class_is_audited_for_says_what_to_type(made, arguments, said):
    assert len(keras_refused(said, made, **SMALL, **arguments)) < 400


@pytest.mark.parametrize(("made", "arguments", "said"), OF_MODELS)
def test_what_no_model_is_audited_for_says_what_to_type(made, arguments, said):
    assert len(keras_refused(said, made(), **arguments)) < 400


@pytest.mark.parametrize(
    ("asked", "said"), [({}, False), (SMALL, False), ({"image_shape": (28, 28, 1)}, True)]
)
def test_a_model_is_audited_at_its_own_sizes_and_says_so_where_others_were_asked_for(asked, said):
    notes = keras_trains(0.5, nested(), **asked).notes
    assert any("own sizes: images (4, 3, 1), 3 latents" in note for note in notes) == said


class Sequences(AddsKL):
    """Whole numbers [B, T], a softmax of C scores for each."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        found = ops.sum(keras.losses.sparse_categorical_crossentropy(x, y_pred), axis=1)
        return ops.mean(found) + sum(self.losses)


def sequence_model():
    x, z = keras.Input((5,)), keras.Input((J,))
    codes = [layers.Dense(J)(x), layers.Dense(J)(x)]
    scores = layers.Softmax()(layers.Reshape((5, 4))(layers.Dense(20)(z)))
    return compiled(Sequences(keras.Model(x, [*codes, Sampling()(codes)]), keras.Model(z, scores)))


@pytest.mark.parametrize("whole", [False, True])
def test_whole_numbers_reach_the_loss_from_one_hot_images_and_as_they_are(whole):
    """The value of a probe is the cross-entropy and the KL, by NumPy."""
    sizes = Sizes(3, (5, 4), J)
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), size=(3, 5))
    indices = rng.integers(4, size=(3, 5))
    z_mean, z_log_var = rng.normal(size=(2, 3, J))
    expected = -np.log(np.take_along_axis(p, indices[..., None], axis=2)).sum() / 3
    expected += 0.5 * (np.exp(z_log_var) + z_mean**2 - 1 - z_log_var).sum() / 3
    probe = Probe(indices if whole else np.eye(4)[indices], p, z_mean, z_log_var)
    with opened_keras(Sequences, (5, 4), J, 3) as opened:
        assert opened(probe) == pytest.approx(expected, rel=1e-5)
    with opened_keras(sequence_model()) as opened:
        assert (opened.fixed_image, opened.sizes) == (True, Sizes(8, (5, 4), J))
        assert opened.at(sizes)(probe) == pytest.approx(expected, rel=1e-5)


@tensorflow_only
def test_graph_mode_is_named(monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(tf, "executing_eagerly", lambda: False)
    keras_refused(re.escape("delete the line tf.compat.v1.disable_eager_execution()"), AddsKL)


class Asks(AddsKL):
    """Reads the sizes of its networks when it is made."""

    def __init__(self, encoder, decoder):
        super().__init__(encoder, decoder)
        self.latent_dim = encoder.output_shape[0][-1]
        self.codes = layers.Dense(decoder.input_shape[-1])


class TwoOptimizers(OwnCompile):
    """Its `compile` wants two optimisers, and a loss under a name of its own."""

    def compile(self, encoder_optimizer, decoder_optimizer, scale=1.0):
        super(AddsKL, self).compile()
        self.optimizer = encoder_optimizer
        self.decoder_optimizer = decoder_optimizer


@tensorflow_only
@pytest.mark.parametrize(
    ("made", "arguments", "beta"),
    [
        (Asks, {"loss": bce, **SMALL}, 1),
        (TwoOptimizers, SMALL, 5),
        (OwnCompile, SMALL, 5),
        (lambda: compiled(OwnCompile(encoder(), decoder())), {}, 5),
    ],
)
def test_classes_with_a_compile_of_their_own_or_that_ask_their_networks(made, arguments, beta):
    keras_trains(beta, made if arguments else made(), **arguments)


class RaisesThat(AddsKL):
    """Its loss raises an error that says what Keras says of a model without a loss."""

    def compute_loss(self, *args, **kwargs):
        raise ValueError("No loss to compute for channel 3")


def test_an_error_of_the_users_own_is_not_taken_for_keras_s():
    keras_refused("could not be made as VAE.*No loss to compute for channel 3", RaisesThat, **SMALL)


def test_other_sizes_are_refused_for_code_to_read_and_other_batches_are_not():
    with opened_keras(nested()) as opened:
        assert opened.at(opened.sizes) is opened and opened.fixed_image
        assert opened.at(opened.sizes._replace(batch=3)).fixed_image
        for other in ({"latent_dim": J + 1}, {"image_shape": (5, 3, 1)}):
            with pytest.raises(AuditError, match="is built for images") as raised:
                opened.at(opened.sizes._replace(**other))
            assert raised.value.about == "size"
    with opened_keras(AddsKL, **SMALL, loss=bce) as opened:
        assert not opened.fixed_image
        assert opened.at(opened.sizes._replace(image_shape=(5, 2, 1))).sizes.pixels == 10


def test_the_shape_that_is_wanted_is_told_by_code():
    said = r"does not tell the images' shape: pass image_shape=\(28, 28, 1\)"
    with pytest.raises(AuditError, match=said) as raised:
        audit_keras_vae(OwnNetworks, loss=bce)
    assert raised.value.about == "image_shape"


@pytest.mark.backend
def test_the_audit_of_a_class_leaves_all_random_numbers_as_they_were():
    """Its layers and its draws take theirs from Keras's own generator."""
    keras.utils.set_random_seed(0)
    expected = ops.convert_to_numpy(keras.random.normal((3,)))
    keras.utils.set_random_seed(0)
    audit_keras_vae(DrawsAnew, **SMALL, loss=bce)
    np.testing.assert_array_equal(ops.convert_to_numpy(keras.random.normal((3,))), expected)


class DrawsAnew(AddsKL):
    """Draws z, and the weights of a layer, without a seed."""

    def __init__(self, encoder, decoder):
        super().__init__(encoder, decoder)
        self.layer = layers.Dense(J)

    def call(self, x):
        z_mean, z_log_var, *_ = self.encoder(x)
        self.add_loss(kl(z_mean, z_log_var))
        self.layer(z_mean)
        return self.decoder(drawn(z_mean, z_log_var))
