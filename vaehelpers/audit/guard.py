"""A Keras callback that says before training which beta is trained, and warns of a collapse."""

import warnings

import keras
import numpy as np
from keras import ops

from vaehelpers.audit import private
from vaehelpers.audit.audit import audit_keras_vae
from vaehelpers.audit.hypotheses import Within
from vaehelpers.audit.keras_faults import is_number, weights_of
from vaehelpers.audit.keras_find import one_line, places_of
from vaehelpers.audit.probes import kl
from vaehelpers.audit.verdict import AuditError, LossAudit
from vaehelpers.collapse import collapse_at, collapse_threshold, no_code_pays_above
from vaehelpers.collapse.no_code import rounded_up

COLLAPSED = 0.01  # nats
FULL_EPOCHS = 2  # before which a small rate is no news
LOOKED_AT = 1000  # images
KL_IN_LOGS = ("kl_loss", "kl", "kld", "kl_divergence", "kl_div", "kld_loss")


class TrainingGuard(keras.callbacks.Callback):
    """Says which beta `fit` trains, and warns where the rate falls below 0.01 nats.

    Before the first epoch it prints what `audit_keras_vae` finds of the model as it is compiled
    and, with `x`, where that beta lies. After two full epochs it warns once, at the end of an epoch
    with a rate below 0.01 nats, but not while the weight of the KL still moves; and once where a
    callback changes a weight that is a plain number, which the compiled step froze. The rate is
    what the model reports as `rate`, else that of `x` under `model.encoder`, else the most that a
    reported `kl_loss` or `kl` can mean. It changes nothing: weights, metrics, the optimiser's state
    and random numbers are the same, bit by bit, with and without it. A model that cannot be audited
    gets one line.

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
        TrainingGuard: This loss trains beta = 1 (Bernoulli from logits; sum over pixels, sum over
        latents, mean over the batch). That is the ELBO.
    """

    def __init__(self, x: np.ndarray | None = None, raise_on_collapse: bool = False) -> None:
        super().__init__()
        if x is not None and not hasattr(x, "__array__"):
            raise TypeError(f"x is a {type(x).__name__}: pass an array of images [N, ...]")
        self.x = None if x is None else np.asarray(x)
        self.raise_on_collapse = raise_on_collapse
        self.found: LossAudit | None = None
        self.rate: float | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._epochs = 0
        self._warned = False
        self._latent_dim = 1
        self.found, failure = self._audit()
        self._beta = self._beta_now()
        self._function = None
        self._numbers = self._at_first_batch = self._plain_numbers()
        self._frozen = False
        if self.found is None:
            said = f"which beta this model trains cannot be told ({failure})"
            print(f"TrainingGuard: {said}; it is trained as it is.")
            return
        with private.left_as_it_was(self.model):
            self._latent_dim = places_of(self.model, self._image_shape()).latent_dim
        lines = [str(self.found).splitlines()[0], *self.found.faults]
        lines += [] if self.x is None else [self._where(self.found)]
        print(*(f"TrainingGuard: {line}" for line in lines), sep="\n")

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        if batch == 0:
            self._at_first_batch = self._plain_numbers()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._epochs += 1
        self._warn_of_a_frozen_number()
        self.rate = self._rate_now(logs or {})
        low = self.rate is not None and self.rate < COLLAPSED
        self._warned &= low
        if self._warned or not low or self._epochs < FULL_EPOCHS or self._weight_moves():
            return
        said = (
            f"after epoch {epoch + 1} the rate is {self.rate:.2g} nats, below {COLLAPSED}: the "
            f"code says nothing of the image; {self._why()}"
        )
        self._warned = True
        if self.raise_on_collapse:
            raise RuntimeError(said)
        warnings.warn(said, RuntimeWarning, stacklevel=2)

    def _audit(self):
        """A `LossAudit` and `None`, or `None` and why there is none, in one line."""
        try:
            return audit_keras_vae(self.model, image_shape=self._image_shape()), None
        except AuditError as error:
            unknown = "its encoder does not tell the images' shape: pass TrainingGuard(x=images)"
            said = str(error).splitlines()[0].rstrip(".")
            return None, unknown if error.about == "image_shape" else said
        except Exception as error:  # whatever a model of anybody raises: it is trained all the same
            return None, one_line(error)

    def _image_shape(self):
        return None if self.x is None else self.x.shape[1:]

    def _beta_now(self):
        """Beta, or `None`, and the model's own weights that may be the KL's, at this moment."""
        return None if self.found is None else self.found.beta, weights_of(self.model)

    def _plain_numbers(self):
        """The model's own numbers that are no variables: a compiled step keeps what they were."""
        held = {n: v for n, v in vars(self.model).items() if is_number(v) and n[0] != "_"}
        return {n: float(v) for n, v in held.items() if not isinstance(v, keras.Variable)}

    def _weight_moves(self):
        """Whether the KL's weight is another than when this was last asked."""
        self.found = self._audit()[0]
        before, self._beta = self._beta, self._beta_now()
        if None in (before[0], self._beta[0]):
            return before != self._beta
        return before[1] != self._beta[1] or not np.isclose(
            before[0], self._beta[0], rtol=Within.SAME
        )

    def _warn_of_a_frozen_number(self):
        """Warn of a plain number that is read and was changed: the step keeps its first value."""
        if self._frozen or self.model.run_eagerly:
            return
        function = getattr(self.model, "train_function", None)
        if function is not self._function:  # compiled anew, with the numbers of that moment
            self._function = function
            self._numbers = self._at_first_batch
        now = self._plain_numbers()
        for name in [n for n, value in self._numbers.items() if now.get(n, value) != value]:
            before = self._numbers.pop(name)  # each is looked at once
            if self._is_read(name, before):
                self._frozen = True
                said = f"{name} was changed during training and is a plain number, so the compiled"
                cure = f"make it a variable, keras.Variable({before:g}, trainable=False)"
                said = f"{said} step keeps the value that it had at first: {cure}"
                warnings.warn(said, RuntimeWarning, stacklevel=3)
                return

    def _is_read(self, name, value):
        """Whether another beta is trained, or one can be told or not, with a number at `value`."""
        now = self._audit()[0]
        held = vars(self.model)
        with private.attribute(self.model, name, type(held[name])(value)):
            then = self._audit()[0]
        if now is None or then is None:
            return now is not then
        return not np.isclose(now.beta, then.beta)

    def _rate_now(self, logs):
        if "rate" in logs:
            return float(logs["rate"])
        encoder = getattr(self.model, "encoder", None)
        if self.x is not None and isinstance(encoder, keras.layers.Layer):
            return self._rate_of_x()
        reported = next((float(logs[key]) for key in KL_IN_LOGS if key in logs), None)
        if reported is None or self.found is None:
            return reported
        weighted = max(1.0, self.found.factors[1])
        return reported * weighted * self._latent_dim  # it may be a mean over latents, and weighted

    def _rate_of_x(self):
        model = self.model
        with private.left_as_it_was(model):
            codes = model.encoder(self.x[:LOOKED_AT].astype("float32"), training=False)
        several = isinstance(codes, (tuple, list)) and len(codes) in (2, 3)
        return kl(*(ops.convert_to_numpy(code) for code in codes[:2])) if several else None

    def _where(self, found):
        """Where beta lies on these images, in words."""
        try:
            threshold = collapse_threshold(self.x, found.likelihood)
            none_above = no_code_pays_above(self.x, found.likelihood, threshold=threshold)
        except (TypeError, ValueError) as error:
            said = "on these images there is no threshold of collapse to compare it with"
            return f"{said}: {one_line(error)}"
        means = collapse_at(found.beta, threshold, none_above)
        limits = f"threshold {threshold:.3g}; from {rounded_up(none_above):g} on no code pays"
        return f"on these {len(self.x):,} images beta = {found.beta:.3g} means: {means} ({limits})"

    def _why(self):
        if self.found is None:
            return "look at the weight of the KL first (audit_keras_vae)"
        if self.x is None:
            said = f"it trains beta = {self.found.beta:.3g}"
            return f"{said}; with TrainingGuard(x=images) this says whether that is why"
        return self._where(self.found)
