"""What computes: the packages by version, and this package's own training code by a digest."""

import ast
import hashlib
from pathlib import Path

from vaehelpers.data.checks import needs_course
from vaehelpers.runtime import version_of, without_start_up_messages

PACKAGE = Path(__file__).parent.parent
TRAINING = (
    "losses/likelihoods.py",
    "losses/rates.py",
    "losses/tensors.py",
    "sweep/network.py",
    "sweep/stacked.py",
)
COMPUTE = {"jax": ("jax", "jaxlib")}  # the packages of a backend, where they are more than itself


class _WithoutText(ast.NodeTransformer):
    """Leave out expressions that are a constant alone: docstrings, which change no number."""

    def visit_Expr(self, node):
        return None if isinstance(node.value, ast.Constant) else node


def code_digest(sources):
    """SHA-256 over what a dict of sources does: comments, docstrings and layout do not count.

    A change of anything else counts, of a message as of a formula: better one training too many
    than an old number.

    Example:
        >>> code_digest({"a.py": "x = 1"}) == code_digest({"a.py": "x=1  # one"})
        True
        >>> code_digest({"a.py": "x = 1"}) == code_digest({"a.py": "x = 2"})
        False
    """
    sha = hashlib.sha256()
    for name in sorted(sources):
        code = ast.unparse(_WithoutText().visit(ast.parse(sources[name])))
        sha.update(f"{name}\n{code}\n".encode())
    return sha.hexdigest()


# Read at the import: a file that changes under a running kernel is not the code that it runs.
CODE = code_digest({name: (PACKAGE / name).read_text(encoding="utf-8") for name in TRAINING})


def framework():
    """What computes, as far as it can change a result by more than rounding, as a dict for JSON.

    These are the backend, the versions of this package, Keras, the backend and NumPy, and the
    digest of the training code. The device, the number of threads and XLA are left out, since they
    change the rounding alone.

    Raises:
        ImportError: without Keras, in one line that says how to install it.
    """
    with needs_course("vaehelpers.sweep"), without_start_up_messages():
        import keras

    backend = keras.backend.backend()
    names = ("vaehelpers", "keras", "numpy", *COMPUTE.get(backend, (backend,)))
    return {
        "backend": backend,
        "versions": {name: version_of(name) for name in names},
        "code": CODE,
    }
