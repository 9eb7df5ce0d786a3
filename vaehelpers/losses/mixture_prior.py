"""A prior that is learned with the networks: a mixture of normal distributions."""

from typing import Any

import keras
from keras import layers, ops

from vaehelpers.collapse.normal import LOG_2PI
from vaehelpers.data.checks import check_number, check_whole
from vaehelpers.losses.tensors import Tensor


@keras.saving.register_keras_serializable("vaehelpers")
class MixturePrior(layers.Layer):
    """p(z) as a mixture of K normal distributions: `log sum over k of w_k N(z; m_k, s_k^2)`.

    `VAE(encoder, decoder, prior=MixturePrior())` trains weights, means and variances (diagonal
    covariances) with the networks. The rate is then estimated from the draw of z: minus the entropy
    of q(z|x) minus log p(z). The ELBO stays a bound on log p(x).

    Args:
        n_components: K, at least 1.
        spread: the standard deviation of the means at the start, where all variances are 1 and all
            weights equal.
        seed: of the means at the start; `None` for one that follows `runtime.set_seed`.

    Methods: `log_prob(z [B, J]) -> [B]`, nats; `sample(n, seed=None) -> [n, J]`. Both need
    `build((None, J))`, which `VAE` calls.

    Raises:
        TypeError: for a K that is no whole number, a spread that is no number.
        ValueError: for a K below 1, a spread that is not above 0.

    Source: Dilokthanakul et al. (2016), arXiv 1611.02648, and, for components that are posteriors
    of learned inputs, Tomczak & Welling (2018), arXiv 1705.07120.

    Example:
        >>> prior = MixturePrior(n_components=1, spread=1e-6)
        >>> prior.build((None, 2))
        >>> round(float(prior.log_prob(np.zeros([1, 2]))[0]), 4)  # that of N(0, I): -log 2 pi
        -1.8379
        >>> prior.sample(5, seed=0).shape == (5, 2)
        True
    """

    def __init__(
        self,
        n_components: int = 10,
        spread: float = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.n_components = check_whole(n_components, "n_components")
        self.spread = check_number(spread, "spread", above=0)
        self.seed = seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (self.n_components, input_shape[-1])
        start = keras.initializers.RandomNormal(stddev=self.spread, seed=self.seed)
        self.means = self.add_weight(shape=shape, initializer=start, name="means")
        self.log_vars = self.add_weight(shape=shape, initializer="zeros", name="log_vars")
        self.logits = self.add_weight(
            shape=(self.n_components,), initializer="zeros", name="logits"
        )

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z) of codes `[B, J]`: `[B]`, nats.

        `logsumexp over k of log w_k + log N(z; m_k, s_k^2)`
        """
        z = ops.convert_to_tensor(z, self.means.dtype)[:, None]  # [B, 1, J] against [K, J]
        squares = ops.square(z - self.means) * ops.exp(-self.log_vars)
        log_densities = -0.5 * ops.sum(squares + self.log_vars + LOG_2PI, axis=-1)
        return ops.logsumexp(log_densities + ops.log_softmax(self.logits), axis=1)

    def sample(self, n: int, seed: int | None = None) -> Tensor:
        """Draw `n` codes `[n, J]`: a component by its weight, then from its Gaussian.

        `seed=None` is random.
        """
        n = check_whole(n, "n")
        generator = keras.random.SeedGenerator(seed)
        component = keras.random.categorical(self.logits[None], n, seed=generator)[0]
        noise = keras.random.normal((n, self.means.shape[1]), seed=generator)
        means = ops.take(self.means, component, axis=0)
        log_vars = ops.take(self.log_vars, component, axis=0)
        return means + ops.exp(0.5 * log_vars) * noise

    def get_config(self) -> dict[str, Any]:
        own = {"n_components": self.n_components, "spread": self.spread, "seed": self.seed}
        return {**super().get_config(), **own}
