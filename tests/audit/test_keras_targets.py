"""Keras models as people have them: compiled, functional, with a compile of their own; what cannot be, in one line."""

import re

import keras
import numpy as np
import pytest
from keras import layers, ops

from vaehelpers.audit import AuditError, audit_keras_vae
from vaehelpers.audit.keras_model import opened_keras
from vaehelpers.audit.probes import Probe, Sizes
from vaehelpers.models import VAE, build_mlp

tensorflow_only = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a GradientTape needs TensorFlow"
)
IMAGE, J = (4, 3, 1), 3
SMALL = {"image_shape": IMAGE, "latent_dim": J}


def kl(z_mean, z_log_var):
    return ops.mean(
        ops.sum(0.5 * (ops.exp(z_log_var) + ops.square(z_mean) - 1 - z_log_var), axis=1)
    )


def summed(x, x_decoded):
    return ops.sum(keras.losses.binary_crossentropy(x, x_decoded), axis=(1, 2))


class Sampling(layers.Layer):
    """One draw; with a weight it adds the KL that often."""

    def __init__(self, weight=0.0, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
        self.seeds = keras.random.SeedGenerator(0)

    def call(self, codes):
        z_mean, z_log_var = codes
        if self.weight:
            self.add_loss(self.weight * kl(z_mean, z_log_var))
        return z_mean + ops.exp(0.5 * z_log_var) * keras.random.normal(
            ops.shape(z_mean), seed=self.seeds
        )


class WithKL(layers.Layer):
    """Hands the codes on and adds their KL, twice."""

    def call(self, codes):
        self.add_loss(2 * kl(*codes))
        return codes


class BothTerms(layers.Layer):
    """The end of a functional model that adds its whole loss."""

    def call(self, tensors):
        x, x_decoded, z_mean, z_log_var = tensors
        self.add_loss(ops.mean(summed(x, x_decoded)) + 4 * kl(z_mean, z_log_var))
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
    vae = keras.Model(x, decoder()(encoder(weight=0.5)(x)[2]))
    vae.compile("adam", loss=summed)
    return vae


def flat(loss=summed):
    """One model, the KL from a layer of its own before the sampling."""
    x = keras.Input(IMAGE)
    codes = WithKL()(encoder(2)(x))
    h = layers.Dense(12, "sigmoid")(Sampling()(codes))
    vae = keras.Model(x, layers.Reshape(IMAGE)(h))
    vae.compile("adam", loss=loss)
    return vae


def all_added():
    x = keras.Input(IMAGE)
    z_mean, z_log_var, z = encoder()(x)
    vae = keras.Model(x, BothTerms()([x, decoder()(z), z_mean, z_log_var]))
    vae.compile("adam")
    return vae


class AddsKL(keras.Model):
    """The KL by add_loss, the reconstruction by `compile(loss=...)`."""

    def __init__(self, encoder, decoder, weight=1.0):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.weight = weight

    def call(self, x):
        z_mean, z_log_var, z = self.encoder(x)
        self.add_loss(self.weight * kl(z_mean, z_log_var))
        return self.decoder(z)


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


def compiled(model, **arguments):
    model.compile("adam", **arguments)
    return model


def joined_networks():
    return keras.Sequential([keras.Input(IMAGE), layers.Flatten(), layers.Dense(2 * J)]), decoder()


@pytest.mark.backend
@pytest.mark.parametrize(
    ("made", "beta"),
    [
        (nested, 0.5),
        (flat, 2.0),
        (all_added, 4.0),
        (lambda: compiled(AddsKL(encoder(), decoder(), 3.0), loss=summed), 3.0),
        (lambda: compiled(HandsOn(encoder(weight=2.0), decoder()), loss=summed), 2.0),
        pytest.param(  # both add it; on JAX, now and then, Keras 3.15 itself counts a layer's loss twice
            lambda: compiled(AddsKL(encoder(weight=2.0), decoder()), loss=summed),
            3.0,
            marks=tensorflow_only,
        ),
        (lambda: compiled(Joined(*joined_networks()), loss=summed), 1.0),
        (lambda: compiled(VAE(*build_mlp(IMAGE, hidden=4, latent_dim=J))), 1.0),
    ],
)
def test_a_compiled_model_is_audited_and_left_as_it_was(made, beta):
    model = made()
    model(np.zeros((1, *IMAGE), "float32"))
    before = [np.array(v) for v in (*model.variables, *model.metrics_variables)]
    optimizer, attributes = model.optimizer, dict(vars(model))
    found = audit_keras_vae(model)
    assert found.beta == pytest.approx(beta, rel=1e-3) and found.likelihood == "bernoulli"
    assert model.optimizer is optimizer and vars(model) == attributes
    after = [np.array(v) for v in (*model.variables, *model.metrics_variables)]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.backend
@pytest.mark.parametrize(
    ("made", "arguments", "beta", "likelihood"),
    [
        (AddsKL, {"loss": summed}, 1.0, "bernoulli"),
        (lambda e, d: compiled(AddsKL(e, d), loss=summed), {}, 1.0, "bernoulli"),
        pytest.param(
            Joined, {"loss": summed}, 1.0, "bernoulli", marks=tensorflow_only
        ),  # JAX stacks and splits tuples
        (lambda e, d: compiled(MeanKL(e, d), loss="mse"), {}, 12 / (2 * J), "gaussian"),
        (
            lambda *, encoder, decoder: compiled(AddsKL(encoder, decoder), loss=summed),
            {},
            1.0,
            "bernoulli",
        ),
    ],
)
def test_a_class_whose_reconstruction_comes_with_compile(made, arguments, beta, likelihood):
    found = audit_keras_vae(made, **SMALL, **arguments)
    assert (found.beta, found.likelihood) == (pytest.approx(beta, rel=1e-3), likelihood)


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
            total = ops.mean(summed(x, self.decoder(z))) + 5 * kl(z_mean, z_log_var)
        for optimizer, part in (
            (self.optimizer, self.encoder),
            (self.decoder_optimizer, self.decoder),
        ):
            gradients = tape.gradient(total, part.trainable_variables)
            optimizer.apply_gradients(zip(gradients, part.trainable_variables, strict=True))
        return {"total": total}


@tensorflow_only
@pytest.mark.parametrize("target", [OwnCompile, lambda: compiled(OwnCompile(encoder(), decoder()))])
def test_a_compile_of_its_own_and_two_optimisers(target):
    sizes = SMALL if target is OwnCompile else {}
    assert audit_keras_vae(target if sizes else target(), **sizes).beta == pytest.approx(
        5, rel=1e-3
    )


class Wants(AddsKL):
    def __init__(self, encoder, decoder, gamma, *, delta):
        super().__init__(encoder, decoder)


class OwnNetworks(keras.Model):
    """Makes its networks itself, under short names, of layers that are built when they are called."""

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
    assert audit_keras_vae(OwnNetworks, image_shape=IMAGE, loss=summed).beta == pytest.approx(
        3, rel=1e-3
    )


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
    return compiled(
        keras.Model([x, y], decoder()(layers.concatenate([layers.Flatten()(x), y])[:, :J])),
        loss=summed,
    )


def without_codes():
    x = keras.Input(IMAGE)
    return compiled(keras.Model(x, decoder()(layers.Dense(J)(layers.Flatten()(x)))), loss=summed)


@pytest.mark.parametrize(
    ("target", "arguments", "said"),
    [
        (
            AddsKL,
            SMALL,
            "AddsKL has no reconstruction term of its own .* pass loss=..., .* or a function",
        ),
        (
            Wants,
            SMALL,
            r"also wants gamma, delta, .*: Wants\(encoder, decoder, gamma=..., delta=...\)",
        ),
        (Latents, SMALL, r"wants latent_dim: pass the model Latents\(latent_dim=...\), compiled"),
        (
            lambda: compiled(NoNetworks(), loss=summed),
            {},
            "holds no Keras model as its encoder: name its networks self",
        ),
        (
            OwnNetworks,
            {"loss": summed},
            r"does not tell the images' shape: pass image_shape=\(28, 28, 1\)",
        ),
        (uncompiled, {}, r"AddsKL is not compiled: call its compile\(...\)"),
        (lambda: compiled(uncompiled()), {}, "AddsKL has no reconstruction term of its own"),
        (two_inputs, {}, "has 2 inputs, images alone are understood: audit its loss as a function"),
        (
            without_codes,
            {},
            r"takes \[z_mean, z_log_var\], so its codes are not found: draw z in a layer",
        ),
        (nested, {"loss": summed}, "loss is for a class"),
        (
            lambda e, d: compiled(AddsKL(e, d), loss=summed),
            {**SMALL, "loss": summed},
            "is compiled already",
        ),
    ],
)
def test_what_cannot_be_audited_says_in_one_line_what_to_type(target, arguments, said):
    makes = target in (two_inputs, without_codes, nested) or not arguments
    with pytest.raises(AuditError, match=said) as raised:
        audit_keras_vae(target() if makes else target, **arguments)
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 400


@pytest.mark.parametrize(
    "asked", [{}, {"image_shape": IMAGE, "latent_dim": J}, {"image_shape": (28, 28, 1)}]
)
def test_a_model_is_audited_at_its_own_sizes_and_that_is_said_where_others_were_asked_for(asked):
    found = audit_keras_vae(nested(), **asked)
    said = [
        note for note in found.notes if "the model's own sizes: images (4, 3, 1), 3 latents" in note
    ]
    assert found.beta == pytest.approx(0.5, rel=1e-3) and len(said) == (
        asked == {"image_shape": (28, 28, 1)}
    )


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
    """The value of a probe is the cross-entropy and the KL, by NumPy: what a categorical likelihood is fitted to."""
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
    with pytest.raises(
        AuditError, match=re.escape("delete the line tf.compat.v1.disable_eager_execution()")
    ):
        audit_keras_vae(AddsKL)


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
    ("made", "arguments", "beta"), [(Asks, {"loss": summed}, 1), (TwoOptimizers, {}, 5)]
)
def test_a_class_may_ask_its_networks_for_their_sizes_and_want_several_optimisers(
    made, arguments, beta
):
    assert audit_keras_vae(made, **SMALL, **arguments).beta == pytest.approx(beta, rel=1e-3)


class RaisesThat(AddsKL):
    """Its loss raises an error that says what Keras says of a model without a loss."""

    def compute_loss(self, *args, **kwargs):
        raise ValueError("No loss to compute for channel 3")


def test_an_error_of_the_users_own_is_not_taken_for_keras_s():
    with pytest.raises(
        AuditError, match=r"could not be made as VAE.*No loss to compute for channel 3"
    ):
        audit_keras_vae(RaisesThat, **SMALL)


def test_other_sizes_are_refused_for_code_to_read_and_other_batches_are_not():
    with opened_keras(nested()) as opened:
        assert opened.at(opened.sizes) is opened and opened.fixed_image
        assert opened.at(opened.sizes._replace(batch=3)).fixed_image
        for other in (
            opened.sizes._replace(latent_dim=J + 1),
            opened.sizes._replace(image_shape=(5, 3, 1)),
        ):
            with pytest.raises(AuditError, match="is built for images") as raised:
                opened.at(other)
            assert raised.value.about == "size"
    with opened_keras(AddsKL, **SMALL, loss=summed) as opened:
        assert not opened.fixed_image
        assert opened.at(opened.sizes._replace(image_shape=(5, 2, 1))).sizes.pixels == 10


def test_the_shape_that_is_wanted_is_told_by_code():
    with pytest.raises(AuditError) as raised, opened_keras(OwnNetworks, loss=summed):
        pass
    assert raised.value.about == "image_shape"


@pytest.mark.backend
def test_the_audit_of_a_class_leaves_all_random_numbers_as_they_were():
    """Its layers and its draws take theirs from Keras's own generator."""
    keras.utils.set_random_seed(0)
    expected = ops.convert_to_numpy(keras.random.normal((3,)))
    keras.utils.set_random_seed(0)
    audit_keras_vae(DrawsAnew, **SMALL, loss=summed)
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
        return self.decoder(
            z_mean + ops.exp(0.5 * z_log_var) * keras.random.normal(ops.shape(z_mean))
        )
