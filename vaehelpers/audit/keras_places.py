"""Where a Keras model's codes and images come from: the layers whose outputs an audit sets by hand."""

from itertools import pairwise
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from vaehelpers.audit.keras_stubs import CODES
from vaehelpers.audit.verdict import AuditError

AS_FUNCTION = "audit its loss as a function (x, x_decoded, z_mean, z_log_var) instead"


class Place(NamedTuple):
    """A layer and what its flat outputs are: "z_mean", "z_log_var", "z", "joined", "x_decoded", `None` for others.

    `structure` is the nest in which it returns them, `None` for one tensor.
    """

    layer: object
    names: tuple
    structure: object = None


class Places(NamedTuple):
    """All places of a model, and the shapes of its input, of the decoder's output and of the codes, without batch."""

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


def is_graph(model):
    """Whether it is a functional or sequential model, whose layers are known."""
    return hasattr(model, "_nodes_by_depth") or isinstance(model, keras.Sequential)


def places_in_graph(model):
    """The `Places` of a functional model: what enters its sampling layer, and the decoder's output.

    Raises:
        AuditError: one line, where these are not found.
    """
    if len(model.inputs) != 1:
        raise AuditError(f"{model.name} has {len(model.inputs)} inputs, images alone are understood: {AS_FUNCTION}")
    x = model.inputs[0]
    decoded = _decoder_output(model, x)
    codes = codes_in_graph(model)
    if codes is None:
        raise AuditError(
            f"no layer of {model.name} takes [z_mean, z_log_var], so its codes are not found: draw z in a layer, "
            f"Sampling()([z_mean, z_log_var]), or {AS_FUNCTION}"
        )
    places = places_of([*zip(codes, CODES, strict=True), (decoded, "x_decoded")])
    return checked_shapes(Places(places, *(_shape(tensor, model) for tensor in (x, decoded, codes[0]))), model.name)


def checked_shapes(places, name):
    """These places, where the decoder gives as many numbers as an image has, or scores of whole numbers."""
    if not places.integers and np.prod(places.input_shape) != np.prod(places.decoded_shape):
        raise AuditError(
            f"the decoder of {name} gives {places.decoded_shape} for images {places.input_shape}, not one number a "
            f"pixel: {AS_FUNCTION}"
        )
    return places


def codes_in_graph(model):
    """The two tensors that enter the first layer that takes a pair of equal shape, or leave an encoder; or `None`."""
    nodes = list(_nodes(model))
    for node in nodes:
        operation = node.operation
        own = isinstance(operation, layers.Lambda) or not type(operation).__module__.startswith("keras.")
        if own and isinstance(operation, layers.Layer):
            found = _pair(node.input_tensors)
            if found:
                return found
    for node in nodes:
        if isinstance(node.operation, layers.Layer) and len(node.outputs) in (2, 3):
            return _pair(node.outputs)
    return None


def _pair(tensors):
    """The first two of these tensors that follow each other and have one shape, neither of them an input."""
    found = [tensor for tensor in tensors if not isinstance(tensor._keras_history[0], layers.InputLayer)]
    for first, second in pairwise(found):
        if first.shape == second.shape and first is not second:
            return first, second
    return None


def _nodes(model):
    """The calls in a model's graph, those of nested models behind the call itself."""
    graph = model._functional if isinstance(model, keras.Sequential) else model
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if not node.is_input:
                yield node
                if is_graph(node.operation):
                    yield from _nodes(node.operation)


def _decoder_output(model, x):
    """The output of the images' shape, before a layer that takes the images too and hands it on."""
    alike = [tensor for tensor in model.outputs if tensor.shape == x.shape]
    if not alike and len(model.outputs) > 1:
        shapes = [tuple(tensor.shape) for tensor in model.outputs]
        raise AuditError(f"none of {model.name}'s outputs {shapes} has the images' shape: {AS_FUNCTION}")
    tensor = (alike or model.outputs)[0]
    while True:
        operation, node, _ = tensor._keras_history
        inputs = operation._inbound_nodes[node].input_tensors
        others = [other for other in inputs if other is not x and other.shape == tensor.shape]
        if not others or all(other is not x for other in inputs):
            return tensor
        tensor = others[0]


def places_of(named):
    """One `Place` for each layer that gives some of these tensors."""
    by_layer = {}
    for tensor, name in named:
        layer, node, index = tensor._keras_history
        names = [None] * len(layer._inbound_nodes[node].outputs)
        _, names = by_layer.setdefault(id(layer), (layer, names))
        if names[index] is not None:
            raise AuditError(f"{layer.name} gives {names[index]} and {name}, in two calls: {AS_FUNCTION}")
        names[index] = name
    found = []
    for layer, names in by_layer.values():
        names = (*CODES, "z") if names == [*CODES, None] else tuple(names)
        found.append(Place(layer, names, list(names) if len(names) > 1 else None))
    return found


def _shape(tensor, model):
    shape = tuple(tensor.shape[1:])
    if None in shape:
        raise AuditError(f"{model.name} takes images of any size, {tuple(tensor.shape)}: build it for one to audit it")
    return shape
