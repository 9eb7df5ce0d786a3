"""What an audit found, as numbers and as a sentence, and the lines that train the ELBO instead."""

from dataclasses import dataclass

from vaehelpers.audit.hypotheses import Within
from vaehelpers.audit.probes import OF_CLASSES


class AuditError(ValueError):
    """No single beta can be given for a loss; the message says what was found, for people.

    Attributes:
        about: for code, which reads no messages. "call": it could not be called in that way;
            "size": it takes no other sizes; "swapped", "swapped codes": two arguments look
            exchanged; "kl": its reconstruction term is known, its KL is none; "loss": no other way
            of calling would change that; "model": a Keras model could not be opened; else `None`.
    """

    def __init__(self, message: str, about: str | None = None) -> None:
        super().__init__(message)
        self.about = about


@dataclass(frozen=True, repr=False)
class LossAudit:
    """What a loss trains: `scale * (distortion + beta * rate) + constant`, reduced as it says.

    Attributes:
        beta: the weight of the rate; for a Gaussian, at unit variance.
        likelihood: "bernoulli", "gaussian" or "laplace" (at unit scale), "categorical" or
            "multinomial": over the last axis, whose reduction is then `channel_reduction`.
        x_decoded: how the loss reads the decoder's output: "probabilities", "logits",
            "log-probabilities" or, where it compares it with the pixels as it is, "means".
        pixel_reduction, channel_reduction, latent_reduction, batch_reduction: "sum", "mean",
            "none", "mixed" or "unknown", where calls at other sizes could not tell. Of a loss of
            one image size, what equals a sum is a sum.
        decoder_variance: the Gaussian's variance where the loss's constant reveals it, else `None`.
        scale: the weight of the distortion (for a Gaussian at unit variance: of half the squared
            error).
        residual: the largest relative misfit over the probes.
        framework: where the loss was called.
        factors: what the reconstruction term and the KL must be multiplied by to give the ELBO.
        notes: further findings, sentences.
        faults: what is wrong with a Keras model beside its weights, how it draws z for one,
            sentences.
        one_size: whether the loss takes one image size only, so that its reductions are told at
            that alone.
    """

    beta: float
    likelihood: str
    x_decoded: str
    pixel_reduction: str
    channel_reduction: str
    latent_reduction: str
    batch_reduction: str
    decoder_variance: float | None
    scale: float
    residual: float
    framework: str
    factors: tuple[float, float]
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    one_size: bool = False

    @property
    def beta_declared(self) -> float:
        """Beta relative to the likelihood that the loss declares: with its own variance."""
        return self.beta / (self.decoder_variance or 1.0)

    @property
    def trains_elbo(self) -> bool:
        """Whether beta is 1 within a percent, at the declared variance, and nothing is at fault."""
        return self._weighs_as_the_elbo() and not self.faults

    def _weighs_as_the_elbo(self):
        return abs(self.beta_declared - 1) <= Within.ONE

    def __str__(self) -> str:
        below = (f"- {said}" for said in (*self.faults, *self.notes))
        return "\n".join([f"This loss trains {self._what()}. {self._advice()}", *below])

    __repr__ = __str__  # what a cell of a notebook shows of its last line

    def _what(self):
        logits = " from logits" if self.x_decoded == "logits" else ""
        unit = {"gaussian": " at unit variance", "laplace": " at unit scale"}
        declared = ""
        if self.decoder_variance is not None:
            own = f"at its own variance {number(self.decoder_variance)}"
            declared = f", {number(self.beta_declared)} {own}"
        return (
            f"beta = {number(self.beta)}{unit.get(self.likelihood, '')}{declared} "
            f"({self.likelihood.capitalize()}{logits}; {', '.join(self._reductions())})"
        )

    def _reductions(self):
        channels = "classes" if self.likelihood in OF_CLASSES else "channels"
        named = {
            "pixels": self.pixel_reduction,
            channels: self.channel_reduction,
            "latents": self.latent_reduction,
            "the batch": self.batch_reduction,
        }
        untried = named[channels] == "unknown" and self.one_size
        if untried or named[channels] in ("none", named["pixels"]):
            named.pop(channels)
        words = {"none": "no", "mixed": "a mixed", "unknown": "an unknown"}
        said = {word: f"{article} reduction" for word, article in words.items()}
        return [
            f"{said.get(reduction, reduction)} over {axes}" for axes, reduction in named.items()
        ]

    def _advice(self):
        if self._weighs_as_the_elbo() and self.faults:
            return "Its weights are those of the ELBO, but the model is at fault:"
        if self.trains_elbo:
            scale = self.scale * (self.decoder_variance or 1.0)
            return "That is the ELBO" + (
                "." if abs(scale - 1) < Within.SAME else f", times {number(scale)}: the same model."
            )
        parts = [
            f"the {term} by {number(factor)}"
            for term, factor in zip(("reconstruction term", "KL"), self.factors, strict=True)
            if abs(factor - 1) > Within.ONE / 2
        ]
        advice = f"To train the ELBO, multiply {' and '.join(parts)}."
        if self.likelihood == "gaussian" and self.decoder_variance is None:
            advice += (
                f" As it is, it is the exact ELBO of a decoder with variance {number(self.beta)} "
                f"(standard deviation {number(self.beta**0.5)}, in the pixels' unit)."
            )
        if self.likelihood == "laplace":
            advice += (
                " As it is, it is the exact ELBO of a Laplace decoder with scale "
                f"{number(self.beta)}."
            )
        return advice

    def cure(self) -> dict[str, tuple[str, str]]:
        """Two lines each for Keras, PyTorch and JAX that train the ELBO of this likelihood."""
        factor = f"{0.5 / (self.decoder_variance or 1.0):.6g} *"
        cures = {}
        for name, lines in CURES.items():
            if self.likelihood in OF_CLASSES:
                pixels = f"pixels = -x * {lines[self.x_decoded]}"
            elif self.x_decoded != "logits":
                pixels = lines[self.likelihood]
            elif self.likelihood == "bernoulli":
                pixels = lines["bernoulli from logits"]
            else:
                through = f"{lines['sigmoid']}(x_decoded)"
                pixels = lines[self.likelihood].replace("x_decoded", through)
            cures[name] = (pixels.replace("0.5 *", factor), lines["loss"])
        return cures


def number(value: float) -> str:
    """Three significant digits, more for whole numbers: 392, 0.000977, 13600000 as 1.36e+07."""
    whole = 1 <= abs(value) < 1e5 and abs(value - round(value)) < Within.SAME * abs(value)
    return f"{value:.0f}" if whole else f"{value:.3g}"


CURES = {
    "Keras": {
        "sigmoid": "ops.sigmoid",
        "logits": "ops.log_softmax(x_decoded, axis=-1)",
        "probabilities": "ops.log(x_decoded)",
        "log-probabilities": "x_decoded",
        "bernoulli": "pixels = ops.binary_crossentropy(x, x_decoded)",
        "bernoulli from logits": "pixels = ops.binary_crossentropy(x, x_decoded, from_logits=True)",
        "gaussian": "pixels = 0.5 * ops.square(x - x_decoded)",
        "laplace": "pixels = ops.abs(x - x_decoded)",
        "loss": "loss = ops.mean(ops.sum(ops.reshape(pixels, (ops.shape(x)[0], -1)), 1) "
        "+ 0.5 * ops.sum(ops.exp(z_log_var) + z_mean**2 - 1 - z_log_var, 1))",
    },
    "PyTorch": {
        "sigmoid": "torch.sigmoid",
        "logits": "F.log_softmax(x_decoded, -1)",
        "probabilities": "x_decoded.log()",
        "log-probabilities": "x_decoded",
        "bernoulli": 'pixels = F.binary_cross_entropy(x_decoded, x, reduction="none")',
        "bernoulli from logits": "pixels = F.binary_cross_entropy_with_logits("
        'x_decoded, x, reduction="none")',
        "gaussian": "pixels = 0.5 * (x - x_decoded).square()",
        "laplace": "pixels = (x - x_decoded).abs()",
        "loss": "loss = (pixels.flatten(1).sum(1) "
        "+ 0.5 * (z_log_var.exp() + z_mean.square() - 1 - z_log_var).sum(1)).mean()",
    },
    "JAX": {
        "sigmoid": "jax.nn.sigmoid",
        "logits": "jax.nn.log_softmax(x_decoded, axis=-1)",
        "probabilities": "jnp.log(x_decoded)",
        "log-probabilities": "x_decoded",
        "bernoulli": "pixels = -(x * jnp.log(x_decoded) + (1 - x) * jnp.log1p(-x_decoded))",
        "bernoulli from logits": "pixels = jax.nn.softplus(x_decoded) - x * x_decoded",
        "gaussian": "pixels = 0.5 * jnp.square(x - x_decoded)",
        "laplace": "pixels = jnp.abs(x - x_decoded)",
        "loss": "loss = jnp.mean(pixels.reshape(len(x), -1).sum(1) "
        "+ 0.5 * (jnp.exp(z_log_var) + z_mean**2 - 1 - z_log_var).sum(1))",
    },
}
