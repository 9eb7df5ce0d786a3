"""Where each public loss was read, and which beta it trains there. A loss that equals

    a * (sum over pixels of -log p(x|z))  +  b * (sum over latents of KL)  +  constant

per image has beta = b / a. Squared error is read as a Gaussian of unit variance, where -log p is half the
squared error, so un-halved squared error has a = 2. Absolute error is read as a Laplace of unit scale (a = 1).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import public_losses as losses


class Case(NamedTuple):
    """A loss, the shapes it is trained with, the beta it trains, and where it was read."""

    loss: Callable
    decoded: (
        str  # what x_decoded holds: "probabilities" or "logits" of Bernoulli pixels, or "means"
    )
    image_shape: tuple[int, int, int]
    latent_dim: int
    expected: float | None  # beta; None where no single beta describes the loss
    likelihood: str
    repository: str
    path: str
    commit: str
    batch_size: int | None = (
        None  # given where beta depends on it: the batch size that its source trains with
    )
    why: str = ""


# fmt: off
CASES = [
    # Keras and the books written around it
    Case(
        losses.keras_mlp_both_averaged, "probabilities", (28, 28, 1), 2, (1 / 2) / (1 / 784), "bernoulli",
        "keras-team/keras", "examples/variational_autoencoder.py", "cb468fe",
    ),
    Case(
        losses.keras_mlp_kl_summed, "probabilities", (28, 28, 1), 2, 1 / (1 / 784), "bernoulli",
        "keras-team/keras", "examples/variational_autoencoder.py", "05e727f",
    ),
    Case(
        losses.keras_deconv, "probabilities", (28, 28, 1), 2, 1 / 2, "bernoulli",
        "keras-team/keras", "examples/variational_autoencoder_deconv.py", "10bfb1c",
    ),
    Case(
        losses.keras_io, "probabilities", (28, 28, 1), 2, 1, "bernoulli",
        "keras-team/keras-io", "examples/generative/vae.py", "cca4efb",
    ),
    Case(
        losses.deep_learning_with_python_1, "probabilities", (28, 28, 1), 2, (2 * 5e-4 / 2) / (1 / 784), "bernoulli",
        "fchollet/deep-learning-with-python-notebooks",
        "first_edition/8.4-generating-images-with-vaes.ipynb", "27f60b0",
    ),
    Case(
        losses.deep_learning_with_python_2, "probabilities", (28, 28, 1), 2, 1 / 2, "bernoulli",
        "fchollet/deep-learning-with-python-notebooks",
        "chapter12_part04_variational-autoencoders.ipynb", "1bb759b",
    ),
    Case(
        losses.generative_deep_learning_1_digits, "means", (28, 28, 1), 2, 1 / (2 * 1000 / 784), "gaussian",
        "davidADSP/GDL_code", "models/VAE.py; 03_03_vae_digits_train.ipynb", "243a77f",
    ),
    Case(
        losses.generative_deep_learning_1_faces, "means", (128, 128, 3), 200, 1 / (2 * 10000 / 49152), "gaussian",
        "davidADSP/GDL_code", "models/VAE.py; 03_05_vae_faces_train.ipynb", "243a77f",
    ),
    Case(
        losses.generative_deep_learning_2_fashion, "probabilities", (32, 32, 1), 2, 1 / (500 / 1024), "bernoulli",
        "davidADSP/Generative_Deep_Learning_2nd_Edition",
        "notebooks/03_vae/02_vae_fashion/vae_fashion.ipynb", "3d28172",
    ),
    Case(
        losses.generative_deep_learning_2_faces, "means", (64, 64, 3), 200, 1 / (2 * 2000 / 12288), "gaussian",
        "davidADSP/Generative_Deep_Learning_2nd_Edition",
        "notebooks/03_vae/03_vae_faces/vae_faces.ipynb", "3d28172",
    ),
    Case(
        losses.generative_deep_learning_2_faces, "means", (32, 32, 3), 200, 1 / (2 * 2000 / 3072), "gaussian",
        "davidADSP/Generative_Deep_Learning_2nd_Edition",
        "notebooks/03_vae/03_vae_faces/vae_faces.ipynb", "5951133",
    ),
    Case(
        losses.world_models_keras_early, "means", (64, 64, 3), 32, (1 / 32) / (2 * 1000 / 12288), "gaussian",
        "AppliedDataSciencePartners/WorldModels", "vae/arch.py", "00152ea",
    ),
    Case(
        losses.world_models_keras_late, "means", (64, 64, 3), 32, 1 / (2 / 12288), "gaussian",
        "AppliedDataSciencePartners/WorldModels", "vae/arch.py", "360bf24",
    ),
    Case(
        losses.bojone_celeba, "means", (64, 64, 3), 512, 1 / (2 * 0.5), "gaussian",
        "bojone/vae", "vae_keras_celeba.py", "08a51b7",
    ),
    # PyTorch
    Case(
        losses.pytorch_example, "probabilities", (28, 28, 1), 20, 1, "bernoulli",
        "pytorch/examples", "vae/main.py", "cd01f93",
    ),
    Case(
        losses.pytorch_example, "probabilities", (28, 28, 1), 20, 1, "bernoulli",
        "yunjey/pytorch-tutorial", "tutorials/03-advanced/variational_autoencoder/main.py", "78c6afe",
    ),
    Case(
        losses.pytorch_example, "probabilities", (28, 28, 1), 20, 1, "bernoulli",
        "Atcold/NYU-DLSP20", "11-VAE.ipynb", "2a2485f",
    ),
    Case(
        losses.wiseodd, "probabilities", (28, 28, 1), 100, 1, "bernoulli",
        "wiseodd/generative-models", "VAE/vanilla_vae/vae_pytorch.py", "daadb46",
    ),
    Case(
        losses.pytorch_vae_training, "means", (64, 64, 3), 128, 0.00025 / (2 / 12288), "gaussian",
        "AntixK/PyTorch-VAE", "models/vanilla_vae.py; experiment.py; configs/vae.yaml", "8bf7be5; yaml a6896b9",
    ),
    Case(
        losses.pytorch_vae_validation, "means", (64, 64, 3), 128, 1 / (2 / 12288), "gaussian",
        "AntixK/PyTorch-VAE", "models/vanilla_vae.py; experiment.py", "8bf7be5",
    ),
    Case(
        losses.pythae_early, "means", (28, 28, 1), 16, 1 / 2, "gaussian",
        "clementchadebec/benchmark_VAE", "src/pythae/models/vae/vae_model.py", "06d582a",
    ),
    Case(
        losses.pythae_late, "means", (28, 28, 1), 16, 1 / (2 * 0.5), "gaussian",
        "clementchadebec/benchmark_VAE", "src/pythae/models/vae/vae_model.py", "24939dc",
    ),
    Case(
        losses.lightning_bolts, "means", (32, 32, 3), 256, (0.1 / 256) / (2 / 3072), "gaussian",
        "Lightning-Universe/lightning-bolts", "pl_bolts/models/autoencoders/basic_vae/basic_vae_module.py", "273e5a6",
    ),
    Case(
        losses.pyprobml_celeba, "means", (64, 64, 3), 256, (5 / 256) / (2 / 12288), "gaussian",
        "probml/pyprobml", "deprecated/vae/standalone/vae_celeba_lightning.py", "4468a42",
    ),
    Case(
        losses.podgorskiy, "means", (128, 128, 3), 512, (0.1 / 512) / (2 / 49152), "gaussian",
        "podgorskiy/VAE", "VAE.py", "bb69ffc",
    ),
    Case(
        losses.irmae, "probabilities", (32, 32, 1), 128, (2 * 0.1 / 128) / (1 / 1024), "bernoulli",
        "facebookresearch/irmae", "train.py", "f0eff0d",
    ),
    Case(
        losses.beta_vae_1konny_default, "means", (64, 64, 3), 10, 4 / 2, "gaussian",
        "1Konny/Beta-VAE", "solver.py; main.py", "977a1ec; main.py 1117b13",
    ),
    Case(
        losses.beta_vae_1konny_celeba, "means", (64, 64, 3), 10, 10 / 2, "gaussian",
        "1Konny/Beta-VAE", "solver.py; run_celeba_H_beta10_z10.sh", "977a1ec; script 8420ee0",
    ),
    Case(
        losses.disentangling_vae_bernoulli, "probabilities", (64, 64, 3), 10, 1, "bernoulli",
        "YannDubs/disentangling-vae", "disvae/models/losses.py", "f8f64d8",
    ),
    Case(
        losses.disentangling_vae_gaussian, "means", (64, 64, 3), 10, 1 / (2 * 255**2 / 255), "gaussian",
        "YannDubs/disentangling-vae", "disvae/models/losses.py", "f8f64d8",
    ),
    Case(
        losses.disentangling_vae_laplace, "means", (64, 64, 3), 10, 1 / 3, "laplace",
        "YannDubs/disentangling-vae", "disvae/models/losses.py", "f8f64d8",
    ),
    Case(
        losses.world_models_pytorch, "means", (64, 64, 3), 32, 1 / 2, "gaussian",
        "ctallec/world-models", "trainvae.py", "07e2c8f",
    ),
    Case(
        losses.sigma_vae_mse, "means", (28, 28, 3), 20, 1 / (2 / (128 * 2352)), "gaussian",
        "orybkin/sigma-vae-pytorch", "model.py; train_vae.py", "8873c56", 128,
        "squared error averaged over the batch, KL summed over it: beta grows with the batch size",
    ),
    Case(
        losses.sigma_vae_gaussian, "means", (28, 28, 3), 20, np.exp(2 * (np.logaddexp(0, 6) - 6)), "gaussian",
        "orybkin/sigma-vae-pytorch", "model.py; train_vae.py", "8873c56",
    ),
    Case(
        losses.rlkit_bernoulli, "probabilities", (48, 48, 1), 16, 0.5, "bernoulli",
        "rail-berkeley/rlkit", "rlkit/torch/vae/conv_vae.py; vae_trainer.py", "3c875be",
    ),
    Case(
        losses.rlkit_door, "means", (48, 48, 3), 16, 20 / (2 / 6912), "gaussian",
        "rail-berkeley/rlkit", "rlkit/torch/vae/conv_vae.py; examples/skewfit/sawyer_door.py", "3c875be",
    ),
    Case(
        losses.latent_diffusion, "means", (256, 256, 3), 64 * 64 * 3, 1e-6, "laplace",
        "CompVis/stable-diffusion", "ldm/modules/losses/contperceptual.py",
        "555f13e; weight from CompVis/latent-diffusion 40ae880",
    ),
    Case(
        losses.pyro, "probabilities", (28, 28, 1), 50, 1, "bernoulli",
        "pyro-ppl/pyro", "examples/vae/vae.py", "07ad8d8",
    ),
    # TensorFlow and JAX
    Case(
        losses.tensorflow_tutorial, "logits", (28, 28, 1), 2, 1, "bernoulli",
        "tensorflow/docs", "site/en/tutorials/generative/cvae.ipynb", "0d13617",
    ),
    Case(
        losses.tensorflow_examples, "probabilities", (28, 28, 1), 2, 1, "bernoulli",
        "aymericdamien/TensorFlow-Examples", "examples/3_NeuralNetworks/variational_autoencoder.py", "91641ee",
    ),
    Case(
        losses.hwalsuklee, "probabilities", (28, 28, 1), 20, 1, "bernoulli",
        "hwalsuklee/tensorflow-mnist-VAE", "vae.py", "0bf528c",
    ),
    Case(
        losses.lynnho, "means", (28, 28, 1), 32, (0.1 / 32) / (2 / 784), "gaussian",
        "LynnHo/VAE-Tensorflow", "train.py", "379ec82",
    ),
    Case(
        losses.sigma_vae_tensorflow_mse, "means", (28, 28, 3), 20, (1 / 20) / (2 / 2352), "gaussian",
        "orybkin/sigma-vae-tensorflow", "model.py; train.py", "d038002; train.py 5a7dfdd",
    ),
    Case(
        losses.disentanglement_lib, "logits", (64, 64, 1), 10, 1, "bernoulli",
        "google-research/disentanglement_lib", "disentanglement_lib/methods/unsupervised/vae.py", "76f41e3",
    ),
    Case(
        losses.alibi_detect, "means", (32, 32, 3), 1024, (1 / 1024) * 0.05**2, "gaussian",
        "SeldonIO/alibi-detect", "alibi_detect/models/tensorflow/losses.py; autoencoder.py", "052e6b1",
    ),
    Case(
        losses.flax, "logits", (28, 28, 1), 20, 1, "bernoulli",
        "google/flax", "examples/vae/train.py", "05aab84",
    ),
    Case(
        losses.haiku, "logits", (28, 28, 1), 10, 1, "bernoulli",
        "google-deepmind/dm-haiku", "examples/vae.py", "01d83e4",
    ),
    # Losses that no single beta describes
    Case(
        losses.world_models_floor, "means", (64, 64, 3), 32, None, "gaussian",
        "hardmaru/WorldModelsExperiments", "carracing/vae/vae.py", "19c0d59",
        why="the KL has a floor of 16 nats: beta is 1/2 above it, and 0 below",
    ),
    Case(
        losses.beta_vae_1konny_capacity, "logits", (64, 64, 1), 10, None, "bernoulli",
        "1Konny/Beta-VAE", "solver.py; main.py", "977a1ec; main.py 1117b13",
        why="the KL is pulled to 25 nats: beta is 1000 above them, and -1000 below",
    ),
    Case(
        losses.sigma_vae_optimal, "means", (28, 28, 3), 20, None, "gaussian",
        "orybkin/sigma-vae-pytorch", "model.py", "8873c56",
        why="sigma follows the squared error of the batch, and beta follows sigma",
    ),
    Case(
        losses.pytorch_example_continuous_bernoulli, "probabilities", (28, 28, 1), 20, None, "bernoulli",
        "pytorch/examples", "vae/main.py", "0a8329c",
        why="pixels are continuous Bernoulli: beta is 1 for that likelihood, and the cross-entropy alone is not it",
    ),
]
# fmt: on
