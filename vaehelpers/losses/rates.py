"""The rate of an encoder, whole and per dimension, free bits, and minus the ELBO. Nats."""

from keras import ops

from vaehelpers.losses.tensors import Tensor, floats, parameter, same_shape


def gaussian_kl_per_dim(z_mean: Tensor, z_log_var: Tensor) -> Tensor:
    """KL(q(z_j|x) || N(0, 1)) of each latent dimension.

    `1/2 (exp(z_log_var) - 1 - z_log_var + z_mean^2)`

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
    z_mean, z_log_var = floats(z_mean, z_log_var)
    if len(z_mean.shape) != 2 or not same_shape(z_mean, z_log_var):
        raise ValueError(
            f"z_mean has shape {tuple(z_mean.shape)}, z_log_var {tuple(z_log_var.shape)}: "
            "both must be [B, J]"
        )
    return 0.5 * (ops.expm1(z_log_var) - z_log_var + ops.square(z_mean))


def gaussian_kl(z_mean: Tensor, z_log_var: Tensor) -> Tensor:
    """The rate KL(q(z|x) || N(0, I)): `gaussian_kl_per_dim`, summed over the latent dimensions.

    Args:
        z_mean: the means of q, `[B, J]`.
        z_log_var: the logarithms of its variances, `[B, J]`.

    Returns:
        `[B]`, nats, at least 0. ValueError where the shapes differ or are not `[B, J]`.

    Source: Kingma & Welling (2014), appendix B.

    Example:
        >>> np.asarray(gaussian_kl(np.array([[1.0, 2.0]]), np.zeros([1, 2])))
        array([2.5])
    """
    return ops.sum(gaussian_kl_per_dim(z_mean, z_log_var), axis=-1)


def free_bits_rate(kl_per_dim: Tensor, min_nats: Tensor) -> Tensor:
    """The rate with free bits: `sum over j of max(min_nats, mean over the batch of KL_j)`.

    It is not the KL, and what it trains is not the ELBO: a dimension's first `min_nats` cost
    nothing extra.

    Args:
        kl_per_dim: `[B, J]`, nats.
        min_nats: the free amount for each dimension, nats.

    Returns:
        A scalar, nats: the mean over the batch is inside. ValueError where the shape is not
        `[B, J]`.

    Source: Kingma et al. (2016), appendix C.8.

    Example:
        >>> float(free_bits_rate(np.array([[0.0, 3.0], [0.2, 1.0]]), min_nats=0.5))
        2.5
    """
    (kl_per_dim,) = floats(kl_per_dim)
    if len(kl_per_dim.shape) != 2:
        raise ValueError(f"kl_per_dim has shape {tuple(kl_per_dim.shape)}: it must be [B, J]")
    mean = ops.mean(kl_per_dim, axis=0)
    return ops.sum(ops.maximum(mean, parameter(min_nats, mean, "min_nats")))


def negative_elbo(distortion: Tensor, rate: Tensor, beta: Tensor = 1.0) -> Tensor:
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
    distortion, rate = floats(distortion, rate)
    if len(distortion.shape) != 1 or not same_shape(distortion, rate):
        raise ValueError(
            f"distortion has shape {tuple(distortion.shape)}, rate {tuple(rate.shape)}: "
            "both must be [B], per example"
        )
    return distortion + parameter(beta, rate, "beta") * rate
