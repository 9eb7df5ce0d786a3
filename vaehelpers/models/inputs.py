"""What may enter a VAE: images that fit its encoder and its likelihood, and no targets."""

import functools
import inspect

import keras
import numpy as np
from keras import ops

from vaehelpers.data import check_images
from vaehelpers.data.likelihoods import known_likelihood

FAR = 1e4  # times the largest pixel: no density has its mode so far off
TARGETS = ("y", "sample_weight", "class_weight")


def with_checks(method):
    """One of Keras's methods, with arguments as it has them: images that fit, and no targets."""

    @functools.wraps(method)
    def checked(vae, *args, **kwargs):
        call = inspect.signature(method).bind(vae, *args, **kwargs)
        given = call.arguments
        refuse_targets(given)
        if not kwargs.get("_use_cached_eval_dataset"):  # fit has checked its validation_data
            check_input(vae, given.get("x"), "x")
        validation = given.get("validation_data")
        if isinstance(validation, (tuple, list)) and validation:
            validation, *targets = validation
            refuse_targets(dict(zip(TARGETS, targets, strict=False)))
        if validation is not None:
            check_input(vae, validation, "validation_data")
        return method(*call.args, **call.kwargs)

    return checked


def check_input(vae, x, name):
    """Check arrays whole, and of a re-iterable data set the first batch; no generator.

    Raises:
        TypeError, ValueError: as `data.check_images`, and for what is no images at all.
    """
    x = _first_images(x, name)
    if x is None:
        return
    known = known_likelihood(vae.log_likelihood)
    unit_interval = known is not None and known.unit_interval
    shape = _image_shape(vae.encoder)
    x = check_images(x, unit_interval=unit_interval, image_shape=shape, name=name)
    if known is None and (x.min() < 0 or x.max() > 1) and _has_no_maximum(vae, x):
        check_images(x, name=name)


def refuse_targets(given):
    names = [name for name in TARGETS if given.get(name) is not None]
    if names:
        raise ValueError(
            f"targets or weights were given ({', '.join(names)}): the target of a VAE is x itself, "
            "pass images alone"
        )


def _first_images(x, name):
    if x is None or isinstance(x, (str, dict, tuple, list)):
        wanted = "pass one array of images [N, ...], or a data set of such"
        raise TypeError(f"{name} is a {type(x).__name__}: {wanted}")
    if hasattr(x, "element_spec"):
        x = next(iter(x), None)
    elif isinstance(x, keras.utils.PyDataset):
        x = x[0] if len(x) else None
    elif not hasattr(x, "__array__"):
        return None
    if x is None:
        raise ValueError(f"{name} is a data set without a batch: it holds no images")
    return x[0] if isinstance(x, (tuple, list)) else x


def _has_no_maximum(vae, x):
    """Whether log p(x|z) of a likelihood of one's own grows with the decoder's output without end.

    A Bernoulli's terms do where pixels lie outside [0, 1]: training goes to minus infinity, and to
    nan. Outputs of another shape than the images' are not understood, so nothing is said of them.
    """
    outside = np.maximum(x - 1, -x).reshape(len(x), -1).max(axis=1)
    image = x[[outside.argmax()]]
    if tuple(vae.decoder(vae.encoder(image)[0]).shape) != image.shape:
        return False
    far = FAR * np.abs(image).max() * (np.float32(image > 1) - np.float32(image < 0))
    there, farther = (
        ops.convert_to_numpy(vae.log_likelihood(image, scale * far)).sum() for scale in (1, 2)
    )
    return bool(np.isfinite(farther) and farther > there)


def _image_shape(encoder):
    shape = getattr(encoder, "input_shape", None)
    return shape[1:] if isinstance(shape, tuple) and None not in shape[1:] else None
