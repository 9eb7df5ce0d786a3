from vaehelpers.audit.calling.targets import *
from vaehelpers.audit.calling.targets import loss_in as find_loss, is_keras, is_factory
def own_latents(f):
    own = getattr(f, "latent_dim", None)
    return own if isinstance(own, int) else None
