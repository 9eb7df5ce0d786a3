"""A Keras callback that says before training which beta is trained, and warns when the code is lost."""

import warnings

import keras
import numpy as np
from keras import ops

from vaehelpers.audit.keras_classes import one_line
from vaehelpers.audit.keras_faults import plain_numbers, weights_of
from vaehelpers.audit.keras_models import borrow
from vaehelpers.audit.keras_state import left_as_it_was
from vaehelpers.audit.keras_vae import audit_keras_vae
from vaehelpers.audit.terms import kl
from vaehelpers.audit.verdict import AuditError
from vaehelpers.collapse import collapse_at, collapse_threshold, no_code_pays_above

COLLAPSED = 0.01  # nats
FULL_EPOCHS = 2  # before which a small rate is no news
LOOKED_AT = 1000  # images
KL_IN_LOGS = ("kl_loss", "kl", "kld", "kl_divergence", "kl_div", "kld_loss")


class TrainingGuard(keras.callbacks.Callback):
    """Says which beta `fit` trains, and warns where the rate falls below 0.01 nats. It changes nothing.

    Before the first epoch it prints what `audit_keras_vae` finds of the model as it is compiled and, with `x`, where
    that beta lies. After two full epochs it warns once, at the end of an epoch with a rate below 0.01 nats, but not
    while the weight of the KL still moves; and once where a callback changes a weight that is a plain number, which the
    compiled step froze. The rate is what the model reports as `rate`, else that of `x` under `model.encoder`, else the
    most that a reported `kl_loss` or `kl` can mean. Weights, metrics, the optimiser's state and random numbers are the
    same, bit by bit, with and without it. A model that cannot be audited gets one line.

    Args:
        x: images `[N, ...]` as the model is trained on, or `None`.
        raise_on_collapse: whether to stop a script with a `RuntimeError` instead of a warning.

    Attributes:
        found: the `LossAudit` from the start of training, `None` where there is none.
        rate: the last epoch's rate, nats, `None` where it is not known.

    Raises:
        TypeError: for an x that is no array.
        RuntimeError: from `fit`, with `raise_on_collapse`.

    Source: `audit.audit_keras_vae`, `collapse.collapse_at`.

    Example:
        >>> from vaehelpers.models import VAE, build_mlp
        >>> vae = VAE(*build_mlp((2, 2, 1), hidden=8))
        >>> vae.compile("adam")
        >>> guard = TrainingGuard()
        >>> guard.set_model(vae)  # as `vae.fit(x, callbacks=[guard])` does
        >>> guard.on_train_begin()
        TrainingGuard: This loss trains beta = 1 (Bernoulli from logits; sum over pixels, sum over latents, mean over
        the batch). That is the ELBO.
    """

    def __init__(self, x=None, raise_on_collapse=False):
        super().__init__()
        if x is not None and not hasattr(x, "__array__"):
            raise TypeError(f"x is a {type(x).__name__}: pass an array of images [N, ...]")
        self.x = None if x is None else np.asarray(x)
        self.raise_on_collapse = raise_on_collapse
        self.found = None
        self.rate = None

    def on_train_begin(self, logs=None):
        self._epochs = 0
        self._warned = False
        self._latent_dim = 1
        self.found, failure = self._audit()
        self._beta = self._beta_now()
        self._function = None
        self._numbers = self._at_first_batch = plain_numbers(self.model)
        self._frozen = False
        if self.found is None:
            print(f"TrainingGuard: which beta this model trains cannot be told ({failure}); it is trained as it is.")
            return
        said = str(self.found).splitlines()[0]
        print(*(f"TrainingGuard: {line}" for line in (said, *self.found.faults)), sep="\n")
        if self.x is not None:
            print(f"TrainingGuard: {self._where(self.found)}")

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            self._at_first_batch = plain_numbers(self.model)

    def on_epoch_end(self, epoch, logs=None):
        self._epochs += 1
        self._warn_of_a_frozen_number()
        self.rate = self._rate_now(logs or {})
        low = self.rate is not None and self.rate < COLLAPSED
        self._warned &= low
        if self._warned or not low or self._epochs < FULL_EPOCHS or self._weight_moves():
            return
        said = (
            f"after epoch {epoch + 1} the rate is {self.rate:.2g} nats, below {COLLAPSED}: the code says nothing of "
            f"the image; {self._why()}"
        )
        self._warned = True
        if self.raise_on_collapse:
            raise RuntimeError(said)
        warnings.warn(said, RuntimeWarning, stacklevel=2)

    def _audit(self):
        """A `LossAudit` and `None`, or `None` and why there is none, in one line."""
        shape = None if self.x is None else self.x.shape[1:]
        try:
            with borrow(self.model, shape) as borrowed:
                self._latent_dim = borrowed.places.latent_dim
                shape = borrowed.places.image_shape
            return audit_keras_vae(self.model, image_shape=shape), None
        except AuditError as error:
            said = str(error).splitlines()[0].rstrip(".")
            return None, said.replace("pass image_shape=(28, 28, 1)", "pass TrainingGuard(x=images)")
        except Exception as error:  # whatever a model of anybody raises: it is to be trained all the same
            return None, one_line(error)

    def _beta_now(self):
        """Beta, or `None`, at this moment; and the weights of the model's own that may be that of the KL."""
        return None if self.found is None else self.found.beta, weights_of(self.model)

    def _weight_moves(self):
        """Whether the KL's weight is another than when this was last asked."""
        self.found = self._audit()[0]
        before, self._beta = self._beta, self._beta_now()
        (beta, named), (beta_now, named_now) = before, self._beta
        if (beta is None) != (beta_now is None) or named != named_now:
            return True
        return beta is not None and not np.isclose(beta, beta_now, rtol=1e-3)

    def _warn_of_a_frozen_number(self):
        """Whether a plain number was changed that the loss reads: the compiled step keeps its first value."""
        if self._frozen or self.model.run_eagerly:
            return
        function = getattr(self.model, "train_function", None)
        if function is not self._function:  # compiled anew, with the numbers of that moment
            self._function = function
            self._numbers = self._at_first_batch
        now = plain_numbers(self.model)
        for name in [name for name, value in self._numbers.items() if now.get(name, value) != value]:
            before = self._numbers.pop(name)  # each is looked at once
            if self._is_read(name, before):
                self._frozen = True
                warnings.warn(
                    f"{name} was changed during training and is a plain number, so the compiled step keeps the value "
                    f"that it had at first: make it a variable, keras.Variable({before:g}, trainable=False)",
                    RuntimeWarning,
                    stacklevel=3,
                )
                return

    def _is_read(self, name, value):
        """Whether the loss trains another beta, or can be audited or not, with a number of the model's at `value`."""
        now = self._audit()[0]
        kept = vars(self.model)[name]
        vars(self.model)[name] = type(kept)(value)
        then = self._audit()[0]
        vars(self.model)[name] = kept
        if now is None or then is None:
            return (now is None) != (then is None)
        return not np.isclose(now.beta, then.beta)

    def _rate_now(self, logs):
        if "rate" in logs:
            return float(logs["rate"])
        if self.x is not None and isinstance(getattr(self.model, "encoder", None), keras.layers.Layer):
            return self._rate_of_x()
        reported = next((float(logs[key]) for key in KL_IN_LOGS if key in logs), None)
        if reported is None or self.found is None:
            return reported
        weighted = max(1.0, self.found.factors[1])
        return reported * weighted * self._latent_dim  # it may be a mean over latents, and carry its weight

    def _rate_of_x(self):
        model = self.model
        with left_as_it_was(model):
            codes = model.encoder(self.x[:LOOKED_AT].astype("float32"), training=False)
        codes = [ops.convert_to_numpy(code) for code in codes] if isinstance(codes, (tuple, list)) else []
        return kl(*codes[:2]) if len(codes) in (2, 3) else None

    def _where(self, found):
        """Where beta lies on these images, in words."""
        try:
            threshold = float(collapse_threshold(self.x, found.likelihood))
            none_above = no_code_pays_above(self.x, found.likelihood)
        except (TypeError, ValueError) as error:
            return f"on these images there is no threshold of collapse to compare it with: {one_line(error)}"
        return (
            f"on these {len(self.x):,} images beta = {found.beta:.3g} means: "
            f"{collapse_at(found.beta, threshold, none_above)} (threshold {threshold:.3g}; from {none_above:.3g} on no "
            "code pays)"
        )

    def _why(self):
        if self.found is None:
            return "look at the weight of the KL first (audit_keras_vae)"
        if self.x is None:
            return f"it trains beta = {self.found.beta:.3g}; with TrainingGuard(x=images) this says whether that is why"
        return self._where(self.found)
