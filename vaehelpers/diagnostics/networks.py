"""Anybody's encoder and decoder, called as the course's own: `encoder(x)` gives two arrays [B, J], `decoder(z)` one."""

import numpy as np

AT_ONCE = 1000  # images
FEW = 500  # images on which the encoder's outputs are told apart
SURE = 6  # standard errors
CLIP = 1e-7  # of probabilities, as Keras clips them
SHAPES_ONLY = ("Reshape", "Flatten", "Cropping2D", "Permute", "Identity")


class Codes:
    """An encoder that gives z_mean and z_log_var as `[B, J]`, whatever else it gives."""

    def __init__(self, encoder, order):
        self.encoder = encoder
        self.order = order
        self.input_shape = getattr(encoder, "input_shape", None)

    def __call__(self, x, training=False):
        from keras import ops

        outputs = as_list(self.encoder(x, training=training))
        return tuple(ops.reshape(outputs[k], (len(x), -1)) for k in self.order)


class Decoded:
    """A decoder whose output has the images' shape and is what the likelihood reads.

    `reads` says what it gives: "as they are", "probabilities" (turned to logits) or "logits of means" (to means).
    """

    def __init__(self, decoder, codes_shape, image_shape, reads):
        self.decoder = decoder
        self.codes_shape = codes_shape
        self.image_shape = image_shape
        self.reads = reads

    def __call__(self, z, training=False):
        from keras import ops

        if self.codes_shape is not None:
            z = ops.reshape(z, (len(z), *self.codes_shape))
        decoded = self.decoder(z, training=training)
        if self.image_shape is not None:
            decoded = ops.reshape(decoded, (len(z), *self.image_shape))
        if self.reads == "probabilities":
            p = ops.clip(ops.cast(decoded, "float32"), CLIP, 1 - CLIP)
            return ops.log(p) - ops.log1p(-p)
        return ops.sigmoid(decoded) if self.reads == "logits of means" else decoded


def as_list(outputs):
    """An encoder's outputs one after another; of a dict the known names in this order."""
    if isinstance(outputs, dict):
        return [outputs[name] for name in ("z_mean", "z_log_var", "z") if name in outputs]
    return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]


def codes_of(encoder, x):
    """Which of an encoder's outputs are z_mean and z_log_var, and the shape of one code.

    A third output that changes from call to call is z, wherever it stands; its spread tells whether the other is a log
    variance.

    Raises:
        ValueError: for another number of outputs, and a scale that is no log variance; with the cure.
    """
    calls = [as_list(encoder(x[:FEW].astype("float32"), training=False)) for _ in range(2)]
    first, second = (
        [np.asarray(_numpy(output), "float64") for output in outputs] for outputs in calls
    )
    if len(first) not in (2, 3) or len({output.shape for output in first}) > 1:
        shapes = [output.shape[1:] for output in first]
        raise ValueError(
            f"vae.encoder gives {len(first)} outputs {shapes}: return z_mean, z_log_var (and z)"
        )
    draws = [
        k
        for k, (a, b) in enumerate(zip(first, second, strict=True))
        if not np.array_equal(a, b, equal_nan=True)
    ]
    if len(first) == 2 and draws:
        raise ValueError(
            "vae.encoder gives two outputs, one of them a draw: return z_mean, z_log_var (and z)"
        )
    draw = draws[0] if len(draws) == 1 else 2
    order = [k for k in range(len(first)) if k != draw]
    if len(draws) == 1:
        _check_scale(first[order[0]], first[order[1]], first[draw])
    return order, first[0].shape[1:]


def _check_scale(z_mean, scale, z):
    """Whether z spreads as its log variance says."""
    squares = (z - z_mean) ** 2

    def fits(variance):
        with np.errstate(all="ignore"):
            return abs(np.mean(squares / variance) - 1) <= SURE * np.sqrt(2 / z.size) + 1e-3

    if not np.isfinite(scale).all() or fits(np.exp(scale)):
        return
    others = {
        "standard deviation": scale**2,
        "log standard deviation": np.exp(2 * scale),
        "variance": scale,
    }
    for name, variance in others.items():
        if fits(variance):
            cure = {"standard deviation": "2 * log(z_std)", "variance": "log(z_var)"}.get(
                name, "2 * z_log_std"
            )
            raise ValueError(
                f"vae.encoder's second output is a {name}, as z spreads: return z_log_var = {cure}"
            )


def range_of_outputs(networks, order, x):
    """The smallest and the largest number that the decoder gives at the z_mean of all images.

    Raises:
        ValueError: where it cannot be called on codes alone, or gives another number of values than x has.
    """
    encoder, decoder = networks
    ends = []
    for start in range(0, len(x), AT_ONCE):
        images = x[start : start + AT_ONCE].astype("float32")
        z_mean = as_list(encoder(images, training=False))[order[0]]
        try:
            decoded = _numpy(decoder(z_mean, training=False))
        except Exception as error:  # whatever a decoder that wants more raises
            said = " ".join(str(error).split())[:120]
            raise ValueError(
                f"vae.decoder cannot be called on z_mean alone ({type(error).__name__}: {said}): one that sees the "
                "image too (autoregressive, conditional) needs no code, and a small rate is then not the weight's doing"
            ) from error
        if np.size(decoded) != images.size:
            raise ValueError(
                f"vae.decoder gives shape {np.shape(decoded)} for images {images.shape}: one per pixel"
            )
        if not np.isfinite(decoded).all():
            raise ValueError("vae.decoder gives nan or infinite numbers: its training has diverged")
        ends.append((decoded.min(), decoded.max()))
    return float(np.min(ends)), float(np.max(ends))


def ends_in_sigmoid(network):
    """Whether a functional or sequential network's last activation is a sigmoid; `False` where that is not known."""
    import keras

    while True:
        outputs = getattr(network, "outputs", None)
        if not outputs or not hasattr(outputs[0], "_keras_history"):
            return False
        operation, node, _ = outputs[0]._keras_history
        while type(operation).__name__ in SHAPES_ONLY:
            operation, node, _ = operation._inbound_nodes[node].input_tensors[0]._keras_history
        if not isinstance(operation, keras.Model):
            return "sigmoid" in (
                getattr(getattr(operation, "activation", None), "__name__", ""),
                _name(operation),
            )
        network = operation


def _name(operation):
    return type(operation).__name__.lower()


def _numpy(tensor):
    from keras import ops

    return ops.convert_to_numpy(tensor)
