"""What a sweep found: numbers per beta and seed, and the trained networks."""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from vaehelpers.sweep.storage import read_arrays, write_arrays

KIND = "sweep's result"
MEASURED = ("betas", "seeds", "distortion", "rate", "kl_per_dim")


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult:
    """`len(betas)` times `len(seeds)` trained VAEs; row i is `betas[i]`, column j is `seeds[j]`.

    Attributes:
        betas, seeds: `[n_beta]` and `[n_seed]`.
        distortion, rate: `[n_beta, n_seed]`, nats per image: means over the images that `measured_on` names, one
            draw of the code for each.
        kl_per_dim: `[n_beta, n_seed, J]`, nats; its sum over J is the rate.
        history: "distortion" and "rate", `[epochs, n_beta, n_seed]`: means over each epoch's batches while training.
        weights: name to array `[n_beta, n_seed, ...]`.
        settings: the other arguments of `train_sweep`, a digest of the weights of `start`, and what computed.

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
    history: dict
    weights: dict
    settings: dict

    def __repr__(self):
        n_images = self.settings["n_measured"]
        size = f"{len(self.betas)} betas x {len(self.seeds)} seeds"
        return f"SweepResult: {size}, measured on {self.measured_on} ({n_images:,} images)"

    @property
    def measured_on(self):
        """What the numbers were measured on: "validation", or "x" where no validation images were given."""
        return self.settings["measured_on"]

    @property
    def elbo(self):
        """`-(distortion + rate)`, `[n_beta, n_seed]`: the bound on log p(x), whatever the beta that was trained."""
        return -(self.distortion + self.rate)

    @property
    def log_likelihood(self):
        """The function of `losses` that was trained, `(x, x_decoded) -> [B]`."""
        from vaehelpers.sweep.network import log_likelihood_of

        return log_likelihood_of(self.settings["likelihood"], self.settings["variance"])

    def member(self, i, j):
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
        image_shape, hidden, latent_dim = (
            self.settings[name] for name in ("image_shape", "hidden", "latent_dim")
        )
        return member_networks(weights, tuple(image_shape), hidden, latent_dim)

    def vae(self, i, j):
        """The member as a `models.VAE` with the likelihood that was trained, not compiled; for the rest as `member`."""
        from vaehelpers.models import VAE

        return VAE(*self.member(i, j), log_likelihood=self.log_likelihood)

    def part(self, betas=slice(None), seeds=slice(None)):
        """A copy with some betas and seeds, given by lists of their places: `sweep.part(betas=[0])`."""

        def pick(values, before=0):
            values = values[(slice(None),) * before + (rows,)]
            return values[(slice(None),) * (before + 1) + (columns,)].copy()

        rows, columns = (
            places if isinstance(places, slice) else np.atleast_1d(places)
            for places in (betas, seeds)
        )

        measured = {name: pick(getattr(self, name)) for name in MEASURED[2:]}
        history = {name: pick(values, before=1) for name, values in self.history.items()}
        weights = {name: pick(values) for name, values in self.weights.items()}
        names = {"betas": self.betas[rows].copy(), "seeds": self.seeds[columns].copy()}
        settings = deepcopy(self.settings)
        return SweepResult(**names, **measured, history=history, weights=weights, settings=settings)

    def to_frame(self):
        """A pandas DataFrame with one row for each member: beta, seed, distortion, rate and elbo."""
        import pandas as pd

        betas, seeds = np.meshgrid(self.betas, self.seeds, indexing="ij")
        columns = {
            "beta": betas,
            "seed": seeds,
            "distortion": self.distortion,
            "rate": self.rate,
            "elbo": self.elbo,
        }
        return pd.DataFrame({name: values.ravel() for name, values in columns.items()})

    def save(self, path):
        """Write all of it to one `.npz` file, under a temporary name first."""
        arrays = {name: getattr(self, name) for name in MEASURED}
        arrays |= {f"history/{name}": values for name, values in self.history.items()}
        arrays |= {f"weights/{name}": values for name, values in self.weights.items()}
        write_arrays(path, arrays, {"kind": KIND, "settings": self.settings})

    @classmethod
    def load(cls, path):
        """Read what `save` wrote; a file that is truncated or altered is a ValueError that names it."""
        arrays, meta = read_arrays(path, KIND)
        parts = {
            part: {
                name.partition("/")[2]: values
                for name, values in arrays.items()
                if name.startswith(f"{part}/")
            }
            for part in ("history", "weights")
        }
        return cls(**{name: arrays[name] for name in MEASURED}, **parts, settings=meta["settings"])


def join_seeds(results):
    """One result of several that differ in their seeds alone, in the order given."""
    first = results[0]

    def join(values, axis=1):
        return np.concatenate(values, axis=axis)

    return SweepResult(
        first.betas.copy(),
        join([result.seeds for result in results], axis=0),
        *(join([getattr(result, name) for result in results]) for name in MEASURED[2:]),
        history={
            name: join([result.history[name] for result in results], axis=2)
            for name in first.history
        },
        weights={
            name: join([result.weights[name] for result in results]) for name in first.weights
        },
        settings=deepcopy(first.settings),
    )
