"""Digits and shapes as NumPy arrays, and the check of images that every door uses."""

from vaehelpers.data.beta_grid import BetaGrid, load_beta_grid
from vaehelpers.data.checks import check_images
from vaehelpers.data.images import load_images
from vaehelpers.data.mnist import Dataset, data_folder, load_mnist
from vaehelpers.data.pixels import binarize, dequantize
from vaehelpers.data.shapes import Shapes, load_shapes

__all__ = [
    "BetaGrid",
    "Dataset",
    "Shapes",
    "binarize",
    "check_images",
    "data_folder",
    "dequantize",
    "load_beta_grid",
    "load_images",
    "load_mnist",
    "load_shapes",
]
