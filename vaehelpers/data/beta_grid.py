"""Networks that are trained already: a decoder for each of 16 betas, and what it reached."""

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vaehelpers.data.checks import check_whole
from vaehelpers.data.mnist import check_file, data_folder

GRID_SHA256 = "10b0afe60a049be03b648bb579de6f7917676ef29b6b721ece257e72a0202080"  # of the file
DECODER = ("code_kernel", "code_bias", "output_kernel", "output_bias")


@dataclass(frozen=True, eq=False, repr=False)
class BetaGrid:
    """Dense VAEs of MNIST (784-128-2-128-784, cross-entropy), row i trained at `betas[i]`.

    One seed. They have seen MNIST's training digits except the embedded sample's 1,000 test digits,
    `load_mnist().x_test`.

    Attributes:
        betas: `[B]`.
        distortion, rate: `[B]`, nats per image, means over MNIST's own 10,000 test digits.
        z_mean, z_log_var: `[B, 1000, 2]`, float16, q(z|x) of the sample's test digits.
        decoders: name to float16 weights `[B, ...]`: "code_kernel", "code_bias", "output_kernel",
            "output_bias".
        threshold, no_code_above: "bernoulli" and "gaussian" to the beta above which, for the
            training digits, collapse is a local optimum, and the one above which no code pays: see
            `collapse.collapse_at`.
        about: seed, epochs, date, versions.
    """

    betas: np.ndarray
    distortion: np.ndarray
    rate: np.ndarray
    z_mean: np.ndarray
    z_log_var: np.ndarray
    decoders: dict
    threshold: dict
    no_code_above: dict
    about: dict

    def __repr__(self) -> str:
        first, last = self.betas[[0, -1]]
        return f"BetaGrid: {len(self.betas)} trained decoders, beta {first:g} to {last:g}, of MNIST"

    def decode(self, i: int, z: ArrayLike) -> np.ndarray:
        """What the network of `betas[i]` makes of codes `[N, 2]`: probabilities `[N, 28, 28, 1]`.

        Raises:
            ValueError: for codes of another shape.

        Example:
            >>> from vaehelpers.data import load_beta_grid
            >>> load_beta_grid().decode(3, [[0.0, 0.0]]).shape
            (1, 28, 28, 1)
        """
        i = check_whole(i, "i", smallest=-len(self.betas))
        z = np.asarray(z, "float32")
        if z.ndim != 2 or z.shape[1] != 2:
            raise ValueError(f"z has shape {z.shape}: pass codes [N, 2]")
        code_kernel, code_bias, output_kernel, output_bias = (
            self.decoders[n][i].astype("float32") for n in DECODER
        )
        hidden = np.maximum(z @ code_kernel + code_bias, 0)
        logits = hidden @ output_kernel + output_bias
        probabilities = 0.5 + 0.5 * np.tanh(0.5 * logits)  # the sigmoid, which never overflows
        return probabilities.reshape(-1, 28, 28, 1)


def load_beta_grid() -> BetaGrid:
    """Load the stored networks, which need no framework.

    Returns:
        A `BetaGrid`.

    Raises:
        FileNotFoundError, ValueError: for a file that is missing, truncated or altered (told by its
            SHA-256).

    Example:
        >>> grid = load_beta_grid()
        >>> grid
        BetaGrid: 16 trained decoders, beta 0.1 to 784, of MNIST
        >>> bool(grid.rate[-1] < 0.001)  # at 784 nothing is left
        True
    """
    path = data_folder() / "pretrained" / "beta_grid.npz"
    check_file(path, GRID_SHA256, "make pretrained")
    with np.load(path, allow_pickle=False) as arrays:
        stored = {name: arrays[name] for name in arrays.files}
    about = json.loads(str(stored.pop("about")))
    decoders = {name: stored.pop(name) for name in DECODER}
    thresholds = {name: about.pop(name) for name in ("threshold", "no_code_above")}
    return BetaGrid(decoders=decoders, about=about, **thresholds, **stored)
