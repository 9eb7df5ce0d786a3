"""The one VAE class of the course, in Keras 3 on TensorFlow or JAX; the networks that it takes come from `networks`."""

import keras
import numpy as np
from keras import layers, ops

from vaehelpers.data.checks import check_whole
from vaehelpers.losses import bernoulli_log_likelihood, gaussian_kl_per_dim, log_likelihood_named
from vaehelpers.losses.tensors import LOG_2PI, per_example
from vaehelpers.models.inputs import check_input, refuse_targets
from vaehelpers.models.networks import Sampling
from vaehelpers.models.saving import function_from_config, function_to_config, variable_to_config

EVALUATION_SEED = 0


@keras.saving.register_keras_serializable("vaehelpers")
class VAE(keras.Model):
    """A variational autoencoder: `fit`, `evaluate`, `predict`, `save` as any Keras model, without targets.

    Args:
        encoder: maps images `[B, ...]` to `(z_mean, z_log_var)`, both `[B, J]`.
        decoder: maps z `[B, J]` to logits or means of the images' shape.
        log_likelihood: a name, such as "bernoulli" or "gaussian", a function `(x, x_decoded) -> [B]`, one of `losses`
            or your own, or a layer with weights of its own (`losses.GaussianWithLearnedVariance`).
        prior: `None` for N(0, I), or a layer with `log_prob(z) -> [B]` and `sample(n, seed)` (`losses.MixturePrior`);
            then the rate is a Monte Carlo estimate, minus the entropy of q(z|x) minus log p(z) of one draw, and
            `kl_per_dim` is `[B, 1]`.
        objective: `(distortion [B], kl_per_dim [B, J]) -> scalar`, the one place where reductions are written.
            The default is `mean(distortion + sum(kl_per_dim))`: minus the mean ELBO.

    A weight that changes during training must be a `keras.Variable` attached to the model, as `vae.beta = variable`,
    or a weight of an objective that is a layer: a plain number is frozen when the step is compiled. A callback
    (`losses.KLWarmUp`) reaches it through `self.model`, which on JAX makes a change in mid-epoch count. Both are
    saved; after loading, an objective that is a function still sees its own variable, not the loaded model's.

    Metrics: Keras's `loss`, and `distortion` and `rate`, the means over examples in nats, whatever the objective.
    All terms are computed in float32 at least, whatever the dtype policy.

    Raises:
        ValueError, TypeError: from `fit`, `evaluate` and `predict` for images that do not fit (see
            `data.check_images`), targets or sample weights; for a likelihood's name that is not known; from the first
            step for a likelihood or prior that does not return one number per example and an objective that does not
            return one number; from `keras.saving.load_model` for
            an objective or likelihood that is not known there.

    Source: Kingma & Welling (2014).

    Example:
        >>> from vaehelpers.models import build_mlp
        >>> vae = VAE(*build_mlp((2, 2, 1), hidden=8))
        >>> sorted(vae(np.zeros([3, 2, 2, 1])))
        ['x_decoded', 'z', 'z_log_var', 'z_mean']
    """

    def __init__(
        self,
        encoder,
        decoder,
        *,
        log_likelihood=bernoulli_log_likelihood,
        prior=None,
        objective=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.prior = prior
        named = isinstance(log_likelihood, str)
        self.log_likelihood = log_likelihood_named(log_likelihood) if named else log_likelihood
        self.objective = objective
        self.latent_dim = None
        self.sampling = Sampling()
        self.evaluation_sampling = Sampling(seed=EVALUATION_SEED)
        self.distortion_tracker = keras.metrics.Mean(name="distortion")
        self.rate_tracker = keras.metrics.Mean(name="rate")

    def call(self, inputs, training=None):
        z_mean, z_log_var = self.encoder(inputs, training=training)
        z = (self.sampling if training else self.evaluation_sampling)(z_mean, z_log_var)
        x_decoded = self.decoder(z, training=training)
        return {"x_decoded": x_decoded, "z": z, "z_mean": z_mean, "z_log_var": z_log_var}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        refuse_targets(y, sample_weight)
        distortion = -per_example(self.log_likelihood(x, y_pred["x_decoded"]), "log_likelihood")
        kl_per_dim = self._kl_per_dim(y_pred["z"], y_pred["z_mean"], y_pred["z_log_var"])
        dtype = keras.backend.result_type(distortion.dtype, kl_per_dim.dtype, "float32")
        distortion = ops.cast(distortion, dtype)
        kl_per_dim = ops.cast(kl_per_dim, dtype)
        self.distortion_tracker.update_state(distortion)
        self.rate_tracker.update_state(ops.sum(kl_per_dim, axis=-1))
        loss = (self.objective or _negative_mean_elbo)(distortion, kl_per_dim)
        shape = getattr(loss, "shape", None)
        if shape is None or len(shape) != 0:
            found = f"a {type(loss).__name__}" if shape is None else f"shape {tuple(shape)}"
            raise ValueError(
                f"objective returned {found}: return one number made of its arguments, e.g. ops.mean(...)"
            )
        return sum(self.losses, loss)

    def _kl_per_dim(self, z, z_mean, z_log_var):
        if self.prior is None:
            return gaussian_kl_per_dim(z_mean, z_log_var)
        negative_entropy = -0.5 * ops.sum(LOG_2PI + 1 + ops.cast(z_log_var, "float32"), axis=-1)
        log_prior = per_example(self.prior.log_prob(z), "prior.log_prob")
        return (negative_entropy - ops.cast(log_prior, "float32"))[:, None]

    def fit(self, x=None, y=None, *args, validation_data=None, **kwargs):
        """Train on images `[N, ...]`, an array or a data set of such, by Keras's `fit`; returns its `History`.

        `y`, `sample_weight` and the targets in `validation_data` must stay out; `validation_data` is images as x is.
        Other arguments (epochs, batch_size, callbacks, ...), and errors, as `keras.Model.fit` and this class.
        """
        refuse_targets(y, kwargs.get("sample_weight"))
        check_input(self, x, "x")
        if isinstance(validation_data, (tuple, list)):
            validation_data, *targets = validation_data
            refuse_targets(next((target for target in targets if target is not None), None), None)
        if validation_data is not None:
            check_input(self, validation_data, "validation_data")
        return super().fit(x, y, *args, validation_data=validation_data, **kwargs)

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """The objective, distortion and rate of images `[N, ...]`, means in nats, by Keras's `evaluate`.

        The noise has a fixed seed of its own and is drawn batch by batch on the backend: the same weights and batch
        size give the same numbers every time. `diagnostics.evaluate` draws other noise, in NumPy, so that its numbers
        differ from these by the noise of one draw; it gives standard errors, and does not see the objective.
        """
        refuse_targets(y, kwargs.get("sample_weight"))
        if not kwargs.get("_use_cached_eval_dataset"):
            check_input(self, x, "x")
        self.evaluation_sampling.restart()
        return super().evaluate(x, y, *args, **kwargs)

    def predict(self, x, *args, **kwargs):
        """The dict of `call` as NumPy arrays, by Keras's `predict`; the noise of z is that of `evaluate`."""
        check_input(self, x, "x")
        self.evaluation_sampling.restart()
        return super().predict(x, *args, **kwargs)

    def encode(self, x):
        """Images `[N, ...]` to the NumPy arrays `(z_mean, z_log_var)`, both `[N, J]`."""
        if not hasattr(x, "__array__"):
            raise TypeError(f"x is a {type(x).__name__}: pass an array of images [N, ...]")
        check_input(self, x, "x")
        return _in_batches(self.encoder, x)

    def decode(self, z):
        """Codes `[N, J]` to the decoder's output as a NumPy array: logits or means, as in `x_decoded`.

        Raises:
            ValueError: for no codes, or an array that is not `[N, J]`.
        """
        z = np.asarray(z, "float32")
        if z.ndim != 2 or len(z) == 0:
            raise ValueError(f"z has shape {z.shape}: pass at least one code, [N, J]")
        return _in_batches(self.decoder, z)

    def sample_prior(self, n, seed=None):
        """Draw `n` codes from the prior, a NumPy array `[n, J]`: `vae.decode(vae.sample_prior(16))`.

        `seed=None` is random, following `runtime.set_seed`. TypeError, ValueError for an n that is no whole number of
        at least 1.
        """
        n = check_whole(n, "n")
        if self.prior is not None:
            return ops.convert_to_numpy(self.prior.sample(n, seed=seed))
        latent_dim = self.latent_dim or self.decoder.input_shape[-1]
        return ops.convert_to_numpy(keras.random.normal((n, latent_dim), seed=seed))

    def build(self, input_shape):
        """Build all that has weights: the networks, and a likelihood, a prior or an objective that is a layer."""
        x = keras.KerasTensor(input_shape)
        z_mean, _ = self.encoder(x)
        self.latent_dim = z_mean.shape[-1]
        x_decoded = self.decoder(z_mean)
        if isinstance(self.log_likelihood, layers.Layer):
            self.log_likelihood(x, x_decoded)
        if self.prior is not None:
            if not self.prior.built:
                self.prior.build(z_mean.shape)
            self.prior.log_prob(ops.zeros((1, self.latent_dim)))
        if isinstance(self.objective, layers.Layer):
            columns = self.latent_dim if self.prior is None else 1
            self.objective(keras.KerasTensor((None,)), keras.KerasTensor((None, columns)))

    def _attached_variables(self):
        return {
            name: value for name, value in vars(self).items() if isinstance(value, keras.Variable)
        }

    def sample_posterior(self, x, k, seed):
        """Draw k codes for each image from q(z|x): z `[k, N, J]` and log q(z|x) `[k, N]`, NumPy, for diagnostics."""
        k = check_whole(k, "k")
        z_mean, z_log_var = self.encode(x)
        noise = np.random.default_rng(seed).standard_normal((k, *z_mean.shape), dtype="float32")
        log_q = -0.5 * (noise**2 + z_log_var + LOG_2PI).sum(axis=-1)
        return z_mean + np.exp(0.5 * z_log_var) * noise, log_q

    def log_joint(self, x, z):
        """log p(x, z) `[k, N]` for images `[N, ...]` and codes `[k, N, J]`, NumPy, for diagnostics."""
        codes = np.reshape(z, (-1, z.shape[-1])).astype("float32")
        images = np.broadcast_to(np.asarray(x, "float32"), (len(z), *x.shape)).reshape(
            -1, *x.shape[1:]
        )
        log_prior = -0.5 * (codes**2 + LOG_2PI).sum(axis=-1)
        if self.prior is not None:
            log_prior = ops.convert_to_numpy(self.prior.log_prob(codes))
        log_likelihood = self.log_likelihood(images, self.decoder(codes, training=False))
        return (ops.convert_to_numpy(log_likelihood) + log_prior).reshape(z.shape[:2])

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "prior": keras.saving.serialize_keras_object(self.prior),
            "log_likelihood": function_to_config(self.log_likelihood),
            "objective": function_to_config(self.objective),
            "attached": {
                name: variable_to_config(variable)
                for name, variable in self._attached_variables().items()
            },
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for name in ("encoder", "decoder", "prior"):
            config[name] = keras.saving.deserialize_keras_object(
                config[name], custom_objects=custom_objects
            )
        for name in ("log_likelihood", "objective"):
            config[name] = function_from_config(config[name], name, custom_objects)
        attached = config.pop("attached")
        vae = cls(**config)
        for name, variable in attached.items():
            setattr(vae, name, keras.Variable(**variable, name=name))
        return vae


def _in_batches(network, inputs, size=1000):
    """Apply a network to an array, without its compiled `predict`: compiling costs more than a few calls."""
    parts = [
        network(inputs[start : start + size], training=False)
        for start in range(0, len(inputs), size)
    ]
    return keras.tree.map_structure(
        lambda *batches: np.concatenate([*map(ops.convert_to_numpy, batches)]), *parts
    )


def _negative_mean_elbo(distortion, kl_per_dim):
    return ops.mean(distortion + ops.sum(kl_per_dim, axis=-1))
