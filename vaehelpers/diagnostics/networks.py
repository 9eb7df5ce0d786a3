"""Anybody's encoder and decoder, called as the course's: two arrays `[B, J]`, and images."""

import numpy as np

from vaehelpers.diagnostics.evaluation import IMAGES_AT_ONCE
from vaehelpers.diagnostics.information import blocks

TRIED_ON = 500  # images on which the encoder's outputs are told apart
SURE = 6  # standard errors
CLIP = 1e-7  # of probabilities, as Keras clips them
SHAPES_ONLY = ("Reshape", "Flatten", "Cropping2D", "Permute", "Identity")
WANTED = "return z_mean, z_log_var (and z)"


def codes_by(encoder, order):
    """An encoder that gives z_mean and z_log_var as `[B, J]`, whatever else it gives."""
    from keras import ops

    def encode(x, training=False):
        outputs = as_list(encoder(x, training=training))
        return tuple(ops.reshape(outputs[k], (len(x), -1)) for k in order)

    return encode


def images_by(decoder, codes_shape, image_shape, turned):
    """A decoder of codes `[B, J]` whose output has the images' shape, turned by a function."""
    from keras import ops

    def decode(z, training=False):
        decoded = decoder(ops.reshape(z, (len(z), *codes_shape)), training=training)
        return turned(ops.reshape(decoded, (len(z), *image_shape)))

    return decode


def as_they_are(decoded):
    return decoded


def logits_of(probabilities):
    from keras import ops

    p = ops.clip(ops.cast(probabilities, "float32"), CLIP, 1 - CLIP)
    return ops.log(p) - ops.log1p(-p)


def as_list(outputs):
    """An encoder's outputs one after another; of a dict the known names in this order."""
    if isinstance(outputs, dict):
        return [outputs[name] for name in ("z_mean", "z_log_var", "z") if name in outputs]
    return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]


def codes_of(encoder, x):
    """Which of an encoder's outputs are z_mean and z_log_var, and the shape of one code.

    A third output that changes from call to call is z, wherever it stands; its spread tells whether
    the other is a log variance.

    Raises:
        ValueError: for another number of outputs, and a scale that is no log variance; the cure.
    """
    from keras import ops

    calls = [as_list(encoder(x[:TRIED_ON], training=False)) for _ in range(2)]
    first, second = ([ops.convert_to_numpy(output) for output in outputs] for outputs in calls)
    shapes = [output.shape[1:] for output in first]
    if len(first) not in (2, 3) or len(set(shapes)) > 1:
        raise ValueError(f"vae.encoder gives {len(first)} outputs {shapes}: {WANTED}")
    same = [np.array_equal(*pair, equal_nan=True) for pair in zip(first, second, strict=True)]
    if len(first) == 2 and not all(same):
        raise ValueError(f"vae.encoder gives two outputs, one of them a draw: {WANTED}")
    drawn = same.index(False) if same.count(False) == 1 else 2
    order = [k for k in range(len(first)) if k != drawn]
    if same.count(False) == 1:
        _check_scale(*(first[k].astype("float64") for k in (*order, drawn)))
    return order, shapes[0]


@np.errstate(all="ignore")
def _check_scale(z_mean, scale, z):
    """Whether z spreads as its log variance says."""
    squares = (z - z_mean) ** 2

    def fits(variance):
        return abs(np.mean(squares / variance) - 1) <= SURE * np.sqrt(2 / z.size) + 1e-3

    if fits(np.exp(scale)):
        return
    others = {
        "standard deviation": (scale**2, "2 * log(z_std)"),
        "log standard deviation": (np.exp(2 * scale), "2 * z_log_std"),
        "variance": (scale, "log(z_var)"),
    }
    for name, (variance, cure) in others.items():
        if fits(variance):
            raise ValueError(
                f"vae.encoder's second output is a {name}, as z spreads: return z_log_var = {cure}"
            )


def range_of_outputs(encoder, decoder, order, x):
    """The smallest and the largest number that the decoder gives at the z_mean of all images.

    Raises:
        ValueError: where it cannot be called on codes alone, gives another number of values than x
            has, or none that is finite.
    """
    from keras import ops

    ends = []
    for rows in blocks(len(x), IMAGES_AT_ONCE):
        images = x[rows]
        z_mean = as_list(encoder(images, training=False))[order[0]]
        try:
            decoded = ops.convert_to_numpy(decoder(z_mean, training=False))
        except Exception as error:  # whatever a decoder that wants more raises
            said = " ".join(str(error).split())[:120]
            raise ValueError(
                f"vae.decoder cannot be called on z_mean alone ({type(error).__name__}: {said}): "
                "one that sees the image too (autoregressive, conditional) needs no code, and a "
                "small rate is then not the weight's doing"
            ) from error
        if decoded.size != images.size:
            raise ValueError(
                f"vae.decoder gives shape {decoded.shape} for images {images.shape}: one per pixel"
            )
        if not np.isfinite(decoded).all():
            raise ValueError("vae.decoder gives nan or infinite numbers: its training has diverged")
        ends += [decoded.min(), decoded.max()]
    return float(min(ends)), float(max(ends))


def ends_in_sigmoid(network):
    """Whether a functional or sequential network's last activation is a sigmoid, if known."""
    import keras

    from vaehelpers.audit.private import origin

    if not isinstance(network, keras.Model) or not getattr(network, "outputs", None):
        return False
    operation, call, _ = origin(network.outputs[0])
    while type(operation).__name__ in SHAPES_ONLY:
        operation, call, _ = origin(call.input_tensors[0])
    if isinstance(operation, keras.Model):
        return ends_in_sigmoid(operation)
    activation = getattr(operation, "activation", type(operation))  # ops.sigmoid is a class's
    return getattr(activation, "__name__", "").lower() == "sigmoid"
