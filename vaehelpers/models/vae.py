"""The one VAE class of the course, in Keras 3 on TensorFlow or JAX."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import ArrayLike

from vaehelpers.collapse.normal import LOG_2PI
from vaehelpers.data.checks import check_whole
from vaehelpers.losses import bernoulli_log_likelihood, gaussian_kl_per_dim, log_likelihood_named
from vaehelpers.losses.tensors import Tensor, floats, per_example, returned
from vaehelpers.models.inputs import check_input, refuse_targets, with_checks
from vaehelpers.models.networks import Sampling, in_batches
from vaehelpers.models.saving import from_part_config, function_to_config, variable_to_config

PARTS = ("encoder", "decoder", "prior", "log_likelihood", "objective")


@keras.saving.register_keras_serializable("vaehelpers")
class VAE(keras.Model):
    """A variational autoencoder: a Keras model that is fitted to images, without targets.

    Args:
        encoder: maps images `[B, ...]` to `(z_mean, z_log_var)`, both `[B, J]`.
        decoder: maps z `[B, J]` to logits or means of the images' shape.
        log_likelihood: a name, such as "bernoulli" or "gaussian", a function `(x, x_decoded) ->
            [B]`, one of `losses` or your own, or a layer with weights of its own
            (`losses.GaussianWithLearnedVariance`).
        prior: `None` for N(0, I), or a layer with `log_prob(z) -> [B]` and `sample(n, seed)`
            (`losses.MixturePrior`); then the rate is a Monte Carlo estimate, minus the entropy of
            q(z|x) minus log p(z) of one draw, and `kl_per_dim` is `[B, 1]`.
        objective: `(distortion [B], kl_per_dim [B, J]) -> scalar`, the one place where reductions
            are written. The default is `mean(distortion + sum(kl_per_dim))`: minus the mean ELBO.

    A weight that changes during training must be a `keras.Variable` attached to the model, as
    `vae.beta = variable`, or a weight of an objective that is a layer: a plain number is frozen
    when the step is compiled. A callback (`losses.KLWarmUp`) reaches it through `self.model`, which
    on JAX makes a change in mid-epoch count; under `steps_per_execution` it does so once an
    execution. Both are saved; after loading, an objective that is a function still sees its own
    variable, not the loaded model's.

    Metrics: Keras's `loss`, and `distortion` and `rate`, the means over examples in nats, whatever
    the objective. All terms are computed in float32 at least, whatever the dtype policy.

    Raises:
        ValueError, TypeError: from `fit`, `evaluate`, `predict` and their forms for one batch for
            images that do not fit (see `data.check_images`), targets or weights; for an unknown
            likelihood's name; from the first step for a likelihood or prior that returns no number
            per example and an objective that does not return one number; from
            `keras.saving.load_model` for an objective or likelihood that is not known there.

    Source: Kingma & Welling (2014).

    Example:
        >>> from vaehelpers.models import build_mlp
        >>> vae = VAE(*build_mlp((2, 2, 1), hidden=8))
        >>> sorted(vae(np.zeros([3, 2, 2, 1])))
        ['x_decoded', 'z', 'z_log_var', 'z_mean']
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        log_likelihood: str | Callable[..., Tensor] = bernoulli_log_likelihood,
        prior: Any = None,
        objective: Callable[..., Tensor] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.prior = prior
        if isinstance(log_likelihood, str):
            log_likelihood = log_likelihood_named(log_likelihood)
        self.log_likelihood = log_likelihood
        self.objective = objective
        self.latent_dim = None
        self.sampling = Sampling()
        self.evaluation_sampling = Sampling(seed=0)
        self.distortion_tracker = keras.metrics.Mean(name="distortion")
        self.rate_tracker = keras.metrics.Mean(name="rate")
        self.after_step: Callable[[], Any] | None = None  # of a fit's callbacks, compiled with it

    def call(self, inputs: Tensor, training: bool | None = None) -> dict[str, Tensor]:
        z_mean, z_log_var = self.encoder(inputs, training=training)
        z = (self.sampling if training else self.evaluation_sampling)(z_mean, z_log_var)
        x_decoded = self.decoder(z, training=training)
        return {"x_decoded": x_decoded, "z": z, "z_mean": z_mean, "z_log_var": z_log_var}

    def compute_loss(
        self,
        x: Tensor = None,
        y: None = None,
        y_pred: Any = None,
        sample_weight: None = None,
        training: bool = True,
    ) -> Tensor:
        refuse_targets({"y": y, "sample_weight": sample_weight})
        distortion = -per_example(self.log_likelihood(x, y_pred["x_decoded"]), "log_likelihood")
        kl_per_dim = self._kl_per_dim(y_pred["z"], y_pred["z_mean"], y_pred["z_log_var"])
        distortion, kl_per_dim = floats(distortion, kl_per_dim)
        self.distortion_tracker.update_state(distortion)
        self.rate_tracker.update_state(ops.sum(kl_per_dim, axis=-1))
        loss = (self.objective or _negative_mean_elbo)(distortion, kl_per_dim)
        returned(loss, "objective", 0, "one number made of its arguments, e.g. ops.mean(...)")
        if training and self.after_step is not None:
            self.after_step()
        return sum(self.losses, loss)

    def _kl_per_dim(self, z, z_mean, z_log_var):
        if self.prior is None:
            return gaussian_kl_per_dim(z_mean, z_log_var)
        log_prior = per_example(self.prior.log_prob(z), "prior.log_prob")
        log_prior, z_log_var = floats(log_prior, z_log_var)
        negative_entropy = -0.5 * ops.sum(LOG_2PI + 1 + z_log_var, axis=-1)
        return (negative_entropy - log_prior)[:, None]

    @functools.wraps(keras.Model.fit, assigned=())  # `help` shows the arguments
    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Train on images `[N, ...]`, an array or a data set of such, by Keras's `fit`.

        `y`, `sample_weight`, `class_weight` and the targets in `validation_data` must stay out;
        `validation_data` is images as x is. Other arguments (epochs, batch_size, callbacks, ...),
        and errors, as `keras.Model.fit` and this class.
        """
        try:
            return with_checks(keras.Model.fit)(self, *args, **kwargs)
        finally:
            if self.after_step is not None:
                self.after_step = None
                self.make_train_function(force=True)

    @functools.wraps(keras.Model.evaluate, assigned=())  # `help` shows the arguments
    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """The objective, distortion and rate of images `[N, ...]`, means in nats.

        As Keras's `evaluate`, with noise of a fixed seed, drawn batch by batch on the backend: the
        same weights and batch size give the same numbers every time. `diagnostics.evaluate` draws
        other noise, in NumPy; it gives standard errors, and does not see the objective.
        """
        self.evaluation_sampling.restart()
        return with_checks(keras.Model.evaluate)(self, *args, **kwargs)

    @functools.wraps(keras.Model.predict, assigned=())  # `help` shows the arguments
    def predict(self, *args: Any, **kwargs: Any) -> dict[str, np.ndarray]:
        """The dict of `call` as NumPy arrays, by Keras's `predict`; z is drawn as in `evaluate`."""
        self.evaluation_sampling.restart()
        return with_checks(keras.Model.predict)(self, *args, **kwargs)

    train_on_batch = with_checks(keras.Model.train_on_batch)
    test_on_batch = with_checks(keras.Model.test_on_batch)
    predict_on_batch = with_checks(keras.Model.predict_on_batch)

    def encode(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """Images `[N, ...]` to the NumPy arrays `(z_mean, z_log_var)`, both `[N, J]`."""
        if not hasattr(x, "__array__"):
            raise TypeError(f"x is a {type(x).__name__}: pass an array of images [N, ...]")
        check_input(self, x, "x")
        return in_batches(self.encoder, x)

    def decode(self, z: ArrayLike) -> np.ndarray:
        """Codes `[N, J]` to the decoder's output, a NumPy array: logits or means, as `x_decoded`.

        Raises:
            ValueError: for no codes, or an array that is not `[N, J]`.
        """
        z = np.asarray(z, "float32")
        if z.ndim != 2 or len(z) == 0:
            raise ValueError(f"z has shape {z.shape}: pass at least one code, [N, J]")
        return in_batches(self.decoder, z)

    def sample_prior(self, n: int, seed: int | None = None) -> np.ndarray:
        """Draw `n` codes `[n, J]`, NumPy, from the prior: `vae.decode(vae.sample_prior(16))`.

        `seed=None` follows `runtime.set_seed`. TypeError, ValueError where n is no whole number
        above 0.
        """
        n = check_whole(n, "n")
        if self.prior is not None:
            return ops.convert_to_numpy(self.prior.sample(n, seed=seed))
        latent_dim = self.latent_dim or self.decoder.input_shape[-1]
        return ops.convert_to_numpy(keras.random.normal((n, latent_dim), seed=seed))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Build all that has weights: the networks, and what else is a layer."""
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

    def sample_posterior(self, x: Any, k: int, seed: Any) -> tuple[np.ndarray, np.ndarray]:
        """Draw k codes for each image: z `[k, N, J]` and log q(z|x) `[k, N]`, for diagnostics."""
        k = check_whole(k, "k")
        z_mean, z_log_var = self.encode(x)
        noise = np.random.default_rng(seed).standard_normal((k, *z_mean.shape), dtype="float32")
        log_q = -0.5 * (noise**2 + z_log_var + LOG_2PI).sum(axis=-1)
        return z_mean + np.exp(0.5 * z_log_var) * noise, log_q

    def log_joint(self, x: ArrayLike, z: np.ndarray) -> np.ndarray:
        """log p(x, z) `[k, N]` for images `[N, ...]` and codes `[k, N, J]`, for diagnostics."""
        codes = np.reshape(z, (-1, z.shape[-1])).astype("float32")
        images = np.concatenate([np.asarray(x, "float32")] * len(z))
        log_prior = -0.5 * (codes**2 + LOG_2PI).sum(axis=-1)
        if self.prior is not None:
            log_prior = ops.convert_to_numpy(self.prior.log_prob(codes))
        log_likelihood = self.log_likelihood(images, self.decoder(codes, training=False))
        return (ops.convert_to_numpy(log_likelihood) + log_prior).reshape(z.shape[:2])

    def get_config(self) -> dict[str, Any]:
        parts = {name: function_to_config(getattr(self, name)) for name in PARTS}
        attached = {
            name: variable_to_config(value)
            for name, value in vars(self).items()
            if isinstance(value, keras.Variable)
        }
        return {**super().get_config(), **parts, "attached": attached}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> "VAE":
        config = dict(config)
        attached = config.pop("attached")
        for name in PARTS:
            config[name] = from_part_config(config[name], name, custom_objects)
        vae = cls(**config)
        for name, variable in attached.items():
            setattr(vae, name, keras.Variable(**variable, name=name))
        return vae


def _negative_mean_elbo(distortion, kl_per_dim):
    return ops.mean(distortion + ops.sum(kl_per_dim, axis=-1))
