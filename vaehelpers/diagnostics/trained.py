"""Which beta a VAE trains and under which likelihood, as an audit tells it."""

from typing import NamedTuple

from vaehelpers.audit import AuditError, audit_loss
from vaehelpers.data.likelihoods import Likelihood, known_likelihood
from vaehelpers.diagnostics.networks import as_list


class Trained(NamedTuple):
    """The beta, `None` where it cannot be told, the likelihood, likewise, and a sentence."""

    beta: float | None
    likelihood: Likelihood | None
    sentence: str


def audited(audit, *arguments, **options):
    """A `LossAudit` and its first sentence, or `None` and why there is none."""
    try:
        found = audit(*arguments, **options)
        return found, str(found).splitlines()[0]
    except AuditError as error:
        return None, str(error).splitlines()[0].split(". ")[0].rstrip(".:")


def trained_by(vae, images, latent_dim):
    """What a VAE of the course trains."""
    import keras

    trained = _by_its_objective(vae, images.shape[1:], latent_dim)
    with keras.StatelessScope(collect_losses=True) as scope:  # nothing of their state changes
        codes = as_list(vae.encoder(images, training=True))
        vae.decoder(codes[0], training=True)
    if not scope.losses and not vae.losses:  # the latter hold the weights' regularizers
        return trained
    said = "The networks add losses of their own, which this does not see: beta cannot be told."
    return Trained(None, trained.likelihood, said)


def _by_its_objective(vae, image_shape, latent_dim):
    import keras

    from vaehelpers.losses import gaussian_kl_per_dim

    known = known_likelihood(vae.log_likelihood)
    scaled = getattr(vae.log_likelihood, "keywords", {})  # of a `functools.partial`
    if vae.objective is None and known and not scaled:
        under = "" if vae.prior is None else " under its own prior"
        return Trained(1.0, known, f"It trains the ELBO{under}: beta = 1.")

    def loss(x, x_decoded, z_mean, z_log_var):
        distortion = -vae.log_likelihood(x, x_decoded)
        kl_per_dim = gaussian_kl_per_dim(z_mean, z_log_var)
        if vae.prior is not None:
            kl_per_dim = keras.ops.sum(kl_per_dim, axis=1, keepdims=True)
        if vae.objective is None:
            return keras.ops.mean(distortion + keras.ops.sum(kl_per_dim, axis=-1))
        return vae.objective(distortion, kl_per_dim)

    sizes = {"image_shape": image_shape, "latent_dim": latent_dim}
    audit, said = audited(audit_loss, loss, **sizes, framework=keras.backend.backend())
    if audit is None:
        return Trained(None, known, f"Which beta it trains cannot be told: {said}.")
    told = Likelihood(audit.likelihood, audit.x_decoded, unit_interval=False)
    return Trained(audit.beta, known or told, said)
