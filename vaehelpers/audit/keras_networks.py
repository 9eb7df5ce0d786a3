"""The encoder and the decoder of somebody's Keras model: what they take and give, found by calling them once."""

import keras
from keras import ops

from vaehelpers.audit.keras_classes import one_line
from vaehelpers.audit.keras_places import (
    AS_FUNCTION,
    Place,
    Places,
    checked_shapes,
    codes_in_graph,
    is_graph,
    places_of,
)
from vaehelpers.audit.keras_stubs import CODES
from vaehelpers.audit.verdict import AuditError

ENCODERS = ("encoder", "enc", "encoder_model", "encoder_net", "inference_net")
DECODERS = ("decoder", "dec", "decoder_model", "decoder_net", "generative_net")
KNOWN_NAMES = {
    "z_mean": ("z_mean", "mean", "mu", "loc"),
    "z_log_var": ("z_log_var", "log_var", "logvar", "z_logvar"),
    "z": ("z", "sample"),
}


def places_of_networks(model, image_shape=None):
    """The `Places` of a model with an `encoder` and a `decoder`, each called once on zeros.

    Raises:
        AuditError: one line, for networks that give something else.
    """
    encoder, decoder = network(model, ENCODERS), network(model, DECODERS)
    shape = input_shape(encoder) or image_shape
    if shape is None:
        raise AuditError(f"the encoder of {model.name} does not tell the images' shape: pass image_shape=(28, 28, 1)")
    try:
        codes = encoder(ops.zeros((1, *shape)), training=False)
    except Exception as error:  # whatever a network of anybody raises
        said = f"its encoder cannot be called on images {shape}"
        raise AuditError(f"{said} ({one_line(error)}): pass the right image_shape=, or {AS_FUNCTION}") from error
    places, codes_shape, z = _encoder_places(model.name, encoder, codes)
    try:
        decoded = decoder(z, training=False)
    except Exception as error:  # likewise
        raise AuditError(f"its decoder cannot be called on codes {codes_shape} ({one_line(error)})") from error
    if keras.tree.is_nested(decoded):
        raise AuditError(f"the decoder of {model.name} gives several tensors, one is understood: {AS_FUNCTION}")
    places = [*places, Place(decoder, ("x_decoded",))]
    return checked_shapes(Places(places, tuple(shape), tuple(decoded.shape[1:]), codes_shape), model.name)


def network(model, names):
    """The layer that a model holds under the first of these names.

    Raises:
        AuditError: one line, where it holds none.
    """
    found = next((vars(model)[name] for name in names if isinstance(vars(model).get(name), keras.layers.Layer)), None)
    if found is None:
        raise AuditError(
            f"{model.name} holds no Keras model as its {names[0]}: name its networks self.encoder and self.decoder, or "
            f"{AS_FUNCTION}"
        )
    return found


def input_shape(network):
    """The shape of one input, where a network tells it; else `None`."""
    shape = getattr(network, "input_shape", None) if getattr(network, "built", False) else None
    shape = shape or (getattr(network, "_build_shapes_dict", None) or {}).get("input_shape")
    known = isinstance(shape, (tuple, list)) and len(shape) > 1
    return tuple(shape[1:]) if known and all(isinstance(n, int) for n in shape[1:]) else None


def _encoder_places(name, encoder, codes):
    """Where the codes come from, the shape of one code, and a code to decode."""
    flat = keras.tree.flatten(codes)
    names = _names(codes, flat)
    if names is not None:
        mean = flat[names.index("z_mean")]
        return [Place(encoder, names, codes)], tuple(mean.shape[1:]), mean
    inside = codes_in_graph(encoder) if len(flat) == 1 and is_graph(encoder) else None
    if inside is not None:
        return places_of(zip(inside, CODES, strict=True)), tuple(inside[0].shape[1:]), flat[0]
    if len(flat) == 1 and flat[0].shape[-1] % 2 == 0:
        mean = flat[0][..., : flat[0].shape[-1] // 2]
        return [Place(encoder, ("joined",))], tuple(mean.shape[1:]), mean
    shapes = [tuple(tensor.shape[1:]) for tensor in flat]
    raise AuditError(
        f"the encoder of {name} gives {len(flat)} tensor{'s'[: len(flat) > 1]} {shapes}, not z_mean and "
        f"z_log_var (and z): {AS_FUNCTION}"
    )


def _names(codes, flat):
    """What the encoder's two or three outputs are, by their names in a dict, else in the usual order."""
    if len(flat) not in (2, 3) or len({tuple(tensor.shape) for tensor in flat}) != 1:
        return None
    if not isinstance(codes, dict):
        return (*CODES, "z")[: len(flat)]
    by_key = {alias: name for name, aliases in KNOWN_NAMES.items() for alias in aliases}
    names = tuple(by_key.get(key) for key in sorted(codes))
    return names if None not in names and set(CODES) <= set(names) else None
