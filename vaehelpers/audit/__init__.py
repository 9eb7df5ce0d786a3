"""Which beta ANY loss trains: `audit_loss` for a function, `audit_keras_vae` for a class.

How a loss is called: `oracle`, `frameworks`, `keras_vae`. On what: `probes`, `prober`. What it is: `terms` (of the
exact ELBO), `fit`, `reductions`, `decoder_variance`, `misfits`; the answer is a `verdict`, put together in
`effective_beta`.
"""

from vaehelpers.audit.effective_beta import audit_loss
from vaehelpers.audit.verdict import AuditError, LossAudit

__all__ = ["AuditError", "LossAudit", "audit_keras_vae", "audit_loss"]


def __getattr__(name):
    """`audit_keras_vae` needs Keras, which a loss in NumPy or PyTorch does not: it is imported when it is asked for."""
    if name == "audit_keras_vae":
        from vaehelpers.data.checks import needs_course

        with needs_course("vaehelpers.audit.audit_keras_vae"):
            from vaehelpers.audit.keras_vae import audit_keras_vae
        return audit_keras_vae
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    """What Tab offers: the public names."""
    return list(__all__)
