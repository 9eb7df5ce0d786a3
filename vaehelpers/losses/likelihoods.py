"""log p(x|z) of the four likelihoods of a pixel, one number per example, in nats.

Sums run over every axis but the first; the mean over the batch is written where the loss is used.
Shapes are checked; values are not, since these functions run inside compiled training steps.
"""

import math
from collections.abc import Callable

from keras import ops
from keras.saving import register_keras_serializable

from vaehelpers.collapse.normal import LOG_2PI
from vaehelpers.data.likelihoods import chosen_likelihood
from vaehelpers.losses.tensors import Tensor, floats, image_pair, parameter, sum_per_example


@register_keras_serializable("vaehelpers")
def bernoulli_log_likelihood(x: Tensor, x_logits: Tensor) -> Tensor:
    """log p(x|z) of bits: `sum over pixels of x log p + (1 - x) log(1 - p)`, p = sigmoid(logit).

    It equals minus the summed binary cross-entropy; for grey x in (0, 1) that is no
    log-probability, see lesson 01.

    Args:
        x: images `[B, ...]`, values in [0, 1].
        x_logits: the decoder's output, x's shape.

    Returns:
        `[B]`, nats, at most 0. ValueError where the shapes differ or there is no batch axis.

    Source: Kingma & Welling (2014), appendix C.1.

    Example:
        >>> x = np.array([[0.0, 1.0, 1.0]])
        >>> three_fair_coins = bernoulli_log_likelihood(x, np.zeros([1, 3]))
        >>> np.asarray(three_fair_coins / np.log(2)).round(4)
        array([-3.])
    """
    x, x_logits = image_pair(x, x_logits, "x_logits")
    return sum_per_example(_bernoulli(x, x_logits))


@register_keras_serializable("vaehelpers")
def gaussian_log_likelihood(x: Tensor, x_mean: Tensor, log_var: Tensor = 0.0) -> Tensor:
    """log p(x|z) of a Gaussian decoder, a density: it may be above 0.

    `-1/2 sum over pixels of log(2 pi) + log_var + (x - mean)^2 / exp(log_var)`

    Args:
        x: images `[B, ...]`.
        x_mean: the decoder's output, x's shape.
        log_var: the decoder's log variance: a number, or an array that broadcasts to x.

    Returns:
        `[B]`, nats. ValueError where the shapes do not fit.

    Source: Kingma & Welling (2014), appendix C.2.

    Example:
        >>> minus_log_2_pi = gaussian_log_likelihood(np.zeros([1, 2]), np.zeros([1, 2]))
        >>> np.asarray(minus_log_2_pi).round(4)
        array([-1.8379])
    """
    x, x_mean = image_pair(x, x_mean, "x_mean")
    log_var = parameter(log_var, x, "log_var")
    squares = ops.multiply(ops.square(x - x_mean), ops.exp(-log_var))
    return -0.5 * sum_per_example(ops.add(squares, log_var + LOG_2PI))


@register_keras_serializable("vaehelpers")
def laplace_log_likelihood(x: Tensor, x_mean: Tensor, scale: Tensor = 1.0) -> Tensor:
    """log p(x|z) of a Laplace decoder: `-sum over pixels of |x - mean| / scale + log(2 scale)`.

    Args:
        x: images `[B, ...]`.
        x_mean: the decoder's output (the median, which is the mean too), x's shape.
        scale: the scale b > 0: a number, or an array that broadcasts to x.

    Returns:
        `[B]`, nats; a density, so it may be above 0. ValueError where the shapes do not fit.

    Source: the Laplace density; the absolute error is its negative logarithm up to a constant.

    Example:
        >>> np.asarray(laplace_log_likelihood(np.ones([1, 2]), np.zeros([1, 2]), scale=0.5))
        array([-4.])
    """
    x, x_mean = image_pair(x, x_mean, "x_mean")
    scale = parameter(scale, x, "scale")
    return -sum_per_example(ops.add(ops.divide(ops.abs(x - x_mean), scale), ops.log(2 * scale)))


@register_keras_serializable("vaehelpers")
def continuous_bernoulli_log_likelihood(x: Tensor, x_logits: Tensor) -> Tensor:
    """log p(x|z) of grey values: Bernoulli's terms plus `log C`, `C = logit / tanh(logit / 2)`.

    The density on [0, 1] that is proportional to `exp(x * logit)`. `C` is at least 2, its value at
    logit 0.

    Args:
        x: images `[B, ...]`, values in [0, 1].
        x_logits: the decoder's output, x's shape. `sigmoid(x_logits)` is the parameter lambda and
            not the mean.

    Returns:
        `[B]`, nats; a density, so it may be above 0. ValueError where the shapes differ or there is
        no batch axis.

    Source: Loaiza-Ganem & Cunningham (2019), equations 5 to 7.

    Example:
        >>> uniform = continuous_bernoulli_log_likelihood(np.array([[0.3]]), np.zeros([1, 1]))
        >>> np.asarray(abs(uniform))
        array([0.])
    """
    x, x_logits = image_pair(x, x_logits, "x_logits")
    return sum_per_example(_bernoulli(x, x_logits) + continuous_bernoulli_log_normalizer(x_logits))


def log_likelihood_named(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """The function `(x, x_decoded) -> [B]` of a likelihood's name; ValueError for an unknown name.

    Example:
        >>> log_likelihood_named("gaussian") is gaussian_log_likelihood
        True
    """
    return globals()[f"{chosen_likelihood(name).name}_log_likelihood"]


def _bernoulli(x, logits):
    """x log p + (1 - x) log(1 - p), as minus two terms of one sign, so nothing cancels.

    One exponential and one logarithm a pixel; `where` keeps the gradient right at logit 0, which
    `abs` would lose.
    """
    positive = logits >= 0
    against = ops.where(positive, (1 - x) * logits, -x * logits)
    return -(against + ops.log1p(ops.exp(ops.where(positive, -logits, logits))))


def continuous_bernoulli_log_normalizer(x_logits: Tensor) -> Tensor:
    """log C of a continuous Bernoulli pixel: `log(l / tanh(l / 2))`, by its series near logit 0.

    It is what the Bernoulli's terms lack to be a density on [0, 1]: minus the logarithm of their
    integral over x.

    Args:
        x_logits: the decoder's output, any shape.

    Returns:
        An array of that shape, nats, at least log 2: the least at logit 0, which is lambda = 1/2.

    Source: Loaiza-Ganem & Cunningham (2019), equation 6.

    Example:
        >>> log_c = continuous_bernoulli_log_normalizer(np.array([0.0, 4.0]))
        >>> np.exp(np.asarray(log_c)).round(3)
        array([2.   , 4.149])
    """
    (x_logits,) = floats(x_logits)
    near_zero = ops.abs(x_logits) < 0.5
    safe = ops.where(near_zero, ops.ones_like(x_logits), ops.abs(x_logits))
    square = ops.square(ops.where(near_zero, x_logits, ops.zeros_like(x_logits)))
    series = math.log(2) + square * (1 / 12 - square * (7 / 1440 - square * (31 / 90720)))
    return ops.where(near_zero, series, ops.log(safe) - ops.log(ops.tanh(safe / 2)))


def continuous_bernoulli_mean(x_logits: Tensor) -> Tensor:
    """The mean of a continuous Bernoulli pixel: `1 / (1 - exp(-l)) - 1 / l`, a series near 0.

    This is the grey value that the decoder predicts. `sigmoid(l)`, the parameter lambda, is further
    from 1/2.

    Args:
        x_logits: the decoder's output, any shape.

    Returns:
        An array of that shape, in (0, 1).

    Source: Loaiza-Ganem & Cunningham (2019), equation 8.

    Example:
        >>> np.asarray(continuous_bernoulli_mean(np.array([0.0, 4.0]))).round(4)
        array([0.5   , 0.7687])
    """
    (x_logits,) = floats(x_logits)
    near_zero = ops.abs(x_logits) < 0.5
    safe = ops.where(near_zero, ops.ones_like(x_logits), x_logits)
    square = ops.square(ops.where(near_zero, x_logits, ops.zeros_like(x_logits)))
    slope = 1 / 12 - square * (1 / 720 - square * (1 / 30240 - square * (1 / 1209600)))
    # 1 / (1 - exp(-l)) = 1/2 + 1 / (2 tanh(l / 2)), which neither overflows nor cancels.
    return 0.5 + ops.where(near_zero, x_logits * slope, 0.5 / ops.tanh(safe / 2) - 1 / safe)
