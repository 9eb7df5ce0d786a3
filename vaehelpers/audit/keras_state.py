"""A model that is borrowed for an audit comes back as it was: weights, metrics, attributes and random numbers."""

import contextlib
import random
import sys

import keras
import numpy as np
from keras import ops


@contextlib.contextmanager
def left_as_it_was(model):
    """Around anything that runs a model: its variables, plain attributes, patches and all random states come back."""
    attributes = dict(vars(model))
    variables = [*model.variables, *model.metrics_variables]
    values = [np.array(ops.convert_to_numpy(variable)) for variable in variables]
    with _random_numbers(), _functions_run_eagerly():
        try:
            yield
        finally:
            held = vars(model)
            for name in [name for name in held if name not in attributes]:
                del held[name]
            for name, value in attributes.items():
                if held.get(name) is not value:
                    held[name] = value
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            model._clear_losses()


@contextlib.contextmanager
def _random_numbers():
    """The states of Python's, NumPy's, Keras's and TensorFlow's generators, restored at the end."""
    python = random.getstate()
    legacy = np.random.get_state()  # noqa: NPY002 - a data pipeline may shuffle with it
    seeds = keras.src.backend.common.global_state
    shared = seeds.get_global_attribute("global_seed_generator")
    value = None if shared is None else np.array(ops.convert_to_numpy(shared.state))
    with _tensorflow_generators():
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002
            if shared is None:
                seeds.set_global_attribute("global_seed_generator", None)
            else:
                shared.state.assign(value)


@contextlib.contextmanager
def _tensorflow_generators():
    """TensorFlow's own: other operation seeds meanwhile, since a kernel that has drawn keeps its place."""
    if "tensorflow" not in sys.modules:
        yield
        return
    from tensorflow.python.eager import context
    from tensorflow.python.ops import stateful_random_ops

    eager = context.context()
    seeds = getattr(eager, "_rng", None)
    generator = stateful_random_ops.global_generator
    state = None if generator is None else generator.state.numpy()
    if seeds is not None:
        eager._rng = random.Random(0x5EED)
    try:
        yield
    finally:
        if seeds is not None:
            eager._rng = seeds
        stateful_random_ops.global_generator = generator
        if generator is not None:
            generator.state.assign(state)


@contextlib.contextmanager
def _functions_run_eagerly():
    """No `tf.function` is traced meanwhile: a trace would keep what stands in the networks' places."""
    if "tensorflow" not in sys.modules:
        yield
        return
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)
