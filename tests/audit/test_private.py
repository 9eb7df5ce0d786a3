"""What frameworks keep to themselves and the audit uses: it is there, in one file alone."""

import ast
import inspect
import re
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from keras_losses import same

from vaehelpers import audit
from vaehelpers.audit import private

ROOM = Path(audit.__file__).parent
OF_TUPLES = {"_replace", "_fields", "_asdict"}  # which the language documents


def functional():
    x = keras.Input((3,))
    h = layers.Dense(4, kernel_regularizer="l2", activity_regularizer="l2", name="h")(x)
    return keras.Model(x, keras.Sequential([keras.Input((4,)), layers.Dense(2)], name="inner")(h))


def called():
    model = functional()
    model(np.ones((1, 3), "float32"))
    return model


def tensorflow_seeds():
    tf = pytest.importorskip("tensorflow")
    from tensorflow.python.eager import context

    tf.random.set_seed(0)
    return context.context()._rng.random() < 1


def tensorflow_generator():
    pytest.importorskip("tensorflow")
    from tensorflow.python.ops import stateful_random_ops

    return hasattr(stateful_random_ops, "global_generator")


def clears_losses():
    model = called()
    model._clear_losses()
    return private.added_losses(model.get_layer("h")) == []


def seeds_are_global():
    keras.utils.set_random_seed(0)
    keras.random.normal((1,))
    state = keras.src.backend.common.global_state
    found = state.get_global_attribute("global_seed_generator").state
    state.set_global_attribute("of_this_test", 1)
    return found is not None and state.get_global_attribute("of_this_test") == 1


USED = {
    "_nodes_by_depth": lambda: next(private.calls_in(functional())).operation.name == "h",
    "_functional": lambda: private.graph_of(functional().get_layer("inner")) is not None,
    "_keras_history": lambda: private.origin(functional().outputs[0])[0].name == "inner",
    "_inbound_nodes": lambda: len(private.origin(functional().outputs[0])[1].input_tensors) == 1,
    "_flatten_layers": lambda: len(private.all_layers(functional())) > 3,
    "_trainable_variables": lambda: len(layers.Dense(1)._trainable_variables) == 0,
    "_get_own_losses": lambda: private.added_losses(called().get_layer("h"))[0] > 0,
    "_clear_losses": clears_losses,
    "_compile_loss": lambda: (
        [private.compiles_a_loss(m) for m in (compiled(loss="mse"), compiled(), functional())]
        == [True, False, False]
    ),
    "_build_shapes_dict": lambda: private.built_for(called().get_layer("h"))[-1] == 3,
    "_rng": tensorflow_seeds,
    "global_generator": tensorflow_generator,
    "global_state": seeds_are_global,
}


def compiled(**arguments):
    model = functional()
    model.compile("sgd", **arguments)
    return model


@pytest.mark.backend
@pytest.mark.parametrize("name", USED)
def test_what_the_audit_uses_of_others_is_in_the_installed_version(name):
    assert USED[name]()


def test_every_such_name_is_tried_above():
    source = inspect.getsource(private)
    names = set(re.findall(r"(?<!self)\.(_[a-z]\w*)|\"(_[a-z]\w*)\"", source))
    assert {one or other for one, other in names} - {"_instead_of"} <= set(USED)


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.py")), ids=lambda path: path.name)
def test_no_other_file_of_the_room_reaches_into_a_framework(path):
    if path.name == "private.py":
        return
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and not is_self(node.value):
            found.add(node.attr)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith("attr"):
            found |= {str(part.value) for part in node.args if isinstance(part, ast.Constant)}
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = {getattr(node, "module", None) or "", *(alias.name for alias in node.names)}
            assert not any(name.startswith(("keras.src", "tensorflow.python")) for name in modules)
    of_the_room = {
        name for file in ROOM.rglob("*.py") for name in re.findall(r"def (_\w+)", file.read_text())
    }
    assert {name for name in found if re.match(r"_[a-z]", name)} <= OF_TUPLES | of_the_room


def is_self(node):
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


@pytest.mark.backend
def test_a_model_and_all_random_numbers_come_back_bit_by_bit():
    def drawn():
        state = [np.random.rand(), keras.ops.convert_to_numpy(keras.random.normal((2,)))]  # noqa: NPY002
        tf = sys.modules.get("tensorflow")
        return [*state, *([] if tf is None else [tf.random.normal((2,)).numpy()])]

    model = compiled(loss="mse")
    keras.utils.set_random_seed(1)
    expected = [*drawn(), *(np.array(v) for v in model.get_weights())]
    keras.utils.set_random_seed(1)
    with private.left_as_it_was(model):
        drawn()
        model.of_this_test = 1
        model.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
        model.set_weights([weights + 1 for weights in model.get_weights()])
    found = [*drawn(), *model.get_weights()]
    assert not hasattr(model, "of_this_test")
    same(found, expected)
