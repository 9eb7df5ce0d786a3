"""Explorers on trained networks and on closed forms, moved by mouse, touch or keyboard."""

import base64
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from vaehelpers.collapse.no_code import rounded_up
from vaehelpers.data import load_beta_grid, load_mnist
from vaehelpers.data.beta_grid import DECODER
from vaehelpers.data.checks import check_number, check_whole, needs_course
from vaehelpers.explorers.page import ANSWERS, LIKELIHOODS, SHOWN_DIGITS, filled, packed, page_data
from vaehelpers.explorers.scripts import classic_script

if TYPE_CHECKING:  # the widgets need the course's packages
    from vaehelpers.explorers.widgets import Explorer

SHOWN, PLANE = 10, 200
SENTENCES = {
    "beta_explorer": "Slide beta over 16 trained networks in JupyterLab.",
    "latent_explorer": "Point at the latent plane of a trained network in JupyterLab.",
    "elbo_explorer": "Move q in JupyterLab and see ELBO and gap.",
    "reduction_calculator": "Choose reductions in JupyterLab and read beta.",
    "playground": "Train two VAEs here, in JupyterLab, by one click.",
}


def beta_explorer(beta: float = 1.0) -> "Explorer":
    """Slide beta over the networks of `data.load_beta_grid`: digits, codes, rate and thresholds.

    Args:
        beta: where to begin; of the 16 betas the nearest is taken.

    Returns:
        A widget; its `state` is a text, "beta=1", that can be read and set.

    Raises:
        ValueError: for a beta that is not above 0, or infinite.
        ImportError: where the course's packages are missing.

    Example:
        >>> beta_explorer(beta=392)
        Slide beta over 16 trained networks in JupyterLab. At beta=392.
    """
    return _on_the_grid("beta_explorer", f"beta={check_number(beta, 'beta', above=0):g}")


def latent_explorer(beta: float = 1.0, z: ArrayLike = (0.0, 0.0)) -> "Explorer":
    """Point at the latent plane: the decoder of the nearest stored beta draws that code's digit.

    Raises:
        ValueError: for a beta that is not above 0, or z that is not two numbers from -5 to 5.

    Example:
        >>> latent_explorer(z=(1, -0.5))
        Point at the latent plane of a trained network in JupyterLab. At beta=1&z=1,-0.5.
    """
    code = np.asarray(z, "float64")
    if code.shape != (2,) or not (np.abs(code) <= 5).all():
        raise ValueError(f"z is {code.tolist()}: pass two numbers from -5 to 5")
    beta = check_number(beta, "beta", above=0)
    return _on_the_grid("latent_explorer", f"beta={beta:g}&z={code[0]:g},{code[1]:g}")


def reduction_calculator(
    error: str = "bernoulli",
    *,
    pixels: str = "mean",
    latents: str = "mean",
    weight: float = 1.0,
    n_pixels: int = 784,
    latent_dim: int = 2,
) -> "Explorer":
    """Which beta a loss trains, from its reductions and its weight on the KL, and how to train 1.

    Args:
        error: "bernoulli" (a cross-entropy) or "squared".
        pixels, latents: "sum" or "mean", over an image's pixels and over the latents.
        weight: on the KL.
        n_pixels, latent_dim: of one image with its channels, and of its code.

    Raises:
        ValueError: for another word, a negative weight, a size below 1.

    Example:
        >>> reduction_calculator(latents="sum").state
        'error=bernoulli&pixels=mean&latents=sum&weight=1&D=784&J=2'
    """
    for name, value, allowed in (
        ("error", error, ("bernoulli", "squared")),
        ("pixels", pixels, ("sum", "mean")),
        ("latents", latents, ("sum", "mean")),
    ):
        if value not in allowed:
            raise ValueError(f"{name} is {value!r}: pass {' or '.join(map(repr, allowed))}")
    weight = _within(weight, "weight", 0, 1e9)
    values = _within(check_whole(n_pixels, "n_pixels"), "n_pixels", 1, 1e8)
    latent = _within(check_whole(latent_dim, "latent_dim"), "latent_dim", 1, 1e6)
    loss = f"error={error}&pixels={pixels}&latents={latents}&weight={weight:g}"
    return _on_the_grid("reduction_calculator", f"{loss}&D={values:.0f}&J={latent:.0f}")


def elbo_explorer(
    z: ArrayLike, log_likelihood: ArrayLike, *, mean: float = 0.0, width: float = 0.5
) -> "Explorer":
    """Move a normal q(z): the lengths of -log p(x), gap, distortion and rate, by sums over z.

    The prior is N(0, 1): `log p(x) = log sum_z p(x|z) p(z) dz`, and the gap is KL(q || p(z|x)).

    Args:
        z: evenly spaced `[N]`, from -10 to 10 at least, where every q has died out.
        log_likelihood: log p(x|z) at each z, `[N]`, nats.
        mean, width: of q to begin with, -2 to 2 and 0.1 to 2; the width is the standard deviation.

    Raises:
        ValueError: for arrays that differ in length, are not finite, another z, or another q.

    Example:
        >>> z = np.linspace(-10, 10, 1001)
        >>> elbo_explorer(z, -0.5 * (z - 1) ** 2, mean=0.5, width=0.7)
        Move q in JupyterLab and see ELBO and gap. At mean=0.5&width=0.7.
    """
    grid, logs = np.asarray(z, "float64"), np.asarray(log_likelihood, "float64")
    if grid.ndim != 1 or len(grid) < 3 or grid.shape != logs.shape:
        raise ValueError(
            f"z and log_likelihood have shapes {grid.shape}, {logs.shape}: pass both as [N]"
        )
    even = np.allclose(np.diff(grid), np.diff(grid)[0], atol=0, rtol=1e-5)
    if not (even and grid[0] <= -10 and grid[-1] >= 10 and np.isfinite(logs).all()):
        raise ValueError(
            "z must go in even steps from -10 or below to 10 or above, log_likelihood be finite"
        )
    data = {"z": grid.tolist(), "logLikelihood": logs.tolist()}
    start = f"mean={_within(mean, 'mean', -2, 2):g}&width={_within(width, 'width', 0.1, 2):g}"
    return _explorer("elbo_explorer", data, start)


def playground() -> "Explorer":
    """Train two VAEs side by side in the page, as `docs/playground.html` does; without a kernel.

    Example:
        >>> playground()
        Train two VAEs here, in JupyterLab, by one click.
    """
    return _explorer("playground", page_data(), "")


def explorers_page() -> str:
    """The explorers on trained networks as the text of one HTML page that needs nothing else.

    Example:
        >>> page = explorers_page()
        >>> page.startswith("<!doctype html>"), len(page) < 5_000_000
        (True, True)
    """
    script = classic_script("beta_explorer.js", "latent_explorer.js", "reduction_calculator.js")
    weights = base64.b64encode(grid_weights()).decode()
    return filled("explorers.html", script, grid_data() | {"weights": weights})


def _explorer(name, data, state, weights=b""):
    with needs_course("an explorer"):
        from vaehelpers.explorers.widgets import explorer_class
    return explorer_class(name, SENTENCES[name])(data=data, weights=weights, state=state)


def _on_the_grid(name, state):
    return _explorer(name, grid_data(), state, grid_weights())


def grid_data():
    """What the explorers show of the stored networks, without their weights."""
    grid, digits = load_beta_grid(), load_mnist()
    codes = grid.z_mean[:, :PLANE].astype("float64").round(3)
    proved = {name: rounded_up(beta, SHOWN_DIGITS) for name, beta in grid.no_code_above.items()}
    return {
        "betas": grid.betas.tolist(),
        "rate": grid.rate.round(4).tolist(),
        "distortion": grid.distortion.round(3).tolist(),
        "codes": codes.reshape(len(grid.betas), -1).tolist(),
        "labels": digits.y_test[:PLANE].tolist(),
        "tests": packed(digits.x_test[:SHOWN]),
        "thresholds": {
            error: {"local": grid.threshold[name], "noCode": proved[name]}
            for error, name in LIKELIHOODS.items()
        },
        "count": f"{grid.about['n_train']:,}",
        "answers": ANSWERS,
    }


def grid_weights():
    """The decoders as the JavaScript reads them: one by one, 16-bit floats, little-endian."""
    decoders = load_beta_grid().decoders
    flat = [decoders[name].reshape(len(decoders[name]), -1) for name in DECODER]
    return np.concatenate(flat, axis=1).astype("<f2").tobytes()


def _within(value, name, low, high):
    """A number in the explorer's own range, as a float."""
    value = check_number(value, name, least=low)
    if value > high:
        raise ValueError(f"{name} is {value:g}: pass a number up to {high:g}")
    return value
