"""A prior that is learned with the networks: a mixture of normal distributions."""

import math
from numbers import Integral, Real

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("vaehelpers")
class MixturePrior(layers.Layer):
    """p(z) as a mixture of K normal distributions with diagonal covariances: `log sum over k of w_k N(z; m_k, s_k^2)`.

    `VAE(encoder, decoder, prior=MixturePrior())` trains weights, means and variances with the networks. The rate is
    then estimated from the draw of z: minus the entropy of q(z|x) minus log p(z). The ELBO stays a bound on log p(x).

    Args:
        n_components: K, at least 1.
        spread: the standard deviation of the means at the start, where all variances are 1 and all weights equal.
        seed: of the means at the start; `None` for one that follows `runtime.set_seed`.

    Methods: `log_prob(z [B, J]) -> [B]`, nats; `sample(n, seed=None) -> [n, J]`. Both need `build((None, J))`, which
    `VAE` calls.

    Raises:
        ValueError: for K that is no whole number of at least 1, a spread that is not above 0.

    Source: Dilokthanakul et al. (2016), arXiv 1611.02648, and, for components that are posteriors of learned inputs,
    Tomczak & Welling (2018), arXiv 1705.07120.

    Example:
        >>> prior = MixturePrior(n_components=1, spread=1e-6)
        >>> prior.build((None, 2))
        >>> round(float(prior.log_prob(np.zeros([1, 2]))[0]), 4)  # that of N(0, I): -log 2 pi
        -1.8379
        >>> prior.sample(5, seed=0).shape == (5, 2)
        True
    """

    def __init__(self, n_components=10, spread=1.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        if isinstance(n_components, bool) or not isinstance(n_components, Integral) or n_components < 1:
            raise ValueError(f"n_components is {n_components!r}: pass a whole number of at least 1")
        if isinstance(spread, bool) or not isinstance(spread, Real) or not 0 < spread < math.inf:
            raise ValueError(f"spread is {spread!r}: pass a number above 0")
        self.n_components, self.spread, self.seed = int(n_components), float(spread), seed

    def build(self, input_shape):
        shape = (self.n_components, input_shape[-1])
        start = keras.initializers.RandomNormal(stddev=self.spread, seed=self.seed)
        self.means = self.add_weight(shape=shape, initializer=start, name="means")
        self.log_vars = self.add_weight(shape=shape, initializer="zeros", name="log_vars")
        self.logits = self.add_weight(shape=(self.n_components,), initializer="zeros", name="logits")
        self.built = True

    def log_prob(self, z):
        z = ops.expand_dims(ops.convert_to_tensor(z, self.means.dtype), axis=1)  # [B, 1, J] against [K, J]
        squares = ops.square(z - self.means) * ops.exp(-self.log_vars)
        log_densities = -0.5 * ops.sum(squares + self.log_vars + math.log(2 * math.pi), axis=-1)
        return ops.logsumexp(log_densities + ops.log_softmax(self.logits), axis=1)

    def sample(self, n, seed=None):
        generator = keras.random.SeedGenerator(seed)
        component = keras.random.categorical(ops.expand_dims(self.logits, 0), n, seed=generator)[0]
        noise = keras.random.normal((n, self.means.shape[1]), seed=generator)
        means, log_vars = (ops.take(table, component, axis=0) for table in (self.means, self.log_vars))
        return means + ops.exp(0.5 * log_vars) * noise

    def get_config(self):
        own = {"n_components": self.n_components, "spread": self.spread, "seed": self.seed}
        return {**super().get_config(), **own}
