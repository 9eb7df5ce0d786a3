"""A folder of sweeps, finished and interrupted, under a key of everything that matters."""

import warnings

import numpy as np

from vaehelpers.sweep.result import KIND, arrays_of, result_of
from vaehelpers.sweep.storage import digest, read_arrays, write_arrays

PART = "sweep in the middle"


class Cache:
    """The files of one sweep: `KEY.npz` when it is finished, `KEY.part.npz` before."""

    def __init__(self, folder, plan):
        self.folder = folder
        self.sweep = {  # in each file too, for a file can be renamed
            "betas": plan.betas.tolist(),
            "seeds": plan.seeds.tolist(),
            "x": digest({"x": plan.x}, {}),
            "validation": plan.validation is not None and digest({"x": plan.validation}, {}),
            **plan.stored_settings(),
        }
        key = digest({}, self.sweep)[:32]
        self.finished = folder / f"{key}.npz"
        self.part = folder / f"{key}.part.npz"

    def load_result(self):
        """The finished result, `None` where there is none."""
        arrays, meta = self._read(self.finished, KIND)
        return result_of(arrays, meta["settings"]) if arrays else None

    def save_result(self, result):
        """Store the result, and clear the state that it grew from."""
        self._write(self.finished, arrays_of(result), {"kind": KIND, "settings": result.settings})
        if self.finished.is_file():
            self.part.unlink(missing_ok=True)

    def keep(self, stack, history):
        """Store weights, Adam's state and the history so far, `[2, S]` for each epoch."""
        from keras import ops

        arrays = {
            f"variable/{k:03d}": ops.convert_to_numpy(value)
            for k, value in enumerate(stack.state())
        }
        arrays["history"] = np.stack(history)
        self._write(self.part, arrays, {"kind": PART})

    def restore(self, stack):
        """Give the stack the state that was kept; the history until then, empty where none was."""
        arrays, _ = self._read(self.part, PART)
        if not arrays:
            return []
        history = arrays.pop("history")
        for variable, name in zip(stack.state(), sorted(arrays), strict=True):
            variable.assign(arrays[name])
        return list(history)

    def _write(self, path, arrays, meta):
        """A disk that is full meanwhile costs no training: the state stays in memory."""
        try:
            write_arrays(path, arrays, {**meta, "sweep": self.sweep})
        except OSError as error:
            warnings.warn(
                f"{error.strerror}: the sweep goes on without it, make room to have it stored",
                stacklevel=2,
            )

    def _read(self, path, kind):
        try:
            arrays, meta = read_arrays(path, kind)
        except FileNotFoundError:
            return {}, {}
        stored = meta.get("sweep", {})
        others = [name for name, value in self.sweep.items() if stored.get(name) != value]
        if others:
            raise ValueError(
                f"{path} was renamed, it holds a sweep of other {', '.join(others)}: "
                "delete it and train again"
            )
        return arrays, meta
