"""Where a Keras model's codes and images come from: the layers that an audit sets by hand."""

import re
from itertools import pairwise
from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

from vaehelpers.audit import private
from vaehelpers.audit.names import role_of
from vaehelpers.audit.verdict import AuditError

CODES = ("z_mean", "z_log_var")
FORMS = ((*CODES, "z"), CODES, ("joined",))  # what an encoder may return; joined: one [B, 2 J]
ONE_TENSOR = 0  # the structure of an output that is no nest
NAMES = {  # of the attributes that hold a model's networks
    "encoder": ("encoder", "enc", "encoder_model", "encoder_net", "inference_net"),
    "decoder": ("decoder", "dec", "decoder_model", "decoder_net", "generative_net"),
}
AS_FUNCTION = "audit its loss as a function (x, x_decoded, z_mean, z_log_var) instead"
ONE_LINE = 160  # characters of another library's message


class Place(NamedTuple):
    """A layer, and what it returns: of `CODES`, "z", "joined", "x_decoded" or `None`, as a nest."""

    layer: object
    names: tuple
    structure: object = ONE_TENSOR


class Places(NamedTuple):
    """A model's places, and the shapes of one input, of one decoded image and of one code."""

    places: list
    input_shape: tuple
    decoded_shape: tuple
    codes_shape: tuple

    @property
    def integers(self):
        """Whether the input holds the indices of what the decoder gives a score each."""
        return self.decoded_shape[:-1] == self.input_shape and self.decoded_shape[-1] > 1

    @property
    def image_shape(self):
        """What the audit takes for an image: of whole numbers the scores, one for each."""
        return self.decoded_shape if self.integers else self.input_shape

    @property
    def latent_dim(self):
        return int(np.prod(self.codes_shape))


def places_of(model, image_shape=None):
    """The `Places` of a functional model by its graph, else by its networks, called on zeros.

    Raises:
        AuditError: where they are not found; about "image_shape" where that is wanted.
    """
    graph = private.graph_of(model)
    found = _of_networks(model, image_shape) if graph is None else _in_graph(model, graph)
    if not found.integers and np.prod(found.input_shape) != np.prod(found.decoded_shape):
        said = f"the decoder of {model.name} gives {found.decoded_shape} for images"
        _give_up(f"{said} {found.input_shape}, not one number a pixel")
    return found


def _give_up(said, cure=""):
    raise AuditError(f"{said}: {cure}{AS_FUNCTION}", about="model")


def _in_graph(model, graph):
    """What enters the sampling layer of a functional model, and the decoder's output."""
    if len(model.inputs) != 1:
        _give_up(f"{model.name} has {len(model.inputs)} inputs, images alone are understood")
    x = model.inputs[0]
    decoded = _decoder_output(model, x)
    codes = _codes_in(graph)
    if codes is None:
        said = f"no layer of {model.name} takes [z_mean, z_log_var], so its codes are not found"
        _give_up(said, "draw z in a layer, Sampling()([z_mean, z_log_var]), or ")
    shapes = [tuple(tensor.shape[1:]) for tensor in (x, decoded, codes[0])]
    if any(None in shape for shape in shapes):
        said = f"{model.name} takes images of any size, {tuple(x.shape)}"
        raise AuditError(f"{said}: build it for one to audit it")
    return Places(_by_layer([*zip(codes, CODES, strict=True), (decoded, "x_decoded")]), *shapes)


def _codes_in(graph):
    """The pair of equal shape that enters the first layer to take one, or leaves an encoder."""
    calls = list(private.calls_in(graph))
    for call in calls:
        layer = call.operation
        own = isinstance(layer, layers.Lambda) or not type(layer).__module__.startswith("keras.")
        if own and isinstance(layer, layers.Layer):
            found = _pair(call.input_tensors)
            if found:
                return found
    for call in calls:
        if isinstance(call.operation, layers.Layer) and len(call.outputs) in (2, 3):
            return _pair(call.outputs)
    return None


def _pair(tensors):
    """The first two of these tensors that follow each other and have one shape, none an input."""
    made = [t for t in tensors if not isinstance(private.origin(t)[0], layers.InputLayer)]
    pairs = pairwise(made)
    return next((p for p in pairs if p[0].shape == p[1].shape and p[0] is not p[1]), None)


def _decoder_output(model, x):
    """The output of the images' shape, before a layer that takes the images too and hands it on."""
    alike = [tensor for tensor in model.outputs if tensor.shape == x.shape]
    if not alike and len(model.outputs) > 1:
        shapes = [tuple(tensor.shape) for tensor in model.outputs]
        _give_up(f"none of {model.name}'s outputs {shapes} has the images' shape")
    tensor = (alike or model.outputs)[0]
    while True:
        inputs = private.origin(tensor)[1].input_tensors
        others = [other for other in inputs if other is not x and other.shape == tensor.shape]
        if not others or all(other is not x for other in inputs):
            return tensor
        tensor = others[0]


def _by_layer(named):
    """One `Place` for each layer that gives some of these tensors."""
    found = {}
    for tensor, name in named:
        layer, call, index = private.origin(tensor)
        names = found.setdefault(id(layer), (layer, [None] * len(call.outputs)))[1]
        if names[index] is not None:
            _give_up(f"{layer.name} gives {names[index]} and {name}, in two calls")
        names[index] = name
    places = []
    for layer, names in found.values():
        names = [*CODES, "z"] if names == [*CODES, None] else names
        places.append(Place(layer, tuple(names), names if len(names) > 1 else ONE_TENSOR))
    return places


def _of_networks(model, image_shape):
    """The `Places` of a model with an encoder and a decoder, each called once on zeros."""
    encoder, decoder = (_network(model, role) for role in NAMES)
    shape = input_shape(encoder) or image_shape
    if shape is None:
        said = f"the encoder of {model.name} does not tell the images' shape"
        raise AuditError(f"{said}: pass image_shape=(28, 28, 1)", about="image_shape")
    try:
        codes = encoder(ops.zeros((1, *shape)), training=False)
    except Exception as error:  # whatever a network of anybody raises
        said = f"its encoder cannot be called on images {shape} ({one_line(error)})"
        _give_up(said, "pass the right image_shape=, or ")
    places, codes_shape, z = _of_encoder(model.name, encoder, codes)
    try:
        decoded = decoder(z, training=False)
    except Exception as error:  # likewise
        said = f"its decoder cannot be called on codes {codes_shape}"
        raise AuditError(f"{said} ({one_line(error)})") from error
    if keras.tree.is_nested(decoded):
        _give_up(f"the decoder of {model.name} gives several tensors, one is understood")
    places = [*places, Place(decoder, ("x_decoded",))]
    return Places(places, tuple(shape), tuple(decoded.shape[1:]), codes_shape)


def _network(model, role):
    """The layer that a model holds as its encoder or decoder."""
    held = [vars(model).get(name) for name in NAMES[role]]
    found = next((layer for layer in held if isinstance(layer, layers.Layer)), None)
    if found is None:
        said = f"{model.name} holds no Keras model as its {role}"
        _give_up(said, "name its networks self.encoder and self.decoder, or ")
    return found


def input_shape(network):
    """The shape of one input, where a network tells it; else `None`."""
    shape = getattr(network, "input_shape", None) if getattr(network, "built", False) else None
    shape = shape or private.built_for(network)
    known = isinstance(shape, (tuple, list)) and len(shape) > 1
    return tuple(shape[1:]) if known and all(isinstance(n, int) for n in shape[1:]) else None


def _of_encoder(name, encoder, codes):
    """Where the codes come from, the shape of one code, and a code to decode."""
    flat = keras.tree.flatten(codes)
    names = _names(codes, flat)
    graph = private.graph_of(encoder)
    inside = None if graph is None else _codes_in(graph)
    plain = [x for x in private.all_layers(encoder) if x.activity_regularizer is None]
    adds = any(private.added_losses(layer) for layer in plain)  # it may be the KL: it is to run
    if inside and (len(flat) == 1 or (adds and any(x is inside[0] for x in encoder.outputs))):
        return _by_layer(zip(inside, CODES, strict=True)), tuple(inside[0].shape[1:]), flat[0]
    if names is not None:
        mean = flat[names.index("z_mean")]
        return [Place(encoder, names, codes)], tuple(mean.shape[1:]), mean
    if len(flat) == 1 and flat[0].shape[-1] % 2 == 0:
        mean = flat[0][..., : flat[0].shape[-1] // 2]
        return [Place(encoder, ("joined",))], tuple(mean.shape[1:]), mean
    given = f"{len(flat)} tensor{'s'[: len(flat) > 1]} {[tuple(t.shape[1:]) for t in flat]}"
    return _give_up(f"the encoder of {name} gives {given}, not z_mean and z_log_var (and z)")


def _names(codes, flat):
    """What an encoder's two or three outputs are, by their keys in a dict, else in usual order."""
    if len(flat) not in (2, 3) or len({tuple(tensor.shape) for tensor in flat}) != 1:
        return None
    if not isinstance(codes, dict):
        return FORMS[3 - len(flat)]
    names = tuple(map(role_of, sorted(codes)))
    return names if sorted(names) in (sorted(FORMS[0]), sorted(CODES)) else None


def one_line(error):
    """Another library's error in one line: its type and the beginning of what it says."""
    said = " ".join(re.sub(r"\{\{.*?\}\}|\[Op:.*", "", str(error)).split())
    return f"{type(error).__name__}: {said[:ONE_LINE].rstrip('. ')}"


def name_of(made):
    """A name to call a class, a function or a model by."""
    own = type(made).__name__ if isinstance(made, keras.Model) else repr(made)
    return getattr(made, "__name__", None) or own


def small_networks(form, input_shape, decoded_shape, latent_dim):
    """An encoder that returns this form and a decoder, for a class that is made with them.

    They take whatever they are called on: what they return is set by hand.
    """
    x, z = keras.Input(input_shape), keras.Input((latent_dim,))
    h = layers.GlobalAveragePooling1D()(layers.Reshape((-1, 1))(x))
    width = 2 * latent_dim if form == ("joined",) else latent_dim
    codes = [layers.Dense(width, kernel_initializer="zeros")(h) for _ in form]
    pixels = layers.RepeatVector(int(np.prod(decoded_shape)))(layers.Dense(1)(z))
    encoder = keras.Model(x, codes if len(codes) > 1 else codes[0], name="encoder")
    decoder = keras.Model(z, layers.Reshape(decoded_shape)(pixels), name="decoder")
    encoder.input_spec = decoder.input_spec = None
    structure = form if len(form) > 1 else ONE_TENSOR
    places = [Place(encoder, form, structure), Place(decoder, ("x_decoded",))]
    return encoder, decoder, Places(places, input_shape, decoded_shape, (latent_dim,))
