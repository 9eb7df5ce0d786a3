"""How likely each image's code is under the q of every other image: what information is measured by (NumPy)."""

import numpy as np

WIDEST = 300.0  # of abs(z_log_var): beyond it float64 holds no ratio of two such densities
VALUES_AT_ONCE = 2**18  # pairs of images: 2 MB a buffer, which stays in the processor's cache


def blocks(n):
    """Slices of n rows, few enough in each that its ratios with all n stay in the cache."""
    size = max(1, VALUES_AT_ONCE // n)
    return [slice(start, start + size) for start in range(0, n, size)]


def log_density_ratios(z_mean, z_log_var, noise, rows):
    """`log q(z_n|x_m) - log q(z_n|x_n)` for n in `rows` and every m, `z_n = z_mean_n + exp(z_log_var_n / 2) * noise_n`.

    The arrays are `[N, J]`, the result is `[n, N]`. The means are subtracted first: for equal ones no rounding hides
    a narrow q's noise.
    """
    own = 0.5 * (np.square(noise[rows]) + z_log_var[rows]).sum(axis=1)
    ratios = own[:, None] - 0.5 * z_log_var.sum(axis=1)
    with np.errstate(over="ignore"):  # codes so far apart that their density there is 0
        for mean, log_var, eps in zip(z_mean.T, z_log_var.T, noise[rows].T, strict=True):
            distance = mean[rows, None] - mean
            distance += (np.exp(0.5 * log_var[rows]) * eps)[:, None]
            distance *= np.sqrt(0.5) * np.exp(-0.5 * log_var)
            ratios -= np.square(distance, out=distance)
    here = np.arange(len(z_mean))[rows]
    ratios[here - here[0], here] = (
        0.0  # which it is but for rounding: no mixture is below its own part
    )
    return ratios


def checked_codes(z_mean, z_log_var):
    """Both as float64 `[N, J]`.

    Raises:
        TypeError: for arrays that hold no real numbers.
        ValueError: for shapes that do not fit, NaN or infinite values, log variances beyond ±300.
    """
    z_mean = _finite(z_mean, "z_mean")
    z_log_var = _finite(z_log_var, "z_log_var")
    if z_mean.shape != z_log_var.shape:
        raise ValueError(
            f"z_mean has shape {z_mean.shape}, z_log_var {z_log_var.shape}: pass two arrays [N, J]"
        )
    if np.abs(z_log_var).max() > WIDEST:
        raise ValueError(
            f"z_log_var goes beyond ±{WIDEST:g}: it is a logarithm; pass np.log(variance), or clip it"
        )
    return z_mean, z_log_var


def _finite(values, name):
    values = np.asarray(values)
    if values.dtype.kind not in "fiu":
        raise TypeError(
            f"{name} holds {values.dtype}, not real numbers: pass a numeric array [N, J]"
        )
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"{name} has shape {values.shape}: pass one row for each image, [N, J]")
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name} holds NaN or infinite values: look for the training step that made them"
        )
    return values.astype("float64")
