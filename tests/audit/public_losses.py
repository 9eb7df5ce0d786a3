"""What public VAE losses compute, in plain NumPy, after reading each one at its source.

Every function takes images `x` and `y` [B, height, width, channels], what the decoder returns, and
codes `m` and `v` [B, latents], the log variance. It keeps the sums, the means and the weights of
its source, and returns what that minimises: a scalar, or one value an image.

`case` says which beta it trains at which sizes. A loss that equals, for an image,

    a * (sum over pixels of -log p(x|z))  +  b * (sum over latents of KL)  +  constant

has beta = b / a. Squared error is read as a Gaussian of unit variance, whose -log p is half of it,
so un-halved squared error has a = 2; absolute error as a Laplace of unit scale, a = 1. The KL is
taken as written: three of the Keras losses draw z with a deviation that is not that of their KL.

What is the same function as a row of the field guide is tried as that row alone.
"""

from typing import NamedTuple

import numpy as np
from audit_losses import PIXELS, from_logits, kl_per_dim, l1

LATENTS = 1
DIGITS, FACES = (28, 28, 1), (64, 64, 3)


class Case(NamedTuple):
    """A loss, which names the repository, the file and the commit, and what must be found of it."""

    loss: object
    beta: float | None  # None where no single beta describes the loss
    likelihood: str
    reads: str  # "probabilities" or "logits" of Bernoulli pixels, or "means"
    image_shape: tuple
    latent_dim: int
    batch_size: int | None  # where beta depends on it: the one that its source trains with


CASES: list[Case] = []


def case(beta, kind, image_shape, latent_dim, batch_size=None):
    """Adds a row for the loss below; `kind` is a likelihood or how a Bernoulli reads y."""
    bernoulli = kind in ("probabilities", "logits")
    told = ("bernoulli", kind) if bernoulli else (kind, "means")

    def added(loss):
        CASES.append(Case(loss, beta, *told, image_shape, latent_dim, batch_size))
        return loss

    return added


def bce(x, p):
    """-log p(x|z) of a Bernoulli with probability `p`, per pixel."""
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return -(x * np.log(p) + (1 - x) * np.log(1 - p))


def se(x, y):
    """Twice -log p(x|z) of a Gaussian of unit variance, per pixel and up to a constant."""
    return (x - y) ** 2


def kl(m, v):
    """The KL to the standard normal prior, one number an image."""
    return kl_per_dim(m, v).sum(LATENTS)


def log_normal(z, mean, log_var):
    """Log density of a normal distribution at `z`, per latent."""
    return -0.5 * (np.log(2 * np.pi) + log_var + (z - mean) ** 2 / np.exp(log_var))


def sampled_kl_per_dim(m, v):
    """One-sample estimate of the KL, log q(z|x) - log p(z), at a fresh z drawn from q."""
    z = m + np.exp(v / 2) * np.random.default_rng().standard_normal(m.shape)
    return log_normal(z, m, v) - log_normal(z, 0.0, 0.0)


# Keras and the books written around it


@case(1 / 2, "probabilities", DIGITS, 2)
def keras_deconv(x, y, m, v):
    """keras-team/keras examples/variational_autoencoder_deconv.py 10bfb1c."""
    # The batch is flattened with the pixels: each image's value holds that of the whole batch
    return x.shape[1] * x.shape[2] * bce(x, y).mean() + kl_per_dim(m, v).mean(LATENTS)


@case(1, "probabilities", DIGITS, 2)
def keras_io(x, y, m, v):
    """keras-team/keras-io examples/generative/vae.py cca4efb."""
    return bce(x, y).mean(3).sum((1, 2)).mean() + kl(m, v).mean()


@case(1 / 2, "probabilities", DIGITS, 2)
def deep_learning_with_python_2(x, y, m, v):
    """fchollet/deep-learning-with-python-notebooks chapter12_part04 1bb759b."""
    return bce(x, y).mean(3).sum((1, 2)).mean() + kl_per_dim(m, v).mean()


@case(1 / (2 * 2000 / 12288), "gaussian", FACES, 200)
@case(1 / (2 * 2000 / 3072), "gaussian", (32, 32, 3), 200)
def generative_deep_learning_2_faces(x, y, m, v):
    """davidADSP/Generative_Deep_Learning_2nd_Edition vae_faces.ipynb 5951133, 3d28172."""
    return np.mean(2000 * se(x, y).mean(3)) + kl(m, v).mean()


@case(1, "gaussian", FACES, 512)
def bojone_celeba(x, y, m, v):
    """bojone/vae vae_keras_celeba.py 08a51b7."""
    # A KL estimated from the one draw that makes z; the encoder's output is a log scale
    noise = np.random.default_rng().standard_normal(m.shape)
    log_scale = v / 2
    z = np.exp(log_scale) * noise + m
    reconstruction = 0.5 * se(x, y).mean(0).sum() + 0.5 * np.log(2 * np.pi) * x[0].size
    prior = 0.5 * (z**2).mean(0).sum() - 0.5 * (noise**2).mean(0).sum()
    return reconstruction + prior - log_scale.mean(0).sum()


# PyTorch


@case(1, "probabilities", DIGITS, 100)
def wiseodd(x, y, m, v):
    """wiseodd/generative-models VAE/vanilla_vae/vae_pytorch.py daadb46."""
    return bce(x, y).sum() / len(x) + kl(m, v).mean()


@case((5 / 256) / (2 / 12288), "gaussian", FACES, 256)
def pyprobml_celeba(x, y, m, v):
    """probml/pyprobml deprecated/vae/standalone/vae_celeba_lightning.py 4468a42."""
    # The averages of lightning-bolts with a one-sample KL, weighted by the script's 5
    return se(x, y).mean() + 5 * sampled_kl_per_dim(m, v).mean()


@case(4 / 2, "gaussian", FACES, 10)
def beta_vae_1konny_default(x, y, m, v):
    """1Konny/Beta-VAE solver.py 977a1ec; main.py 1117b13, its defaults."""
    # Squared error summed and not halved; `y` is after its sigmoid
    return se(x, y).sum() / len(x) + 4 * kl(m, v).mean()


@case(1 / (2 * 255**2 / 255), "gaussian", FACES, 10)
def disentangling_vae_gaussian(x, y, m, v):
    """YannDubs/disentangling-vae disvae/models/losses.py f8f64d8, once the annealing is over."""
    # The summed squared error of images scaled to 0..255, divided by 255
    return se(255 * x, 255 * y).sum() / 255 / len(m) + kl_per_dim(m, v).mean(0).sum()


@case(1 / 2, "gaussian", FACES, 32)
def world_models_pytorch(x, y, m, v):
    """ctallec/world-models trainvae.py 07e2c8f."""
    # Both summed over everything; the encoder gives a log sigma
    log_sigma = v / 2
    return se(x, y).sum() - 0.5 * np.sum(1 + 2 * log_sigma - m**2 - np.exp(2 * log_sigma))


@case(1 / (2 / (128 * 2352)), "gaussian", (28, 28, 3), 20, 128)
def sigma_vae_mse(x, y, m, v):
    """orybkin/sigma-vae-pytorch model.py; train_vae.py 8873c56."""
    # Squared error averaged over the batch, KL summed over it: beta grows with the batch size
    return se(x, y).mean() + kl_per_dim(m, v).sum()


@case(np.exp(2 * (np.logaddexp(0, 6) - 6)), "gaussian", (28, 28, 3), 20)
def sigma_vae_gaussian(x, y, m, v):
    """orybkin/sigma-vae-pytorch model.py; train_vae.py 8873c56."""
    # A log sigma of 0, which its soft clip at -6 raises a little: softplus(6) - 6 = 0.0025
    log_sigma = -6 + np.logaddexp(0, 0 + 6)
    density = 0.5 * se(x, y) / np.exp(log_sigma) ** 2 + log_sigma + 0.5 * np.log(2 * np.pi)
    return density.sum() + kl_per_dim(m, v).sum()


@case(0.5, "probabilities", (48, 48, 1), 16)
def rlkit_bernoulli(x, y, m, v):
    """rail-berkeley/rlkit rlkit/torch/vae/conv_vae.py; vae_trainer.py 3c875be."""
    return bce(x, y).mean() * x[0].size + 0.5 * kl(m, v).mean()


@case(1e-6, "laplace", (256, 256, 3), 64 * 64 * 3)
def latent_diffusion(x, y, m, v):
    """CompVis/stable-diffusion contperceptual.py 555f13e; latent-diffusion 40ae880."""
    # Without the perceptual and adversarial terms; the learned log scale at its first value, 0
    log_scale = 0.0
    reconstruction = (l1(x, y) / np.exp(log_scale) + log_scale).sum() / len(x)
    return reconstruction + 1e-6 * kl_per_dim(m, v).sum() / len(m)


@case(1, "probabilities", DIGITS, 50)
def pyro(x, y, m, v):
    """pyro-ppl/pyro examples/vae/vae.py 07ad8d8."""
    # Minus a one-sample ELBO, summed over pixels, latents and batch
    return bce(x, y).sum() + sampled_kl_per_dim(m, v).sum()


# TensorFlow and JAX


@case(1, "logits", DIGITS, 2)
def tensorflow_tutorial(x, y, m, v):
    """tensorflow/docs site/en/tutorials/generative/cvae.ipynb 0d13617: A one-sample KL."""
    return -np.mean(-from_logits(x, y).sum(PIXELS) - sampled_kl_per_dim(m, v).sum(LATENTS))


@case(1, "probabilities", DIGITS, 2)
def tensorflow_examples(x, y, m, v):
    """aymericdamien/TensorFlow-Examples variational_autoencoder.py 91641ee."""
    # 1e-10 keeps the logarithms finite
    log_likelihood = x * np.log(1e-10 + y) + (1 - x) * np.log(1e-10 + 1 - y)
    return np.mean(-log_likelihood.sum(PIXELS) + kl(m, v))


@case(1, "probabilities", DIGITS, 20)
def hwalsuklee(x, y, m, v):
    """hwalsuklee/tensorflow-mnist-VAE vae.py 0bf528c."""
    # The encoder gives a sigma, with 1e-8 inside the logarithm of its square
    sigma = np.exp(v / 2)
    rate = 0.5 * np.sum(m**2 + sigma**2 - np.log(1e-8 + sigma**2) - 1, axis=LATENTS)
    return bce(x, y).sum(PIXELS).mean() + rate.mean()


@case((1 / 1024) * 0.05**2, "gaussian", (32, 32, 3), 1024)
def alibi_detect(x, y, m, v):
    """SeldonIO/alibi-detect models/tensorflow/losses.py 052e6b1."""
    # The full log density of a Gaussian of sigma 0.05, KL averaged over latents
    sigma = 0.05
    log_density = -0.5 * se(x, y) / sigma**2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    return -log_density.sum(PIXELS).mean() + 1.0 * kl_per_dim(m, v).mean()


@case(1, "logits", DIGITS, 20)
def flax(x, y, m, v):
    """google/flax examples/vae/train.py 05aab84."""
    return from_logits(x, y).sum(PIXELS).mean() + kl(m, v).mean()


@case(1, "logits", DIGITS, 10)
def haiku(x, y, m, v):
    """google-deepmind/dm-haiku examples/vae.py 01d83e4: The encoder gives a standard deviation."""
    deviation = np.exp(v / 2)
    rate = 0.5 * np.sum(-np.log(deviation**2) - 1 + deviation**2 + m**2, axis=LATENTS)
    return np.mean(from_logits(x, y).sum(PIXELS) + rate)


# Losses that no single beta describes


@case(None, "gaussian", FACES, 32)
def world_models_floor(x, y, m, v):
    """hardmaru/WorldModelsExperiments carracing/vae/vae.py 19c0d59."""
    # A floor of 16 nats: beta is 1/2 above it, and 0 below
    return se(x, y).sum(PIXELS).mean() + np.maximum(kl(m, v), 0.5 * m.shape[1]).mean()


@case(None, "logits", (64, 64, 1), 10)
def beta_vae_1konny_capacity(x, y, m, v):
    """1Konny/Beta-VAE solver.py 977a1ec; main.py 1117b13."""
    # Objective B after its warm-up: beta is 1000 above 25 nats, and -1000 below
    return from_logits(x, y).sum() / len(x) + 1000 * np.abs(kl(m, v).mean() - 25)


@case(None, "gaussian", (28, 28, 3), 20)
def sigma_vae_optimal(x, y, m, v):
    """orybkin/sigma-vae-pytorch model.py 8873c56."""
    # The best sigma for the batch follows its squared error, and beta follows sigma
    error = se(x, y)
    with np.errstate(divide="ignore"):
        best = np.log(np.sqrt(error.mean()))
    log_sigma = -6 + np.logaddexp(0, best + 6)
    density = 0.5 * error / np.exp(log_sigma) ** 2 + log_sigma + 0.5 * np.log(2 * np.pi)
    return density.sum() + kl_per_dim(m, v).sum()


@case(None, "probabilities", DIGITS, 20)
def pytorch_example_continuous_bernoulli(x, y, m, v):
    """pytorch/examples vae/main.py 0a8329c."""
    # Its beta is 1 for that likelihood, and the cross-entropy alone is not it
    p = np.clip(y, 1e-4, 1 - 1e-4)
    near_half = np.abs(p - 0.5) < 0.01
    away = np.where(near_half, 0.49, p)
    log_normaliser = np.log(np.abs(2 * np.arctanh(1 - 2 * away))) - np.log(np.abs(1 - 2 * away))
    taylor = np.log(2) + 4 / 3 * (p - 0.5) ** 2 + 104 / 45 * (p - 0.5) ** 4
    normaliser = np.where(near_half, taylor, log_normaliser)
    return bce(x, p).sum() - normaliser.sum() + kl_per_dim(m, v).sum()
