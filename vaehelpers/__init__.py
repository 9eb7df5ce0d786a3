"""Tools of the course on the loss of variational autoencoders.

A batch of digits goes down through these rooms once; `core` runs on NumPy, SciPy and Pillow,
`course` needs `pip install 'vaehelpers[course]'`:

    doctor       will the course run on this computer?           core
    runtime      seeds, threads, quiet logs                      core
    data         digits, files, shapes; what may enter           core
    collapse     what the data say before training               core
    losses       log-likelihoods, KL, what of them is learned    course
    models       the VAE, its networks, its file                 course
    sweep        many VAEs at once, cached, in parts             course
    audit        which beta any loss trains                      core
    diagnostics  what a trained VAE is worth, in numbers, words  core, course for a Keras VAE
    plots        arrays to figures                               course
    explorers    networks to touch and to train in a browser      core
    exercises    what is right, or which aspect is off           core
    claims       the sentences of a lesson that a cell checks    core
    command      what a command reads of a file, and shows       core

A room is imported when it is first asked for: `vaehelpers.losses` needs no import of its own. From
a shell, for your own loss or images: `python -m vaehelpers --help`.
"""

from importlib import import_module as _import_module
from importlib import metadata as _metadata

from vaehelpers import runtime as runtime

_LATER = (
    "doctor",
    "data",
    "collapse",
    "losses",
    "models",
    "sweep",
    "audit",
    "diagnostics",
    "plots",
    "explorers",
    "exercises",
    "claims",
    "command",
)


def __getattr__(name):
    """A room by its name, or `__version__`; an AttributeError, which `help` passes over, else."""
    try:
        if name in _LATER:
            return _import_module(f"vaehelpers.{name}")
        if name == "__version__":
            return _metadata.version("vaehelpers")
    except ImportError as error:
        raise AttributeError(str(error)) from error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_LATER, "__version__"])
