"""What normal distributions share: log 2 pi, a KL, a determinant (NumPy, float64, nats)."""

import numpy as np

LOG_2PI = float(np.log(2 * np.pi))


def divergence(q_mean, q_covariance, p_mean, p_covariance):
    """KL(q || p) `[...]` for means `[..., J]` and covariances `[..., J, J]`.

    With the roots `q_covariance = A A^T` and `p_covariance = B B^T` it is
    `1/2 (|B^-1 A|^2 + |B^-1 (q_mean - p_mean)|^2 - J) + log det B - log det A`.

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
    """Half the log determinant `[...]` of covariances with Cholesky factors `[..., J, J]`."""
    return np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1)
