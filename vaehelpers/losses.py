"""The terms of the evidence lower bound (ELBO), one number per example, in nats.

Sums run over every axis but the first; the mean over the batch is written where the loss is used.
Shapes are checked; values are not, since these functions run inside compiled training steps.
"""

import math

from keras import ops
from keras.backend import result_type
from keras.saving import register_keras_serializable


def _sum_per_example(values):
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))


def _same_shape(x, other):
    """Whether the shapes are equal; an axis of unknown length, as in a compiled step, equals any."""
    pairs = zip(x.shape, other.shape, strict=False)
    return len(x.shape) == len(other.shape) and all(a == b or a is None or b is None for a, b in pairs)


def _check_pair(x, other, name):
    if not _same_shape(x, other):
        raise ValueError(f"{name} has shape {tuple(other.shape)}, x has {tuple(x.shape)}: they must be equal")
    if len(x.shape) < 2:
        raise ValueError(f"x has shape {tuple(x.shape)}: a batch [B, ...] is wanted, add the first axis with x[None]")


def _check_broadcast(shape, parameter, name):
    """A parameter may be a number or broadcast to the shape, and must not make it larger."""
    pairs = zip(reversed(shape), reversed(parameter.shape), strict=False)
    if len(parameter.shape) > len(shape) or any(p not in (1, n, None) and n is not None for n, p in pairs):
        raise ValueError(f"{name} has shape {tuple(parameter.shape)}, which does not broadcast to {tuple(shape)}")


def _floats(*arrays):
    """Tensors of one floating-point type, the widest among the arrays and float32: half precision is not for sums."""
    tensors = [ops.convert_to_tensor(array) for array in arrays]
    dtype = result_type(*(tensor.dtype for tensor in tensors), "float32")
    return [ops.cast(tensor, dtype) for tensor in tensors]


def _image_pair(x, other, name):
    x, other = _floats(x, other)
    _check_pair(x, other, name)
    return x, other


@register_keras_serializable("vaehelpers")
def bernoulli_log_likelihood(x, x_logits):
    """log p(x|z) of independent bits: `sum over pixels of x log p + (1 - x) log(1 - p)`, p = sigmoid(logit).

    It equals minus the summed binary cross-entropy; for grey x in (0, 1) that is no log-probability, see lesson 01.

    Args:
        x: images `[B, ...]`, values in [0, 1].
        x_logits: the decoder's output, x's shape.

    Returns:
        `[B]`, nats, at most 0. ValueError where the shapes differ or there is no batch axis.

    Source: Kingma & Welling (2014), appendix C.1.

    Example:
        >>> x = np.array([[0.0, 1.0, 1.0]])
        >>> np.asarray(bernoulli_log_likelihood(x, np.zeros([1, 3])) / np.log(2)).round(4)  # three fair coins
        array([-3.])
    """
    x, x_logits = _image_pair(x, x_logits, "x_logits")
    return _sum_per_example(_bernoulli(x, x_logits))


@register_keras_serializable("vaehelpers")
def gaussian_log_likelihood(x, x_mean, log_var=0.0):
    """log p(x|z) of a Gaussian decoder: `-1/2 sum over pixels of log(2 pi) + log_var + (x - mean)^2 / exp(log_var)`.

    A density, not a probability: it may be above 0.

    Args:
        x: images `[B, ...]`.
        x_mean: the decoder's output, x's shape.
        log_var: the decoder's log variance: a number, or an array that broadcasts to x.

    Returns:
        `[B]`, nats. ValueError where the shapes do not fit.

    Source: Kingma & Welling (2014), appendix C.2.

    Example:
        >>> np.asarray(gaussian_log_likelihood(np.zeros([1, 2]), np.zeros([1, 2]))).round(4)  # minus log(2 pi)
        array([-1.8379])
    """
    x, x_mean = _image_pair(x, x_mean, "x_mean")
    log_var = ops.cast(log_var, x.dtype)
    _check_broadcast(x.shape, log_var, "log_var")
    squares = ops.multiply(ops.square(x - x_mean), ops.exp(-log_var))
    return -0.5 * _sum_per_example(ops.add(squares, log_var + math.log(2 * math.pi)))


def optimal_variance(x, x_mean):
    """The variance of a Gaussian decoder that makes an image most likely: `mean over pixels of (x - mean)^2`.

    The best variance that all images share is the mean of these over the images (and over draws of the code). At it
    the mean distortion is `(D / 2) (1 + log(2 pi variance))`.

    Args:
        x: images `[B, ...]`.
        x_mean: the decoder's output, x's shape.

    Returns:
        `[B]`, in the square of the pixels' unit. ValueError where the shapes differ or there is no batch axis.

    Source: Rybkin, Daniilidis & Levine (2021), equation 6.

    Example:
        >>> np.asarray(optimal_variance(np.zeros([1, 2]), np.array([[0.5, 1.5]])))
        array([1.25])
    """
    x, x_mean = _image_pair(x, x_mean, "x_mean")
    return ops.mean(ops.square(x - x_mean), axis=tuple(range(1, len(x.shape))))


@register_keras_serializable("vaehelpers")
def laplace_log_likelihood(x, x_mean, scale=1.0):
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
    x, x_mean = _image_pair(x, x_mean, "x_mean")
    scale = ops.cast(scale, x.dtype)
    _check_broadcast(x.shape, scale, "scale")
    return -_sum_per_example(ops.add(ops.divide(ops.abs(x - x_mean), scale), ops.log(2 * scale)))


@register_keras_serializable("vaehelpers")
def continuous_bernoulli_log_likelihood(x, x_logits):
    """log p(x|z) of independent grey values: the Bernoulli terms plus `log C`, `C = logit / tanh(logit / 2)`.

    The density on [0, 1] that is proportional to `exp(x * logit)`. `C` is at least 2, its value at logit 0.

    Args:
        x: images `[B, ...]`, values in [0, 1].
        x_logits: the decoder's output, x's shape. `sigmoid(x_logits)` is the parameter lambda and not the mean.

    Returns:
        `[B]`, nats; a density, so it may be above 0. ValueError where the shapes differ or there is no batch axis.

    Source: Loaiza-Ganem & Cunningham (2019), equations 5 to 7.

    Example:
        >>> np.asarray(abs(continuous_bernoulli_log_likelihood(np.array([[0.3]]), np.zeros([1, 1]))))  # uniform
        array([0.])
    """
    x, x_logits = _image_pair(x, x_logits, "x_logits")
    return _sum_per_example(_bernoulli(x, x_logits) + continuous_bernoulli_log_normalizer(x_logits))


def _bernoulli(x, logits):
    """x log p + (1 - x) log(1 - p) with p = sigmoid(logit), as minus two terms of one sign, so nothing cancels.

    One exponential and one logarithm a pixel; `where` keeps the gradient right at logit 0, which `abs` would lose.
    """
    positive = logits >= 0
    against = ops.where(positive, (1 - x) * logits, -x * logits)
    return -(against + ops.log1p(ops.exp(ops.where(positive, -logits, logits))))


def continuous_bernoulli_log_normalizer(x_logits):
    """log C of a continuous Bernoulli pixel: `log(l / tanh(l / 2))`, by its series near logit 0, where it is 0 / 0.

    It is what the Bernoulli's terms lack to be a density on [0, 1]: minus the logarithm of their integral over x.

    Args:
        x_logits: the decoder's output, any shape.

    Returns:
        An array of that shape, nats, at least log 2: the least at logit 0, which is lambda = 1/2.

    Source: Loaiza-Ganem & Cunningham (2019), equation 6.

    Example:
        >>> np.exp(np.asarray(continuous_bernoulli_log_normalizer(np.array([0.0, 4.0])))).round(3)
        array([2.   , 4.149])
    """
    (x_logits,) = _floats(x_logits)
    near_zero = ops.abs(x_logits) < 0.5
    safe = ops.where(near_zero, ops.ones_like(x_logits), ops.abs(x_logits))
    square = ops.square(ops.where(near_zero, x_logits, ops.zeros_like(x_logits)))
    series = math.log(2) + square * (1 / 12 - square * (7 / 1440 - square * (31 / 90720)))
    return ops.where(near_zero, series, ops.log(safe) - ops.log(ops.tanh(safe / 2)))


def continuous_bernoulli_mean(x_logits):
    """The mean of a continuous Bernoulli pixel: `1 / (1 - exp(-l)) - 1 / l`, by its series near logit 0.

    This is the grey value that the decoder predicts. `sigmoid(l)`, the parameter lambda, is further from 1/2.

    Args:
        x_logits: the decoder's output, any shape.

    Returns:
        An array of that shape, in (0, 1).

    Source: Loaiza-Ganem & Cunningham (2019), equation 8.

    Example:
        >>> np.asarray(continuous_bernoulli_mean(np.array([0.0, 4.0]))).round(4)
        array([0.5   , 0.7687])
    """
    (x_logits,) = _floats(x_logits)
    near_zero = ops.abs(x_logits) < 0.5
    safe = ops.where(near_zero, ops.ones_like(x_logits), x_logits)
    square = ops.square(ops.where(near_zero, x_logits, ops.zeros_like(x_logits)))
    slope = 1 / 12 - square * (1 / 720 - square * (1 / 30240 - square * (1 / 1209600)))
    # 1 / (1 - exp(-l)) = 1/2 + 1 / (2 tanh(l / 2)), which neither overflows nor cancels.
    return 0.5 + ops.where(near_zero, x_logits * slope, 0.5 / ops.tanh(safe / 2) - 1 / safe)


def gaussian_kl_per_dim(z_mean, z_log_var):
    """KL(q(z_j|x) || N(0, 1)) of each latent dimension: `1/2 (exp(z_log_var) - 1 - z_log_var + z_mean^2)`.

    Args:
        z_mean: the means of q, `[B, J]`.
        z_log_var: the logarithms of its variances, `[B, J]`.

    Returns:
        `[B, J]`, nats, at least 0. ValueError where the shapes differ or are not `[B, J]`.

    Source: Kingma & Welling (2014), appendix B; `expm1` keeps it exact near 0.

    Example:
        >>> np.asarray(gaussian_kl_per_dim(np.array([[0.0, 2.0]]), np.zeros([1, 2])))
        array([[0., 2.]])
    """
    z_mean, z_log_var = _floats(z_mean, z_log_var)
    if len(z_mean.shape) != 2 or not _same_shape(z_mean, z_log_var):
        raise ValueError(
            f"z_mean has shape {tuple(z_mean.shape)}, z_log_var {tuple(z_log_var.shape)}: both must be [B, J]"
        )
    return 0.5 * (ops.expm1(z_log_var) - z_log_var + ops.square(z_mean))


def gaussian_kl(z_mean, z_log_var):
    """The rate KL(q(z|x) || N(0, I)): `gaussian_kl_per_dim`, summed over the latent dimensions.

    Takes the same arguments, returns `[B]`, nats, at least 0.

    Example:
        >>> np.asarray(gaussian_kl(np.array([[1.0, 2.0]]), np.zeros([1, 2])))
        array([2.5])
    """
    return ops.sum(gaussian_kl_per_dim(z_mean, z_log_var), axis=-1)


def free_bits_rate(kl_per_dim, min_nats):
    """The rate with free bits: `sum over j of max(min_nats, mean over the batch of KL_j)`.

    It is not the KL, and what it trains is not the ELBO: a dimension's first `min_nats` cost nothing extra.

    Args:
        kl_per_dim: `[B, J]`, nats.
        min_nats: the free amount for each dimension, nats.

    Returns:
        A scalar, nats: the mean over the batch is inside. ValueError where kl_per_dim is not `[B, J]`.

    Source: Kingma et al. (2016), appendix C.8.

    Example:
        >>> float(free_bits_rate(np.array([[0.0, 3.0], [0.2, 1.0]]), min_nats=0.5))
        2.5
    """
    (kl_per_dim,) = _floats(kl_per_dim)
    if len(kl_per_dim.shape) != 2:
        raise ValueError(f"kl_per_dim has shape {tuple(kl_per_dim.shape)}: it must be [B, J]")
    min_nats = ops.cast(min_nats, kl_per_dim.dtype)
    _check_broadcast(kl_per_dim.shape[1:], min_nats, "min_nats")
    return ops.sum(ops.maximum(ops.mean(kl_per_dim, axis=0), min_nats))


def negative_elbo(distortion, rate, beta=1.0):
    """`distortion + beta * rate` for each example: minus the ELBO at beta 1.

    Args:
        distortion: minus log p(x|z), `[B]`, nats.
        rate: KL(q(z|x) || p(z)), `[B]`, nats.
        beta: the weight of the rate; 1 is the ELBO, anything else another objective.

    Returns:
        `[B]`, nats. ValueError where the shapes are not one number per example each.

    Source: Higgins et al. (2017), equation 4.

    Example:
        >>> np.asarray(negative_elbo(np.array([100.0]), np.array([5.0]), beta=2.0))
        array([110.])
    """
    distortion, rate = _floats(distortion, rate)
    if len(distortion.shape) != 1 or not _same_shape(distortion, rate):
        raise ValueError(
            f"distortion has shape {tuple(distortion.shape)}, rate {tuple(rate.shape)}: both must be [B], per example"
        )
    beta = ops.cast(beta, rate.dtype)
    _check_broadcast(rate.shape, beta, "beta")
    return distortion + beta * rate
