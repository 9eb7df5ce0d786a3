"""Explorers on trained networks and on closed forms, to be moved by mouse, touch or keyboard in JupyterLab."""

import base64
import functools
from copy import deepcopy

import numpy as np

from vaehelpers.collapse import collapse_at
from vaehelpers.data import load_beta_grid, load_mnist
from vaehelpers.data.beta_grid import DECODER
from vaehelpers.data.checks import check_number, check_whole, needs_course
from vaehelpers.explorers.page import filled, packed, page_data
from vaehelpers.explorers.scripts import classic_script

SHOWN, PLANE = 10, 200
REACH = -10.0, 10.0
SENTENCES = {
    "beta_explorer": "Slide beta over 16 trained networks in JupyterLab.",
    "latent_explorer": "Point at the latent plane of a trained network in JupyterLab.",
    "elbo_explorer": "Move q in JupyterLab and see ELBO and gap.",
    "reduction_calculator": "Choose reductions in JupyterLab and read beta.",
    "playground": "Train two VAEs here, in JupyterLab, by one click.",
}


def beta_explorer(beta=1.0):
    """Slide beta over the networks of `data.load_beta_grid`: digits, samples, codes, rate, distortion, thresholds.

    Args:
        beta: where to begin; of the 16 betas the nearest is taken.

    Returns:
        A widget; its `state` is a text, "beta=1", that can be read and set.

    Raises:
        ValueError: for a beta that is not above 0, or infinite. ImportError: where the course's packages are missing.

    Example:
        >>> beta_explorer(beta=392)
        Slide beta over 16 trained networks in JupyterLab. At beta=392.
    """
    return _on_the_grid("beta_explorer", f"beta={check_number(beta, 'beta', above=0):g}")


def latent_explorer(beta=1.0, z=(0.0, 0.0)):
    """Point at the latent plane: the decoder of the nearest stored beta draws the digit of that code.

    Raises:
        ValueError: for a beta that is not above 0, or z that is not two numbers from -5 to 5.

    Example:
        >>> latent_explorer(z=(1, -0.5))
        Point at the latent plane of a trained network in JupyterLab. At beta=1&z=1,-0.5.
    """
    z = np.asarray(z, "float64")
    if z.shape != (2,) or not (np.abs(z) <= 5).all():
        raise ValueError(f"z is {z.tolist()}: pass two numbers from -5 to 5")
    return _on_the_grid(
        "latent_explorer", f"beta={check_number(beta, 'beta', above=0):g}&z={z[0]:g},{z[1]:g}"
    )


def reduction_calculator(
    error="bernoulli", *, pixels="mean", latents="mean", weight=1.0, n_pixels=784, latent_dim=2
):
    """Which beta a loss trains, from its reductions and its weight on the KL, and the lines that would train 1.

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
    n_pixels = int(_within(check_whole(n_pixels, "n_pixels"), "n_pixels", 1, 1e8))
    latent_dim = int(_within(check_whole(latent_dim, "latent_dim"), "latent_dim", 1, 1e6))
    sizes = f"weight={weight:g}&D={n_pixels}&J={latent_dim}"
    return _on_the_grid(
        "reduction_calculator", f"error={error}&pixels={pixels}&latents={latents}&{sizes}"
    )


def elbo_explorer(z, log_likelihood, *, mean=0.0, width=0.5):
    """Move a normal q(z): the lengths of -log p(x), gap, distortion and rate, by sums over a grid of z.

    The prior is N(0, 1): `log p(x) = log sum_z p(x|z) p(z) dz`, and the gap is KL(q || p(z|x)).

    Args:
        z: evenly spaced `[N]`, from -10 to 10 at least, where every q that can be chosen has died out.
        log_likelihood: log p(x|z) at each z, `[N]`, nats.
        mean, width: of q to begin with, -2 to 2 and 0.1 to 2; the width is the standard deviation.

    Raises:
        ValueError: for arrays that differ in length, are not finite, another z, or another q.

    Example:
        >>> z = np.linspace(-10, 10, 1001)
        >>> elbo_explorer(z, -0.5 * (z - 1) ** 2, mean=0.5, width=0.7)
        Move q in JupyterLab and see ELBO and gap. At mean=0.5&width=0.7.
    """
    z, log_likelihood = np.asarray(z, "float64"), np.asarray(log_likelihood, "float64")
    if z.ndim != 1 or len(z) < 3 or z.shape != log_likelihood.shape:
        raise ValueError(
            f"z and log_likelihood have shapes {z.shape}, {log_likelihood.shape}: pass both as [N]"
        )
    even = z[1] > z[0] and np.allclose(np.diff(z), z[1] - z[0], atol=0, rtol=1e-5)
    if (
        not (even and z[0] <= REACH[0] and z[-1] >= REACH[1])
        or not np.isfinite(log_likelihood).all()
    ):
        raise ValueError(
            "z must go in even steps from -10 or below to 10 or above, log_likelihood be finite"
        )
    data = {"z": z.tolist(), "logLikelihood": log_likelihood.tolist()}
    start = f"mean={_within(mean, 'mean', -2, 2):g}&width={_within(width, 'width', 0.1, 2):g}"
    return _explorer("elbo_explorer", data, start)


def playground():
    """Train two VAEs side by side in the notebook's page, as `docs/playground.html` does; no kernel takes part.

    Example:
        >>> playground()
        Train two VAEs here, in JupyterLab, by one click.
    """
    return _explorer("playground", page_data(), "")


def explorers_page():
    """The explorers on trained networks as the text of one HTML page, with the networks in it; no kernel, no network.

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
    return _explorer(name, deepcopy(grid_data()), state, grid_weights())


@functools.cache
def grid_data():
    """What the explorers show of the stored networks, without their weights."""
    grid, digits = load_beta_grid(), load_mnist()
    names = {"bernoulli": "bernoulli", "squared": "gaussian"}
    return {
        "betas": grid.betas.tolist(),
        "rate": grid.rate.round(4).tolist(),
        "distortion": grid.distortion.round(3).tolist(),
        "codes": grid.z_mean[:, :PLANE]
        .astype("float64")
        .round(3)
        .reshape(len(grid.betas), -1)
        .tolist(),
        "labels": digits.y_test[:PLANE].tolist(),
        "tests": packed(digits.x_test[:SHOWN]),
        "thresholds": {
            key: {"local": grid.threshold[name], "noCode": grid.no_code_above[name]}
            for key, name in names.items()
        },
        "count": f"{grid.about['n_train']:,}",
        "answers": [collapse_at(beta, threshold=1, no_code_above=3) for beta in (0, 2, 4)],
    }


@functools.cache
def grid_weights():
    """The decoders as the JavaScript reads them: one network behind the other, 16-bit floats, little-endian."""
    decoders = load_beta_grid().decoders
    flat = [decoders[name].reshape(len(decoders[name]), -1) for name in DECODER]
    return np.concatenate(flat, axis=1).astype("<f2").tobytes()


def _within(value, name, low, high):
    """A number in the explorer's own range, as a float."""
    value = check_number(value, name, least=low)
    if value > high:
        raise ValueError(f"{name} is {value:g}: pass a number up to {high:g}")
    return value
