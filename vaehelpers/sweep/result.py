"""What a sweep found: numbers per beta and seed, and the trained networks."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaehelpers.sweep.storage import read_arrays, write_arrays

KIND = "sweep's result"
SIZES = ("image_shape", "hidden", "latent_dim")
MEASURED = ("betas", "seeds", "distortion", "rate", "kl_per_dim")


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult:
    """`len(betas)` times `len(seeds)` trained VAEs; row i is `betas[i]`, column j is `seeds[j]`.

    Attributes:
        betas, seeds: `[n_beta]` and `[n_seed]`.
        distortion, rate: `[n_beta, n_seed]`, nats per image: means over the images that
            `measured_on` names, one draw of the code for each.
        kl_per_dim: `[n_beta, n_seed, J]`, nats; its sum over J is the rate.
        history: "distortion" and "rate", `[epochs, n_beta, n_seed]`: means over each epoch's
            batches while training.
        weights: name to array `[n_beta, n_seed, ...]`.
        settings: the other arguments of `train_sweep`, a digest of the weights of `start`, and
            what computed.

    Example:
        >>> from vaehelpers.sweep import train_sweep
        >>> sweep = train_sweep(np.eye(4), [1.0, 4.0], [0], hidden=3, epochs=1, progress=False)
        >>> sweep
        SweepResult: 2 betas x 1 seeds, measured on x (4 images)
        >>> sweep.vae(1, 0).decode(np.zeros([1, 2])).shape
        (1, 4)
    """

    betas: np.ndarray
    seeds: np.ndarray
    distortion: np.ndarray
    rate: np.ndarray
    kl_per_dim: np.ndarray
    history: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    settings: dict[str, Any]

    def __repr__(self):
        n_images = self.settings["n_measured"]
        size = f"{len(self.betas)} betas x {len(self.seeds)} seeds"
        return f"SweepResult: {size}, measured on {self.measured_on} ({n_images:,} images)"

    @property
    def measured_on(self) -> str:
        """ "validation", or "x" where no validation images were given."""
        return self.settings["measured_on"]

    @property
    def elbo(self) -> np.ndarray:
        """`-(distortion + rate)`, `[n_beta, n_seed]`: the bound on log p(x), whatever the beta."""
        return -(self.distortion + self.rate)

    @property
    def log_likelihood(self) -> Callable[[Any, Any], Any]:
        """The function of `losses` that was trained, `(x, x_decoded) -> [B]`."""
        from vaehelpers.sweep.network import log_likelihood_of

        return log_likelihood_of(self.settings["likelihood"], self.settings["variance"])

    def member(self, i: int, j: int) -> tuple[Any, Any]:
        """`(encoder, decoder)` of `betas[i]` and `seeds[j]` as ordinary Keras models.

        They do not know the likelihood: `vae(i, j)` makes a VAE that does.

        Raises:
            IndexError: where the sweep holds no such member.
        """
        from vaehelpers.sweep.network import member_networks

        n_beta, n_seed = self.rate.shape
        if not (-n_beta <= i < n_beta and -n_seed <= j < n_seed):
            raise IndexError(
                f"member ({i}, {j}) was asked for, the sweep has {n_beta} betas and {n_seed} seeds"
            )
        weights = {name: value[i, j] for name, value in self.weights.items()}
        return member_networks(weights, *(self.settings[name] for name in SIZES))

    def vae(self, i: int, j: int) -> Any:
        """The member as a `models.VAE` with the likelihood that was trained, not compiled.

        Raises:
            IndexError: where the sweep holds no such member.
        """
        from vaehelpers.models import VAE

        return VAE(*self.member(i, j), log_likelihood=self.log_likelihood)

    def part(
        self,
        betas: Sequence[int] | slice = slice(None),
        seeds: Sequence[int] | slice = slice(None),
    ) -> "SweepResult":
        """A copy with some betas and seeds, given by lists of their places: `part(betas=[0])`."""
        rows = np.atleast_1d(np.arange(len(self.betas))[betas])
        columns = np.atleast_1d(np.arange(len(self.seeds))[seeds])
        grid = np.ix_(rows, columns)
        return SweepResult(
            self.betas[rows],
            self.seeds[columns],
            self.distortion[grid],
            self.rate[grid],
            self.kl_per_dim[grid],
            history={name: values[:, grid[0], grid[1]] for name, values in self.history.items()},
            weights={name: values[grid] for name, values in self.weights.items()},
            settings=deepcopy(self.settings),
        )

    def to_frame(self) -> Any:
        """One row for each member: beta, seed, distortion, rate and elbo."""
        import pandas as pd

        members = {
            "beta": np.repeat(self.betas, len(self.seeds)),
            "seed": np.tile(self.seeds, len(self.betas)),
        }
        measured = ("distortion", "rate", "elbo")
        return pd.DataFrame({**members, **{name: getattr(self, name).ravel() for name in measured}})

    def save(self, path: str | Path) -> None:
        """Write all of it to one `.npz` file, under a temporary name first."""
        write_arrays(path, arrays_of(self), {"kind": KIND, "settings": self.settings})

    @classmethod
    def load(cls, path: str | Path) -> "SweepResult":
        """Read what `save` wrote; a file that is truncated or altered is a ValueError."""
        arrays, meta = read_arrays(path, KIND)
        return result_of(arrays, meta["settings"])


def arrays_of(result):
    """Name to array of all that a result holds: `history/NAME` and `weights/NAME` for its dicts."""
    arrays = {name: getattr(result, name) for name in MEASURED}
    arrays |= {f"history/{name}": values for name, values in result.history.items()}
    return arrays | {f"weights/{name}": values for name, values in result.weights.items()}


def result_of(arrays, settings):
    """The result whose `arrays_of` these are."""
    parts = {
        part: {
            name.removeprefix(f"{part}/"): values
            for name, values in arrays.items()
            if name.startswith(f"{part}/")
        }
        for part in ("history", "weights")
    }
    return SweepResult(**{name: arrays[name] for name in MEASURED}, **parts, settings=settings)


def join_seeds(results, settings):
    """One result of several that differ in their seeds alone, in the order given."""
    parts = [arrays_of(result) for result in results]
    joined = {"betas": parts[0]["betas"]}
    for name in parts[0].keys() - joined.keys():
        axis = 0 if name == "seeds" else 2 if name.startswith("history/") else 1
        joined[name] = np.concatenate([part[name] for part in parts], axis=axis)
    return result_of(joined, settings)
