"""What the normal distributions of this room share: log 2 pi, a check, one KL (NumPy, float64, nats)."""

import numpy as np

LOG_2PI = float(np.log(2 * np.pi))


ASYMMETRY = 1e-10  # of the largest entry: what an inverse leaves of rounding


def checked_covariance(covariance, name, batch=False):
    """A covariance `[J, J]`, or with `batch` perhaps several, `[..., J, J]`, as float64.

    Raises:
        ValueError: where it is not symmetric and positive definite; it names the argument.

    Example:
        >>> checked_covariance([[1.0, 2.0], [2.0, 1.0]], "covariance")
        Traceback (most recent call last):
        ...
        ValueError: covariance has shape (2, 2): pass a symmetric positive definite matrix [J, J]
    """
    covariance = np.asarray(covariance, "float64")
    wanted = (
        f"{name} has shape {covariance.shape}: pass a symmetric positive definite matrix [J, J]"
    )
    right_rank = covariance.ndim >= 2 if batch else covariance.ndim == 2
    if (
        not right_rank
        or covariance.shape[-1] != covariance.shape[-2]
        or not np.isfinite(covariance).all()
    ):
        raise ValueError(wanted)
    asymmetry = abs(covariance - covariance.swapaxes(-1, -2))
    if asymmetry.max(initial=0) > ASYMMETRY * abs(covariance).max(initial=0):
        raise ValueError(wanted)
    try:
        np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as error:
        raise ValueError(wanted) from error
    return covariance


def divergence(q_mean, q_covariance, p_mean, p_covariance):
    """KL(q || p) `[...]` for means `[..., J]` and covariances `[..., J, J]`, each one or as many as there are.

    With the roots `q_covariance = A A^T` and `p_covariance = B B^T` it is
    `1/2 (|B^-1 A|^2 + |B^-1 (q_mean - p_mean)|^2 - J) + log det B - log det A`.

    Raises:
        np.linalg.LinAlgError: where a covariance is not positive definite.

    Example:
        >>> divergence(np.ones([3, 2]), np.eye(2), np.zeros(2), np.eye(2))
        array([1., 1., 1.])
    """
    q_root = np.linalg.cholesky(q_covariance)
    p_root = np.linalg.cholesky(p_covariance)
    spread = (np.linalg.solve(p_root, q_root) ** 2).sum(axis=(-2, -1))
    distance = (np.linalg.solve(p_root, (q_mean - p_mean)[..., None]) ** 2).sum(axis=(-2, -1))
    log_ratio = half_log_det(p_root) - half_log_det(q_root)
    return 0.5 * (spread + distance - q_mean.shape[-1]) + log_ratio


def half_log_det(root):
    """Half the log determinant `[...]` of the covariances with these Cholesky factors `[..., J, J]`.

    Example:
        >>> round(float(half_log_det(np.diag([1.0, np.e]))), 6)
        1.0
    """
    return np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1)
