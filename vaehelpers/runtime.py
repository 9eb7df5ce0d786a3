"""Seeds, threads and quiet logs: what has to be settled before TensorFlow or JAX is imported.

`VAEHELPERS_THREADS` limits the number of CPU threads. `VAEHELPERS_SEED` is added to every seed that
`set_seed` is given: that is how a test runs a whole lesson under another seed.
"""

import ctypes
import logging
import os
import platform
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from numbers import Integral
from typing import Any

M_TRIM_THRESHOLD = -1  # glibc's numbers of what mallopt sets
M_MMAP_MAX = -4
LARGEST_INT = 2**31 - 1
LARGEST_SEED = 2**32 - 1  # of NumPy's global generator
_ONE_AT_A_TIME = threading.RLock()  # of the file descriptor: two threads would restore each other's
COURSE = "pip install 'vaehelpers[course]'"  # Keras, TensorFlow and what the lessons draw with
OF_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NPROC",  # the size of the thread pool of XLA's CPU client, which JAX uses
)
START_UP_MESSAGES = ("I0000 ", "WARNING: All log messages before absl::InitializeLog()")


def _whole_number(name, default, smallest):
    text = os.environ.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or int(text) < smallest:
        wanted = f"set it to a whole number of at least {smallest}, or unset it"
        raise ValueError(f"{name} is {text!r}: {wanted}")
    return int(text)


def _prepare_environment():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    threads = _whole_number("VAEHELPERS_THREADS", None, 1)
    if threads is None:
        return
    os.environ |= dict.fromkeys(OF_THREADS, str(threads))


@contextmanager
def without_start_up_messages() -> Iterator[None]:
    """Drop what TensorFlow 2.21 writes at its start, past its own log level; pass the rest on.

    The messages come from C++, so the file descriptor is redirected. What is written shows at the
    end, and is lost where the process dies: for the package's own imports, not for anybody's code.
    """
    with _ONE_AT_A_TIME:
        stderr = _copy_of_stderr()
        if stderr is None:
            yield
            return
        with tempfile.TemporaryFile() as log:
            os.dup2(log.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(stderr, 2)
                os.close(stderr)
                log.seek(0)
                lines = log.read().decode(errors="replace").splitlines(keepends=True)
                others = [line for line in lines if not line.startswith(START_UP_MESSAGES)]
                sys.stderr.write("".join(others))


def _copy_of_stderr():
    """A copy of descriptor 2; `None` where it is closed, or was: it may be another file by now."""
    try:
        return os.dup(2) if sys.stderr and sys.__stderr__ else None
    except OSError:
        return None


def _import_keras():
    """Import Keras quietly. TensorFlow's logger says errors only: it warns of retracing else."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with without_start_up_messages():
        try:
            import keras
        except ModuleNotFoundError as error:
            if error.name not in ("keras", "tensorflow"):  # another backend is not in the extra
                raise
            raise ImportError(f"this needs {error.name}: {COURSE}", name=error.name) from None
    return keras


def set_seed(seed: int) -> int:
    """Seed Python, NumPy and the Keras backend with `seed + VAEHELPERS_SEED`.

    Args:
        seed: a whole number from 0 to 2^32 - 1, VAEHELPERS_SEED added.

    Returns:
        The seed in force, for `np.random.default_rng` and the like.

    Raises:
        TypeError, ValueError: for a seed that is not such a number.

    Example:
        >>> set_seed(7) - set_seed(3)
        4
    """
    wanted = f"seed is {seed!r}: pass a whole number from 0 to {LARGEST_SEED}"
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise TypeError(wanted)
    shift = _whole_number("VAEHELPERS_SEED", 0, 0)
    effective = int(seed) + shift
    if not 0 <= seed <= effective <= LARGEST_SEED:
        added = f", with VAEHELPERS_SEED = {shift} added to it" if shift else ""
        raise ValueError(f"{wanted}{added}")
    keras = _import_keras()
    with without_start_up_messages():  # on JAX, this is where Keras imports TensorFlow
        keras.utils.set_random_seed(effective)
    return effective


def progress_bar() -> Any:
    """A Keras callback: a line with the epoch, the time left, the metrics, for `fit(verbose=0)`."""
    _import_keras()
    from tqdm import tqdm
    from tqdm.keras import TqdmCallback

    return TqdmCallback(
        verbose=0, tqdm_class=tqdm, file=sys.stdout, ascii=True, dynamic_ncols=False
    )


def devices() -> list[str]:
    """The devices that Keras computes on: `["GPU 0"]`, or `["CPU"]` where there is no GPU."""
    keras = _import_keras()
    gpus = [name for name in keras.distribution.list_devices() if not name.startswith("cpu")]
    return [name.replace(":", " ").upper() for name in gpus] or ["CPU"]


def version_of(package: str) -> str:
    """The installed version of a package; of tensorflow_cpu, the wheels without a GPU's part, too.

    Raises:
        PackageNotFoundError: where it is not installed.

    Example:
        >>> version_of("numpy") == np.__version__
        True
    """
    from vaehelpers.doctor import metadata_of

    found = metadata_of(package)
    if found is None:
        raise metadata.PackageNotFoundError(package)
    return found


def describe_runtime() -> None:
    """Print where the code runs: the device, the CPU's threads, the versions that matter."""
    keras = _import_keras()
    backend = keras.backend.backend()
    where = ", ".join(devices())
    if where == "CPU":
        threads = os.environ.get("TF_NUM_INTRAOP_THREADS") or os.cpu_count()
        where = f"CPU, {threads} threads (no GPU was found)"
    versions = ", ".join(f"{name} {version_of(name)}" for name in ("keras", backend, "numpy"))
    print(f"Device: {where}")
    print(f"Versions: Python {platform.python_version()} on {sys.platform}, {versions}")


def keep_large_buffers() -> None:
    """Tell glibc to keep freed memory: a sweep's steps free and ask for the same large buffers.

    By default each is mapped and unmapped by the kernel, thousands of page faults a step and a
    third of the time. The process then gives little memory back before it ends. Other C libraries
    are left alone.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # no glibc: macOS, musl, Windows
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, LARGEST_INT)


_prepare_environment()
