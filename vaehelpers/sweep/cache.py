"""A folder of finished sweeps and of sweeps that were interrupted, under a key of everything that matters."""

import numpy as np

from vaehelpers.sweep.result import SweepResult
from vaehelpers.sweep.storage import digest, read_arrays, write_arrays

PART = "sweep in the middle"


def key_of(plan):
    """SHA-256 over a plan's images, betas, seeds and stored settings, which hold digests of its start and the code."""
    arrays = {"betas": plan.betas, "seeds": plan.seeds, "x": plan.x}
    if plan.validation is not None:
        arrays["validation"] = plan.validation
    return digest(arrays, plan.stored_settings())


class Cache:
    """The files of one sweep: `KEY.npz` when it is finished, `KEY.part.npz` before; none where `folder` is `None`."""

    def __init__(self, folder, key):
        self.folder = folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self.finished, self.part = folder / f"{key[:32]}.npz", folder / f"{key[:32]}.part.npz"

    def load_result(self):
        if self.folder is not None and self.finished.is_file():
            return SweepResult.load(self.finished)
        return None

    def save_result(self, result):
        if self.folder is not None:
            result.save(self.finished)
            for left in self.folder.glob(
                f"{self.part.name}*"
            ):  # and what a process that was killed while writing left
                left.unlink(missing_ok=True)

    def keep(self, stack, history):
        """Store weights, Adam's state and the history so far, `[2, S]` for each epoch."""
        if self.folder is None:
            return
        from keras import ops

        arrays = {
            f"variable/{k:03d}": ops.convert_to_numpy(value)
            for k, value in enumerate(_variables(stack))
        }
        try:
            write_arrays(self.part, {**arrays, "history": np.stack(history)}, {"kind": PART})
        except FileNotFoundError:
            if (
                not self.finished.is_file()
            ):  # else another process has finished the same sweep and cleared away
                raise

    def restore(self, stack):
        """Give the stack the state that was kept, and return the history until then: empty where there is none."""
        if self.folder is None:
            return []
        try:
            arrays, _ = read_arrays(self.part, PART)
        except FileNotFoundError:
            return []
        history = arrays.pop("history")
        for variable, name in zip(_variables(stack), sorted(arrays), strict=True):
            variable.assign(arrays[name])
        return list(history)


def _variables(stack):
    return [*stack.trainable_variables, *stack.optimizer.variables]
