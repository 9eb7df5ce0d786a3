"""How numbers stand in the sentences of an evaluation and of a diagnosis."""

import numpy as np

ROUNDING = 1e-6  # nats: what float32 leaves of sums that are 0


def number(value):
    """Three digits, or from 10 on one decimal where it is not 0: 0.000312, 2.5, 31.8, 392."""
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 10 else f"{value:.3g}"


def nats(value):
    """A number with its unit, never -0."""
    return f"{number(value if abs(value) >= ROUNDING else 0.0)} nats"


def with_error(value, error):
    """Both to the error's second digit: 148.3 ± 1.2."""
    if not np.isfinite(error) or error == 0:
        return f"{value + 0.0:.4g}"  # -0.0 + 0.0 is 0.0
    decimals = int(np.clip(1 - np.floor(np.log10(error)), 0, 6))
    return f"{round(value, decimals) + 0.0:.{decimals}f} ± {error:.{decimals}f}"
