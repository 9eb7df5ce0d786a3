"""How a model file holds functions and variables: a function by its name, not its program."""

import keras
from keras import layers, ops

UNNAMED = "<lambda>"  # lambdas, partials, callable objects: a name does not tell two of them apart


def function_to_config(function):
    """A layer is stored with its configuration, a function under its name."""
    if function is None or isinstance(function, layers.Layer):
        return keras.saving.serialize_keras_object(function)
    if getattr(function, "__name__", UNNAMED) == UNNAMED:
        return UNNAMED
    return keras.saving.get_registered_name(function)


def variable_to_config(variable):
    """The arguments that make `keras.Variable` make this variable again."""
    value = ops.convert_to_numpy(variable).tolist()
    return {"initializer": value, "dtype": variable.dtype, "trainable": variable.trainable}


def from_part_config(config, argument, custom_objects):
    """A layer, or the function of that name: registered, or passed under its own or the argument's.

    Raises:
        ValueError: for a function that is neither.
    """
    if not isinstance(config, str):
        return keras.saving.deserialize_keras_object(config, custom_objects=custom_objects)
    names = [argument] if config == UNNAMED else [config, argument]
    for name in names:
        function = keras.saving.get_registered_object(name, custom_objects)
        if function is not None:
            return function
    raise ValueError(
        f"this VAE was saved with the {argument} {config!r}, which is not known here: pass "
        f"custom_objects={{{names[0]!r}: your_function}} to keras.saving.load_model, or decorate a "
        "named function with @keras.saving.register_keras_serializable() before you save"
    )
