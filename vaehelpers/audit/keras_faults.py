"""What is wrong with a Keras model beside the weights of its loss: how z is drawn, and a weight that nothing reads."""

import keras
import numpy as np
from keras import ops

from vaehelpers.audit.keras_state import left_as_it_was
from vaehelpers.audit.keras_stubs import CODES
from vaehelpers.audit.probes import probe_at, random_images

DRAWN = 512  # numbers z, at least
MOST_CALLS = 64
CALLS = 16  # of an encoder
SURE = 6  # standard errors
ROUNDING = 1e-5
NOT_USED = 1e-6  # of a loss: up to which a change of a weight is none
RIGHT = "draw z_mean + exp(z_log_var / 2) * noise, with new noise at every call"


def faults_of(oracle, sizes, found):
    """Sentences on what else is wrong with a model, as a `KerasOracle`; `found` is the audit of its loss."""
    rng = np.random.default_rng(0)
    shape = sizes.batch, sizes.latent_dim
    codes = rng.standard_normal(shape), rng.uniform(-3, -1, shape)
    probe = probe_at(random_images(sizes, rng), codes)
    return tuple(filter(None, (_of_the_draw(oracle, probe), *_of_the_weights(oracle, probe, found))))


def _of_the_draw(oracle, probe):
    """What the decoder is given at codes that are set by hand, call after call."""
    draws = []
    for _ in range(int(np.clip(np.ceil(DRAWN / probe.z_mean.size), 2, MOST_CALLS))):
        z = _as_array(_decoder_input(oracle, probe))
        if z is None or z.size != probe.z_mean.size:
            return None
        draws.append(z.reshape(probe.z_mean.shape))
    return fault_of_draws(probe.z_mean, probe.z_log_var, np.array(draws))


def _decoder_input(oracle, probe):
    """What the decoder is called on in a training step; on JAX, whose step knows no values, in a call for training."""
    oracle.hand.decoder_input = None
    oracle(probe)
    if keras.backend.backend() == "jax":
        oracle.hand.decoder_input = None
        try:
            oracle.model(ops.convert_to_tensor(probe.x.astype("float32")), training=True)
        except Exception:  # whatever a model of anybody raises: then its draw is not looked at
            return None
    return oracle.hand.decoder_input


def of_an_encoder(places, sizes):
    """The same of an encoder that gives z beside z_mean and z_log_var: it is called, with nothing set by hand."""
    drawing = [place for place in places.places if "z" in place.names and len(place.names) == 3]
    if not drawing or places.integers:
        return ()
    encoder, names, _ = drawing[0]
    x = random_images(sizes, np.random.default_rng(0))[0].astype("float32")
    with left_as_it_was(encoder):
        calls = [dict(zip(names, keras.tree.flatten(encoder(x, training=True)), strict=True)) for _ in range(CALLS)]
    z_mean, z_log_var = (_as_array(calls[0][name]) for name in CODES)
    fault = fault_of_draws(z_mean, z_log_var, np.array([_as_array(call["z"]) for call in calls]))
    return () if fault is None else (fault,)


def fault_of_draws(z_mean, z_log_var, draws):
    """What is wrong with repeated draws `[n, ...]` of z from N(z_mean, exp(z_log_var)); a sentence or `None`.

    Example:
        >>> fault_of_draws(np.zeros([1, 2]), np.zeros([1, 2]), np.zeros([3, 1, 2])).split(":")[0]
        'z is z_mean at every call, its noise is not used'
    """
    offsets = draws - z_mean
    if np.ptp(draws, axis=0).max() <= ROUNDING:
        if np.abs(offsets).max() <= ROUNDING:
            return f"z is z_mean at every call, its noise is not used: {RIGHT}"
        return f"z is the same at every call, its noise is a constant, or drawn and not used: {RIGHT}"

    def fits(variance):
        with np.errstate(all="ignore"):
            return abs(np.mean(offsets**2 / variance) - 1) <= SURE * np.sqrt(2 / offsets.size) + 1e-3

    if not np.isfinite(z_log_var).all() or fits(np.exp(z_log_var)):
        return None
    for name, variance in (("log standard deviation", np.exp(2 * z_log_var)), ("standard deviation", z_log_var**2)):
        if fits(variance):
            return f"z is drawn as if z_log_var were the {name}, and the KL reads a log variance: {RIGHT}"
    return f"z does not spread as its z_log_var says: {RIGHT}"


def _of_the_weights(oracle, probe, found):
    """Numbers named as a weight of the KL that the loss does not follow, where it trains another beta than they say."""
    model = oracle.model
    for name, value in weights_of(model).items():
        if "beta" not in name and "kl" not in name:
            continue
        if abs(found.beta_declared - value) <= 0.01 * max(abs(value), 1e-3):
            continue
        before = oracle(probe)
        _set(model, name, value + 1)
        after = oracle(probe)
        _set(model, name, value)
        if abs(after - before) <= NOT_USED * abs(before):
            yield f"{name} is {value:g}, and the loss does not change with it: it is stored and not used"


def plain_numbers(model):
    """A model's own numbers that are no variables, name to value: a compiled step keeps what they were."""
    return {
        name: float(value)
        for name, value in vars(model).items()
        if _is_number(value) and not isinstance(value, keras.Variable) and not name.startswith("_")
    }


def weights_of(model):
    """A model's own numbers that are named as the weight of a term, name to value."""
    return {
        name: float(value)
        for name, value in vars(model).items()
        if ("beta" in name or "weight" in name) and _is_number(value)
    }


def _is_number(value):
    scalar = isinstance(value, (int, float)) and not isinstance(value, bool)
    return scalar or (isinstance(value, keras.Variable) and value.shape == () and "float" in value.dtype)


def _set(model, name, value):
    """Past Keras's own tracking of attributes; whoever has borrowed the model puts the old one back."""
    if isinstance(vars(model)[name], keras.Variable):
        vars(model)[name].assign(value)
    else:
        vars(model)[name] = type(vars(model)[name])(value)


def _as_array(tensor):
    """NumPy's, or `None` where there is no tensor, or one whose values are not known (a JAX tracer)."""
    if tensor is None or keras.tree.is_nested(tensor):
        return None
    try:
        return np.asarray(ops.convert_to_numpy(ops.stop_gradient(tensor)), "float64")
    except Exception:  # each backend raises its own
        return None
