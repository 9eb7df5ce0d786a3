"""Helpers of the course on the loss of variational autoencoders.

Importing the package imports no TensorFlow; the modules that need Keras import it themselves.
"""

from vaehelpers import runtime as runtime

__version__ = "0.1.0"
