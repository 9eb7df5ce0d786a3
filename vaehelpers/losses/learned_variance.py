"""A likelihood with a weight of its own: the Gaussian decoder whose variance is learned."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from vaehelpers.data.checks import check_number
from vaehelpers.losses.likelihoods import gaussian_log_likelihood
from vaehelpers.losses.tensors import Tensor


@keras.saving.register_keras_serializable("vaehelpers")
class GaussianWithLearnedVariance(layers.Layer):
    """log p(x|z) of a Gaussian decoder whose variance, one for all pixels, is trained as well.

    `VAE(encoder, decoder, log_likelihood=GaussianWithLearnedVariance())` is the sigma-VAE: at an
    optimum its variance is the squared error per pixel, and weighing the KL with beta would only
    change which variance that is.

    Args:
        variance: where training starts, above 0.

    Call: `(x, x_mean)`, images and the decoder's output of one shape, to `[B]`, nats. `variance` is
    its value now.

    Raises:
        TypeError: for a variance that is not a number.
        ValueError: for a variance that is not above 0 and finite, and shapes that differ.

    Source: Rybkin, Daniilidis & Levine (2021), equation 5, arXiv 2006.13202.

    Example:
        >>> log_likelihood = GaussianWithLearnedVariance(variance=0.25)
        >>> log_likelihood(np.zeros([3, 2]), np.ones([3, 2])).shape == (3,)
        True
        >>> log_likelihood.variance
        0.25
    """

    def __init__(self, variance: float = 1.0, **kwargs: Any) -> None:
        # Whatever the policy: half precision is not for sums.
        super().__init__(**{"dtype": "float32", **kwargs})
        self.initial_variance = check_number(variance, "variance", above=0)
        # Built here, so that the optimizer of a model that is compiled later knows the weight.
        start = keras.initializers.Constant(np.log(self.initial_variance))
        self.log_var = self.add_weight(shape=(), initializer=start, dtype="float32", name="log_var")

    def call(self, x: Tensor, x_mean: Tensor) -> Tensor:
        return gaussian_log_likelihood(x, x_mean, self.log_var)

    @property
    def variance(self) -> float:
        """The variance as it is now, a float."""
        return float(np.exp(ops.convert_to_numpy(self.log_var)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "variance": self.initial_variance}
