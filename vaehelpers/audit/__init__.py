"""Which beta ANY loss trains: `audit_loss` for what can be called, `audit_keras_vae` for Keras.

The way of a loss through this room, from top to bottom; `audit` holds the doors and the choice:

    target    what holds the loss, how it may be called     targets, names, ways, calls
    opened    a function of arrays, in its own framework    loss; keras_find, keras_model, private
    fit       a distortion and a KL by least squares        probes, measure, reconstruction, fit
    faults    what another loss is, in words                hypotheses, structure; keras_faults
    sizes     sums and means, from calls at other sizes     sizes
    verdict   the numbers and the sentence                  verdict
"""

from importlib import import_module

from vaehelpers.audit.audit import audit_loss
from vaehelpers.audit.verdict import AuditError, LossAudit

__all__ = ["AuditError", "LossAudit", "TrainingGuard", "audit_keras_vae", "audit_loss"]
_NEED_KERAS = {
    "audit_keras_vae": "vaehelpers.audit.audit",
    "TrainingGuard": "vaehelpers.audit.guard",
}


def __getattr__(name):
    """Some need Keras, which a loss in NumPy or PyTorch does not: imported when asked for."""
    if name in _NEED_KERAS:
        from vaehelpers.data.checks import needs_course

        with needs_course(f"vaehelpers.audit.{name}"):
            import_module("keras")
            return getattr(import_module(_NEED_KERAS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    """What Tab offers: the public names."""
    return list(__all__)
