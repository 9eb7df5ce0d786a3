"""Which beta ANY loss trains: `audit_loss` for what can be called, `audit_keras_vae` for a Keras model.

How a loss is called stands in `audit.calling`, for Keras in `keras_*`. What a loss is stands here: on what it is probed
(`probes`, `prober`, `noise`, `schedules`), what it is compared with (`terms`, `categorical`, `fit`), how it is reduced
(`reductions`, `decoder_variance`), and what it is where that fails (`misfits`, `values_apart`, `between_examples`). The
answer is a `verdict`, put together in `effective_beta`.
"""

from importlib import import_module

from vaehelpers.audit.audit import audit_loss
from vaehelpers.audit.verdict import AuditError, LossAudit

__all__ = ["AuditError", "LossAudit", "TrainingGuard", "audit_keras_vae", "audit_loss"]
_NEED_KERAS = {"audit_keras_vae": "vaehelpers.audit.keras_vae", "TrainingGuard": "vaehelpers.audit.guard"}


def __getattr__(name):
    """Some need Keras, which a loss in NumPy or PyTorch does not: they are imported when they are asked for."""
    if name in _NEED_KERAS:
        from vaehelpers.data.checks import needs_course

        with needs_course(f"vaehelpers.audit.{name}"):
            return getattr(import_module(_NEED_KERAS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    """What Tab offers: the public names."""
    return list(__all__)
