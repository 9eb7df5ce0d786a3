"""Networks whose outputs are set by hand, for a class that is made as VAE(encoder, decoder), and a recorder."""

import keras
from keras import ops

CODES = ("z_mean", "z_log_var")
FORMS = ((*CODES, "z"), CODES, ("joined",))  # what an encoder may return; joined: one [B, 2 J] that the model splits


class Hand:
    """What is set by hand: the decoder's output and the codes, as variables of one batch size at a time."""

    def __init__(self):
        self.noise = keras.random.SeedGenerator(0)
        self.variables = {}
        self.decoder_inputs = []  # of its calls

    def hold(self, x_decoded_shape, codes_shape):
        """Have variables of these shapes, the codes at 0, the images grey."""
        shapes = {"x_decoded": x_decoded_shape, **dict.fromkeys(CODES, codes_shape)}
        self.variables = {
            name: keras.Variable(ops.full(shape, 0.0 if name in CODES else 0.25, "float32"), dtype="float32", name=name)
            for name, shape in shapes.items()
        }

    def tensor(self, name):
        """One of them as a tensor, by its name; "z" is drawn, "joined" holds both codes side by side."""
        if name in self.variables:
            return ops.convert_to_tensor(self.variables[name])
        z_mean, z_log_var = (self.tensor(code) for code in CODES)
        if name == "joined":
            return ops.concatenate([z_mean, z_log_var], axis=-1)
        noise = keras.random.normal(z_mean.shape, dtype=z_mean.dtype, seed=self.noise)
        return z_mean + ops.exp(0.5 * z_log_var) * noise


class Network(keras.Model):
    """An encoder or a decoder that returns tensors set by hand, whatever it is called on."""

    def __init__(self, hand, form, name):
        super().__init__(name=name, dtype="float32")
        self.hand = hand
        self.form = form
        self.calls = 0
        for variable in form:
            if variable in hand.variables:
                setattr(self, f"{variable}_by_hand", hand.variables[variable])
        if form == ("joined",):
            self.by_hand = [hand.variables[code] for code in CODES]

    def call(self, inputs, training=None):
        self.calls += 1
        if self.form == ("x_decoded",):
            self.hand.decoder_inputs.append(inputs)
        tensors = tuple(self.hand.tensor(name) for name in self.form)
        return tensors if len(tensors) > 1 else tensors[0]


class Recorder(keras.optimizers.SGD):
    """An optimiser that moves nothing: it keeps each variable's gradient."""

    gradients = None

    def apply(self, gradients, trainable_variables=None):
        pairs = zip(gradients, trainable_variables or self._trainable_variables, strict=True)
        found = {id(v): ops.convert_to_numpy(g).astype("float64") for g, v in pairs if g is not None}
        self.gradients = {**(self.gradients or {}), **found}
