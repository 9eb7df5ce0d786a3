"""What public VAE losses compute, written down in plain NumPy after reading each one at its source.

Every function takes `x` and `x_decoded` of shape [B, height, width, channels] and `z_mean`, `z_log_var` of
shape [B, latents]. It keeps the sums, the means and the weights of its source, and returns what the source
minimises: a scalar, or one value per image which the framework then averages over the batch.

public_loss_cases.py says where each loss was read and which beta it trains. The KL is taken as written: three of
the Keras losses draw z with a standard deviation that is not the one their KL assumes.
"""

import numpy as np

PIXELS = (1, 2, 3)  # the image axes of a batch
LATENTS = 1  # the latent axis of a batch


# Building blocks: one value per pixel, or one per latent


def binary_cross_entropy(x, p):
    """-log p(x|z) of a Bernoulli with probability `p`, per pixel."""
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return -(x * np.log(p) + (1 - x) * np.log(1 - p))


def binary_cross_entropy_from_logits(x, logits):
    """-log p(x|z) of a Bernoulli with log-odds `logits`, per pixel."""
    return np.logaddexp(0, logits) - x * logits


def squared_error(x, x_decoded):
    """Twice -log p(x|z) of a Gaussian of unit variance, per pixel and up to a constant."""
    return (x - x_decoded) ** 2


def absolute_error(x, x_decoded):
    """-log p(x|z) of a Laplace of unit scale, per pixel and up to a constant."""
    return np.abs(x - x_decoded)


def kl_per_dim(z_mean, z_log_var):
    """KL from the posterior to the standard normal prior, per latent."""
    return 0.5 * (z_mean**2 + np.exp(z_log_var) - z_log_var - 1)


def log_normal(z, mean, log_var):
    """Log density of a normal distribution at `z`, per latent."""
    return -0.5 * (np.log(2 * np.pi) + log_var + (z - mean) ** 2 / np.exp(log_var))


def sampled_kl_per_dim(z_mean, z_log_var):
    """One-sample estimate of the KL, per latent: log q(z|x) - log p(z) at a fresh z drawn from q."""
    z = z_mean + np.exp(z_log_var / 2) * np.random.default_rng().standard_normal(z_mean.shape)
    return log_normal(z, z_mean, z_log_var) - log_normal(z, 0.0, 0.0)


# Keras and the books written around it


def keras_mlp_both_averaged(x, x_decoded, z_mean, z_log_var):
    """Keras MLP example at cb468fe: cross-entropy averaged over pixels, KL averaged over latents."""
    reconstruction = binary_cross_entropy(x, x_decoded).mean(axis=PIXELS)
    return reconstruction + kl_per_dim(z_mean, z_log_var).mean(axis=LATENTS)


def keras_mlp_kl_summed(x, x_decoded, z_mean, z_log_var):
    """Keras MLP example at 05e727f: the KL is summed over latents, the cross-entropy still averaged over pixels."""
    reconstruction = binary_cross_entropy(x, x_decoded).mean(axis=PIXELS)
    return reconstruction + kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS)


def keras_deconv(x, x_decoded, z_mean, z_log_var):
    """Keras deconvolution example at 10bfb1c: the average cross-entropy is scaled back to a sum, the KL is not.

    The batch is flattened with the pixels, so that each image's value holds the cross-entropy of the whole batch.
    """
    rows, columns = x.shape[1:3]
    reconstruction = rows * columns * binary_cross_entropy(x, x_decoded).mean()
    return reconstruction + kl_per_dim(z_mean, z_log_var).mean(axis=LATENTS)


def keras_io(x, x_decoded, z_mean, z_log_var):
    """keras.io example at cca4efb: both terms are summed, then averaged over the batch."""
    over_channels = binary_cross_entropy(x, x_decoded).mean(axis=3)
    reconstruction = over_channels.sum(axis=(1, 2)).mean()
    return reconstruction + kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS).mean()


def deep_learning_with_python_1(x, x_decoded, z_mean, z_log_var):
    """Deep Learning with Python, first edition: both terms averaged, the KL weighted by twice 5e-4."""
    reconstruction = binary_cross_entropy(x, x_decoded).mean()
    minus_twice_kl = -2 * kl_per_dim(z_mean, z_log_var)
    return np.mean(reconstruction - 5e-4 * minus_twice_kl.mean(axis=LATENTS))


def deep_learning_with_python_2(x, x_decoded, z_mean, z_log_var):
    """Deep Learning with Python, second edition: cross-entropy summed over pixels, KL averaged over latents."""
    over_channels = binary_cross_entropy(x, x_decoded).mean(axis=3)
    return over_channels.sum(axis=(1, 2)).mean() + kl_per_dim(z_mean, z_log_var).mean()


def generative_deep_learning_1(x, x_decoded, z_mean, z_log_var, reconstruction_factor):
    """Generative Deep Learning, first edition: the factor multiplies a squared error averaged over pixels."""
    reconstruction = squared_error(x, x_decoded).mean(axis=PIXELS)
    return reconstruction_factor * reconstruction + kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS)


def generative_deep_learning_1_digits(x, x_decoded, z_mean, z_log_var):
    """The digits notebook sets the factor to 1000."""
    return generative_deep_learning_1(x, x_decoded, z_mean, z_log_var, 1000)


def generative_deep_learning_1_faces(x, x_decoded, z_mean, z_log_var):
    """The faces notebook sets the factor to 10000."""
    return generative_deep_learning_1(x, x_decoded, z_mean, z_log_var, 10000)


def generative_deep_learning_2_fashion(x, x_decoded, z_mean, z_log_var):
    """Second edition, clothes: a constant named beta, 500, multiplies the average cross-entropy, not the KL."""
    reconstruction = np.mean(500 * binary_cross_entropy(x, x_decoded).mean(axis=PIXELS))
    return reconstruction + kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS).mean()


def generative_deep_learning_2_faces(x, x_decoded, z_mean, z_log_var):
    """Second edition, faces: the same with 2000 and a squared error averaged over everything."""
    reconstruction = np.mean(2000 * squared_error(x, x_decoded).mean(axis=3))
    return reconstruction + kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS).mean()


def world_models_keras_early(x, x_decoded, z_mean, z_log_var):
    """Keras port of World Models at 00152ea: 1000 times the mean squared error, KL averaged over latents."""
    reconstruction = 1000 * squared_error(x, x_decoded).mean(axis=PIXELS)
    return reconstruction + kl_per_dim(z_mean, z_log_var).mean(axis=LATENTS)


def world_models_keras_late(x, x_decoded, z_mean, z_log_var):
    """The same port at 360bf24: the factor is gone, the KL is summed, and its floor is commented out."""
    reconstruction = squared_error(x, x_decoded).mean(axis=PIXELS)
    return reconstruction + kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS)


def bojone_celeba(x, x_decoded, z_mean, z_log_var):
    """bojone/vae on CelebA: half the squared error, and a KL estimated from the one noise draw that makes z.

    The encoder's output is a log scale, half of `z_log_var`; its negative sum is the entropy part of the KL.
    """
    noise = np.random.default_rng().standard_normal(z_mean.shape)
    log_scale = z_log_var / 2
    z = np.exp(log_scale) * noise + z_mean
    reconstruction = (
        0.5 * squared_error(x, x_decoded).mean(axis=0).sum() + 0.5 * np.log(2 * np.pi) * x[0].size
    )
    prior = 0.5 * (z**2).mean(axis=0).sum() - 0.5 * (noise**2).mean(axis=0).sum()
    return reconstruction + prior - log_scale.mean(axis=0).sum()


# PyTorch


def pytorch_example(x, x_decoded, z_mean, z_log_var):
    """pytorch/examples at cd01f93: everything is summed, over the batch too."""
    return binary_cross_entropy(x, x_decoded).sum() + kl_per_dim(z_mean, z_log_var).sum()


def wiseodd(x, x_decoded, z_mean, z_log_var):
    """wiseodd/generative-models: summed cross-entropy over the batch size, and the batch mean of the summed KL."""
    reconstruction = binary_cross_entropy(x, x_decoded).sum() / len(x)
    return reconstruction + kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS).mean()


def pytorch_vae(x, x_decoded, z_mean, z_log_var, kl_weight):
    """PyTorch-VAE: squared error averaged over everything, KL summed over latents."""
    return (
        squared_error(x, x_decoded).mean()
        + kl_weight * kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS).mean()
    )


def pytorch_vae_training(x, x_decoded, z_mean, z_log_var):
    """Training weighs the KL with the 0.00025 of its configuration file."""
    return pytorch_vae(x, x_decoded, z_mean, z_log_var, 0.00025)


def pytorch_vae_validation(x, x_decoded, z_mean, z_log_var):
    """The validation loss that it logs weighs the KL with 1 instead."""
    return pytorch_vae(x, x_decoded, z_mean, z_log_var, 1.0)


def pythae_early(x, x_decoded, z_mean, z_log_var):
    """Pythae at 06d582a: summed squared error, not halved."""
    reconstruction = squared_error(x, x_decoded).sum(axis=PIXELS)
    return np.mean(reconstruction + kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS))


def pythae_late(x, x_decoded, z_mean, z_log_var):
    """Pythae at 24939dc: the same squared error, halved."""
    reconstruction = 0.5 * squared_error(x, x_decoded).sum(axis=PIXELS)
    return np.mean(reconstruction + kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS))


def lightning_bolts(x, x_decoded, z_mean, z_log_var):
    """lightning-bolts: both terms averaged over everything, the KL weighted by 0.1."""
    return squared_error(x, x_decoded).mean() + 0.1 * kl_per_dim(z_mean, z_log_var).mean()


def pyprobml_celeba(x, x_decoded, z_mean, z_log_var):
    """pyprobml on CelebA: the averages of lightning-bolts with a one-sample KL, weighted by the script's 5."""
    return squared_error(x, x_decoded).mean() + 5 * sampled_kl_per_dim(z_mean, z_log_var).mean()


def podgorskiy(x, x_decoded, z_mean, z_log_var):
    """podgorskiy/VAE: both terms averaged over everything, the KL weighted by 0.1."""
    return (
        squared_error(x, x_decoded).mean()
        + 0.1 * kl_per_dim(z_mean, z_log_var).mean(axis=LATENTS).mean()
    )


def irmae(x, x_decoded, z_mean, z_log_var):
    """The VAE of irmae: both terms averaged; the usual half before the KL is left out, then it is weighted by 0.1."""
    twice_kl = 2 * kl_per_dim(z_mean, z_log_var)
    return binary_cross_entropy(x, x_decoded).mean() + 0.1 * twice_kl.mean()


def beta_vae_1konny(x, x_decoded, z_mean, z_log_var, beta):
    """1Konny/Beta-VAE on CelebA: squared error summed and not halved; `x_decoded` is after its sigmoid."""
    reconstruction = squared_error(x, x_decoded).sum() / len(x)
    return reconstruction + beta * kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS).mean()


def beta_vae_1konny_default(x, x_decoded, z_mean, z_log_var):
    """The command line's own defaults: CelebA with beta 4."""
    return beta_vae_1konny(x, x_decoded, z_mean, z_log_var, 4)


def beta_vae_1konny_celeba(x, x_decoded, z_mean, z_log_var):
    """The CelebA script asks for beta 10."""
    return beta_vae_1konny(x, x_decoded, z_mean, z_log_var, 10)


def disentangling_vae(reconstruction, z_mean, z_log_var):
    """disentangling-vae with its plain VAE loss, once the annealing is over: summed, per image of the batch."""
    return reconstruction / len(z_mean) + kl_per_dim(z_mean, z_log_var).mean(axis=0).sum()


def disentangling_vae_bernoulli(x, x_decoded, z_mean, z_log_var):
    """Bernoulli pixels: the summed cross-entropy."""
    return disentangling_vae(binary_cross_entropy(x, x_decoded).sum(), z_mean, z_log_var)


def disentangling_vae_gaussian(x, x_decoded, z_mean, z_log_var):
    """Gaussian pixels: the summed squared error of images scaled to 0..255, divided by 255."""
    return disentangling_vae(squared_error(255 * x, 255 * x_decoded).sum() / 255, z_mean, z_log_var)


def disentangling_vae_laplace(x, x_decoded, z_mean, z_log_var):
    """Laplace pixels: three times the summed absolute error."""
    return disentangling_vae(3 * absolute_error(x, x_decoded).sum(), z_mean, z_log_var)


def world_models_pytorch(x, x_decoded, z_mean, z_log_var):
    """ctallec/world-models: squared error and KL both summed over everything; the encoder gives a log sigma."""
    log_sigma = z_log_var / 2
    kl = -0.5 * np.sum(1 + 2 * log_sigma - z_mean**2 - np.exp(2 * log_sigma))
    return squared_error(x, x_decoded).sum() + kl


def sigma_vae_mse(x, x_decoded, z_mean, z_log_var):
    """sigma-VAE's weak baseline: squared error averaged over the batch too, KL summed over the batch too."""
    return squared_error(x, x_decoded).mean() + kl_per_dim(z_mean, z_log_var).sum()


def sigma_vae_gaussian(x, x_decoded, z_mean, z_log_var):
    """sigma-VAE with a log sigma of 0, which its soft clip at -6 raises a little: softplus(6) - 6 = 0.0025."""
    log_sigma = -6 + np.logaddexp(0, 0 + 6)
    density = (
        0.5 * squared_error(x, x_decoded) / np.exp(log_sigma) ** 2
        + log_sigma
        + 0.5 * np.log(2 * np.pi)
    )
    return density.sum() + kl_per_dim(z_mean, z_log_var).sum()


def rlkit_bernoulli(x, x_decoded, z_mean, z_log_var):
    """rlkit's default: average cross-entropy times the number of pixels, KL weighted by the trainer's 0.5."""
    reconstruction = binary_cross_entropy(x, x_decoded).mean() * x[0].size
    return reconstruction + 0.5 * kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS).mean()


def rlkit_door(x, x_decoded, z_mean, z_log_var):
    """rlkit's Skew-Fit door, Gaussian pixels: the number of pixels is not multiplied back, and beta is 20.

    The call averages in PyTorch 0.4.1, which rlkit pins; PyTorch 1.0 no longer knows the name of its reduction
    there, and sums over pixels and batch instead.
    """
    return (
        squared_error(x, x_decoded).mean()
        + 20 * kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS).mean()
    )


def latent_diffusion(x, x_decoded, z_mean, z_log_var):
    """The autoencoder of latent diffusion, pixel and KL terms alone: both summed, KL weighted by 1e-6.

    Its perceptual and adversarial terms are left out, and its learned log scale stays at its first value, 0.
    """
    log_scale = 0.0
    reconstruction = (absolute_error(x, x_decoded) / np.exp(log_scale) + log_scale).sum() / len(x)
    return reconstruction + 1e-6 * kl_per_dim(z_mean, z_log_var).sum() / len(z_mean)


def pyro(x, x_decoded, z_mean, z_log_var):
    """Pyro's example: minus a one-sample ELBO, summed over pixels, latents and batch."""
    return binary_cross_entropy(x, x_decoded).sum() + sampled_kl_per_dim(z_mean, z_log_var).sum()


# TensorFlow and JAX


def tensorflow_tutorial(x, x_decoded, z_mean, z_log_var):
    """TensorFlow's tutorial: cross-entropy from logits and a one-sample KL, both summed, then the batch mean."""
    log_likelihood = -binary_cross_entropy_from_logits(x, x_decoded).sum(axis=PIXELS)
    return -np.mean(log_likelihood - sampled_kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS))


def tensorflow_examples(x, x_decoded, z_mean, z_log_var):
    """TensorFlow-Examples: both summed; 1e-10 keeps the logarithms finite."""
    log_likelihood = x * np.log(1e-10 + x_decoded) + (1 - x) * np.log(1e-10 + 1 - x_decoded)
    return np.mean(
        -log_likelihood.sum(axis=PIXELS) + kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS)
    )


def hwalsuklee(x, x_decoded, z_mean, z_log_var):
    """tensorflow-mnist-VAE: both summed; the encoder gives a sigma, with 1e-8 inside the logarithm of its square."""
    sigma = np.exp(z_log_var / 2)
    kl = 0.5 * np.sum(z_mean**2 + sigma**2 - np.log(1e-8 + sigma**2) - 1, axis=LATENTS)
    return binary_cross_entropy(x, x_decoded).sum(axis=PIXELS).mean() + kl.mean()


def lynnho(x, x_decoded, z_mean, z_log_var):
    """VAE-Tensorflow with its default arguments: both averaged over everything, KL weighted by 0.1."""
    return squared_error(x, x_decoded).mean() + 0.1 * kl_per_dim(z_mean, z_log_var).mean()


def sigma_vae_tensorflow_mse(x, x_decoded, z_mean, z_log_var):
    """sigma-VAE's weak baseline in TensorFlow: here the KL is averaged as well, over latents and batch."""
    return squared_error(x, x_decoded).mean() + kl_per_dim(z_mean, z_log_var).mean()


def disentanglement_lib(x, x_decoded, z_mean, z_log_var):
    """disentanglement_lib with the study's shared settings: both summed, beta 1, cross-entropy from logits."""
    reconstruction = binary_cross_entropy_from_logits(x, x_decoded).sum(axis=PIXELS).mean()
    return reconstruction + 1.0 * kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS).mean()


def alibi_detect(x, x_decoded, z_mean, z_log_var):
    """alibi-detect's outlier VAE: the full log density of a Gaussian of sigma 0.05, KL averaged over latents."""
    sigma = 0.05
    log_density = (
        -0.5 * squared_error(x, x_decoded) / sigma**2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
    )
    return -log_density.sum(axis=PIXELS).mean() + 1.0 * kl_per_dim(z_mean, z_log_var).mean()


def flax(x, x_decoded, z_mean, z_log_var):
    """Flax's example: both summed per image, from logits; the batch mean of each."""
    reconstruction = binary_cross_entropy_from_logits(x, x_decoded).sum(axis=PIXELS)
    return reconstruction.mean() + kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS).mean()


def haiku(x, x_decoded, z_mean, z_log_var):
    """Haiku's example: both summed, from logits; the encoder gives a standard deviation."""
    deviation = np.exp(z_log_var / 2)
    kl = 0.5 * np.sum(-np.log(deviation**2) - 1 + deviation**2 + z_mean**2, axis=LATENTS)
    return np.mean(binary_cross_entropy_from_logits(x, x_decoded).sum(axis=PIXELS) + kl)


# Losses that no single beta describes


def world_models_floor(x, x_decoded, z_mean, z_log_var):
    """World Models on CarRacing: summed squared error, and a KL that counts at least 0.5 for each latent."""
    kl = kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS)
    floored = np.maximum(kl, 0.5 * z_mean.shape[1])
    return squared_error(x, x_decoded).sum(axis=PIXELS).mean() + floored.mean()


def beta_vae_1konny_capacity(x, x_decoded, z_mean, z_log_var):
    """1Konny/Beta-VAE, objective B after its warm-up: 1000 times the distance of the KL from 25 nats."""
    reconstruction = binary_cross_entropy_from_logits(x, x_decoded).sum() / len(x)
    kl = kl_per_dim(z_mean, z_log_var).sum(axis=LATENTS).mean()
    return reconstruction + 1000 * np.abs(kl - 25)


def sigma_vae_optimal(x, x_decoded, z_mean, z_log_var):
    """sigma-VAE with the best sigma for the batch: the reconstruction goes with the logarithm of the squared error."""
    error = squared_error(x, x_decoded)
    with np.errstate(divide="ignore"):
        best = np.log(np.sqrt(error.mean()))
    log_sigma = -6 + np.logaddexp(0, best + 6)
    density = 0.5 * error / np.exp(log_sigma) ** 2 + log_sigma + 0.5 * np.log(2 * np.pi)
    return density.sum() + kl_per_dim(z_mean, z_log_var).sum()


def pytorch_example_continuous_bernoulli(x, x_decoded, z_mean, z_log_var):
    """A proposed pytorch/examples at 0a8329c: cross-entropy minus the log normaliser of a continuous Bernoulli."""
    p = np.clip(x_decoded, 1e-4, 1 - 1e-4)
    near_half = np.abs(p - 0.5) < 0.01
    away = np.where(near_half, 0.49, p)
    log_normaliser = np.log(np.abs(2 * np.arctanh(1 - 2 * away))) - np.log(np.abs(1 - 2 * away))
    taylor = np.log(2) + 4 / 3 * (p - 0.5) ** 2 + 104 / 45 * (p - 0.5) ** 4
    reconstruction = (
        binary_cross_entropy(x, p).sum() - np.where(near_half, taylor, log_normaliser).sum()
    )
    return reconstruction + kl_per_dim(z_mean, z_log_var).sum()
