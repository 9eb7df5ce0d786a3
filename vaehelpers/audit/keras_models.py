"""A compiled Keras model as a loss: its own layers run, but those that give its codes and images are set by hand."""

import contextlib

import keras
import numpy as np

from vaehelpers.audit.keras_classes import name_of, no_reconstruction, one_line
from vaehelpers.audit.keras_networks import places_of_networks
from vaehelpers.audit.keras_places import is_graph, places_in_graph
from vaehelpers.audit.keras_state import left_as_it_was
from vaehelpers.audit.keras_step import (
    KerasOracle,
    as_it_is,
    compiles_a_loss,
    lacks_reconstruction,
    record,
    with_target,
)
from vaehelpers.audit.keras_stubs import Hand, Recorder
from vaehelpers.audit.verdict import AuditError


class Borrowed:
    """Somebody's compiled model, set by hand at any batch size: `open` gives its oracle. Made by `borrow`."""

    def __init__(self, model, places):
        self.model = model
        self.places = places
        self.hand = None
        self.recorder = Recorder()
        record(model, self.recorder)

    def use(self, hand):
        """Have the model's layers return, and its optimiser see, what this hand holds."""
        if hand is self.hand:
            return
        self.release()
        self.hand = hand
        for layer in (self.model, *(place.layer for place in self.places.places)):
            if isinstance(layer, keras.layers.Layer):
                layer._trainable_variables.extend(hand.variables.values())

    def release(self):
        """Take the hand's variables from the layers again."""
        ours = set() if self.hand is None else {id(variable) for variable in self.hand.variables.values()}
        for layer in (self.model, *(place.layer for place in self.places.places)):
            if isinstance(layer, keras.layers.Layer):
                layer._trainable_variables[:] = [v for v in layer._trainable_variables if id(v) not in ours]

    def open(self, sizes):
        """The oracle at these sizes.

        Raises:
            AuditError: for another image or latent space than the model's, or where it does not train for one step.
        """
        places = self.places
        if (sizes.image_shape, sizes.latent_dim) != (places.image_shape, places.latent_dim):
            raise AuditError(
                f"{name_of(self.model)} is built for images {places.image_shape} and codes {places.codes_shape} only"
            )
        hand = Hand()
        hand.hold((sizes.batch, *places.decoded_shape), (sizes.batch, *places.codes_shape))
        failures = []
        for data in (with_target,) if compiles_a_loss(self.model) else (as_it_is, with_target):
            oracle = KerasOracle(self.model, hand, self.recorder, data, places.integers, lambda: self.use(hand))
            self.recorder.gradients = None
            try:
                oracle.step(np.full((sizes.batch, *sizes.image_shape), 0.5))
            except AuditError:
                raise
            except Exception as error:  # whatever anybody's training step raises: it may want the data in another form
                failures.append(error)
                continue
            if lacks_reconstruction(oracle):
                raise AuditError(no_reconstruction(self.model))
            return oracle
        raise AuditError(
            f"{name_of(self.model)} could not be trained for one step on images {places.input_shape} "
            f"({one_line(failures[0])}): does vae.fit(x) or vae.fit(x, x) work?"
        ) from failures[0]


@contextlib.contextmanager
def borrow(model, image_shape=None):
    """A compiled model for an audit, as `Borrowed`; when the block ends, nothing of it is changed.

    Args:
        model: functional, with a layer that takes [z_mean, z_log_var]; or any with `encoder` and `decoder`.
        image_shape: that of one image where the model does not tell it.

    Raises:
        AuditError: one line, where its codes and images are not found or it is not compiled.
    """
    if not model.compiled:
        raise AuditError(f"{name_of(model)} is not compiled: call its compile(...) as you do before fit, then audit it")
    with left_as_it_was(model):
        places = places_in_graph(model) if is_graph(model) else places_of_networks(model, image_shape)
        borrowed = Borrowed(model, places)
        with contextlib.ExitStack() as stack:
            stack.callback(borrowed.release)
            for place in places.places:
                stack.enter_context(set_by_hand(place, borrowed))
            yield borrowed


@contextlib.contextmanager
def set_by_hand(place, borrowed):
    """Around calls of a layer that shall return what the hand holds."""
    layer, names, structure = place
    original = layer.call
    had = vars(layer).get("call")

    def call(*args, **kwargs):
        if "x_decoded" in names:
            borrowed.hand.decoder_inputs.append(args[0] if args else None)
        tensors = [None if name is None else borrowed.hand.tensor(name) for name in names]
        if None in names:
            computed = keras.tree.flatten(original(*args, **kwargs))
            tensors = [own if ours is None else ours for own, ours in zip(computed, tensors, strict=True)]
        return tensors[0] if structure is None else keras.tree.pack_sequence_as(structure, tensors)

    vars(layer)["call"] = call
    try:
        yield
    finally:
        del vars(layer)["call"]
        if had is not None:
            vars(layer)["call"] = had
