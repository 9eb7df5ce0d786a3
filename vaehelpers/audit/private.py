"""What the audit uses of what Keras and TensorFlow keep to themselves, under public names.

Their next version may drop any of it: `tests/audit/test_private.py` names the one that is gone.
"""

import contextlib
import random
import sys
import warnings

import keras
import numpy as np
from keras import ops

from vaehelpers.audit.verdict import AuditError


def graph_of(model):
    """The functional model whose calls are known: itself, a sequential one's own, or `None`."""
    return model if hasattr(model, "_nodes_by_depth") else getattr(model, "_functional", None)


def calls_in(graph):
    """The calls of layers in a functional model, those of a nested model behind its own call."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for call in graph._nodes_by_depth[depth]:
            if not call.is_input:
                yield call
                inner = graph_of(call.operation)
                yield from () if inner is None else calls_in(inner)


def origin(tensor):
    """The layer that gives a symbolic tensor, its call, and the place among the outputs."""
    layer, call, index = tensor._keras_history
    return layer, layer._inbound_nodes[call], index


def train_step(model, data):
    """What one training step reports; JAX's takes and gives all state."""
    if keras.backend.backend() != "jax":
        return model.train_step(data)
    model.optimizer.build(model.trainable_variables)
    groups = [model.trainable_variables, model.non_trainable_variables]
    groups += [model.optimizer.variables, model.metrics_variables]
    logs, state = model.train_step(tuple([v.value for v in group] for group in groups), data)
    for group, values in zip(groups, state, strict=True):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)
    return logs


def all_layers(model):
    """A model and its layers, those of its layers as well."""
    return model._flatten_layers()


def compiles_a_loss(model):
    """Whether a loss was given to Keras's own `compile`."""
    return getattr(model, "_compile_loss", None) is not None


def built_for(layer):
    """The shape of the input that a layer was built for, where it is kept; else `None`."""
    return (getattr(layer, "_build_shapes_dict", None) or {}).get("input_shape")


def added_losses(layer):
    """What a layer's own `add_loss` and activity regulariser added in its last call, as floats."""
    return [float(np.mean(loss)) for loss in layer._get_own_losses()]


@contextlib.contextmanager
def attribute(owner, name, value):
    """An object has another attribute of this name meanwhile, past Keras's own tracking."""
    before = dict(vars(owner))
    vars(owner)[name] = value
    try:
        yield
    finally:
        del vars(owner)[name]
        if name in before:
            vars(owner)[name] = before[name]


@contextlib.contextmanager
def trained_too(layers, variables):
    """These variables are among the trainable ones of the layers meanwhile."""
    for layer in layers:
        layer._trainable_variables.extend(variables)
    ours = {id(variable) for variable in variables}
    try:
        yield
    finally:
        for layer in layers:
            held = layer._trainable_variables
            held[:] = [variable for variable in held if id(variable) not in ours]


@contextlib.contextmanager
def left_as_it_was(model):
    """Variables, plain attributes and all random states of a model come back, bit by bit."""
    attributes = dict(vars(model))
    variables = [*model.variables, *model.metrics_variables]
    values = [np.array(ops.convert_to_numpy(variable)) for variable in variables]
    with random_numbers_kept():
        try:
            yield
        finally:
            held = vars(model)
            for name in [name for name in held if name not in attributes]:
                del held[name]
            held.update(attributes)
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            model._clear_losses()


@contextlib.contextmanager
def random_numbers_kept():
    """The states of Python's, NumPy's, Keras's and TensorFlow's generators come back."""
    python = random.getstate()
    legacy = np.random.get_state()  # noqa: NPY002 - a data pipeline may shuffle with it
    seeds = keras.src.backend.common.global_state
    shared = seeds.get_global_attribute("global_seed_generator")
    value = None if shared is None else np.array(ops.convert_to_numpy(shared.state))
    with tensorflow_kept() if "tensorflow" in sys.modules else contextlib.nullcontext():
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
def tensorflow_kept():
    """TensorFlow's generators come back, and no `tf.function` is traced: that would outlast it.

    Operations get other seeds meanwhile, since a kernel that has drawn keeps its place.
    """
    import tensorflow as tf
    from tensorflow.python.eager import context
    from tensorflow.python.ops import stateful_random_ops

    eager = context.context()
    seeds = getattr(eager, "_rng", None)
    generator = stateful_random_ops.global_generator
    state = None if generator is None else generator.state.numpy()
    run_eagerly = tf.config.functions_run_eagerly()
    if seeds is not None:
        eager._rng = random.Random(0x5EED)
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(run_eagerly)
        if seeds is not None:
            eager._rng = seeds
        stateful_random_ops.global_generator = generator
        if generator is not None:
            generator.state.assign(state)


class Hand:
    """What is set by hand in a model: its decoder's output and its codes, of these shapes."""

    def __init__(self, x_decoded, z_mean, z_log_var):
        starts = {"x_decoded": np.full(x_decoded, 0.25)}
        starts |= {"z_mean": np.zeros(z_mean), "z_log_var": np.zeros(z_log_var)}
        self.variables = {n: keras.Variable(v, dtype="float32", name=n) for n, v in starts.items()}
        self.noise = keras.random.SeedGenerator(0)
        self.recorder = Recorder()
        self.runs_too = False  # whether the layers run as well, for nothing but what they add
        self.extra = 0.0  # what each adds to the losses of its model
        self.forget()

    def forget(self):
        """Nothing has been asked for, and no gradient has come."""
        self.called = set()
        self.decoder_inputs = []
        self.recorder.gradients = {}

    def take(self, probe):
        """Hold the values of a probe."""
        for variable, value in zip(self.variables.values(), probe[1:], strict=True):
            if value.size != np.prod(variable.shape):
                said = f"the model holds {variable.name} {tuple(variable.shape)}"
                raise AuditError(f"{said}, not {value.shape}", about="size")
            variable.assign(value.reshape(variable.shape))

    def tensor(self, name):
        """One of them by its name; "z" is drawn, "joined" holds both codes side by side."""
        if name in self.variables:
            return ops.convert_to_tensor(self.variables[name])
        z_mean, z_log_var = self.tensor("z_mean"), self.tensor("z_log_var")
        if name == "joined":
            return ops.concatenate([z_mean, z_log_var], axis=-1)
        noise = keras.random.normal(z_mean.shape, dtype=z_mean.dtype, seed=self.noise)
        return z_mean + ops.exp(0.5 * z_log_var) * noise

    @contextlib.contextmanager
    def holds(self, model, places):
        """The layers at these places give what is held, and the model's optimisers record."""
        held = vars(model).items()
        optimizers = {name for name, v in held if isinstance(v, keras.optimizers.Optimizer)}
        variables = self.variables.values()
        with contextlib.ExitStack() as stack, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stack.enter_context(trained_too([model, *(p.layer for p in places)], variables))
            for place in places:
                stack.enter_context(attribute(place.layer, "call", self._instead_of(place)))
            for name in optimizers | {"optimizer"}:
                stack.enter_context(attribute(model, name, self.recorder))
            yield

    def _instead_of(self, place):
        layer, names, structure = place
        original = layer.call

        def call(*args, **kwargs):
            self.called.update(names)
            if "x_decoded" in names:
                self.decoder_inputs.append(args[0] if args else None)
            if self.extra:
                keras.Layer.add_loss(layer, ops.convert_to_tensor(self.extra))
            tensors = [None if name is None else self.tensor(name) for name in names]
            if None in names or self.runs_too:
                computed = keras.tree.flatten(original(*args, **kwargs))
                pairs = zip(computed, tensors, strict=True)
                tensors = [own if ours is None else ours for own, ours in pairs]
            return keras.tree.pack_sequence_as(structure, tensors)

        return call


class Recorder(keras.optimizers.SGD):
    """An optimiser that moves nothing: it keeps each variable's gradient, by the variable's id."""

    gradients = None

    def apply(self, gradients, trainable_variables=None):
        pairs = zip(gradients, trainable_variables or self._trainable_variables, strict=True)
        self.gradients |= {
            id(v): ops.convert_to_numpy(g).astype("float64") for g, v in pairs if g is not None
        }
