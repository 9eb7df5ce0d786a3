"""What is wrong with a Keras model beside the weights of its loss: how z is drawn, and a weight that nothing reads."""

import keras
import numpy as np
from keras import ops

from vaehelpers.audit.keras_state import left_as_it_was
from vaehelpers.audit.keras_stubs import CODES
from vaehelpers.audit.probes import probe_at, random_images
from vaehelpers.audit.verdict import AuditError

DRAWN = 512  # numbers z, at least
MOST_CALLS = 64
CALLS = 16  # of an encoder
SURE = 6  # standard errors
ROUNDING = 1e-5
NAMES = ("beta", "kl_weight", "kld_weight", "kl_beta", "beta_kl", "weight_kl", "lambda_kl", "kl_lambda")  # of the KL's
NARROWEST = -12.0  # log variance of a posterior whose draws are told from its mean in float32
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
    """What the decoder is given at codes that are set by hand, call after call: wrong if no input of it is right."""
    steps = []
    for _ in range(int(np.clip(np.ceil(DRAWN / probe.z_mean.size), 2, MOST_CALLS))):
        inputs = [_as_array(z) for z in _decoder_inputs(oracle, probe)]
        if not inputs or any(z is None or z.size != probe.z_mean.size for z in inputs):
            return None
        steps.append([z.reshape(probe.z_mean.shape) for z in inputs])
    if len({len(inputs) for inputs in steps}) > 1:
        return None
    faults = [fault_of_draws(probe.z_mean, probe.z_log_var, np.array(draws)) for draws in zip(*steps, strict=True)]
    return None if None in faults else faults[0]


def _decoder_inputs(oracle, probe):
    """What the decoder is called on in a training step; on JAX, whose step knows no values, in a call for training."""
    oracle.hand.decoder_inputs = []
    oracle(probe)
    if keras.backend.backend() == "jax":
        stepped = len(oracle.hand.decoder_inputs)
        oracle.hand.decoder_inputs = []
        try:
            oracle.model(ops.convert_to_tensor(probe.x.astype("float32")), training=True)
        except Exception:  # whatever a model of anybody raises: then its draw is not looked at
            return []
        if stepped != 2 * len(oracle.hand.decoder_inputs):  # a step is two calls of the model: here it draws elsewhere
            return []
    return oracle.hand.decoder_inputs


def of_an_encoder(places, sizes):
    """The same of an encoder that gives z beside z_mean and z_log_var: it is called, with nothing set by hand."""
    drawing = [place for place in places.places if "z" in place.names and len(place.names) == 3]
    if not drawing or places.integers:
        return ()
    encoder, names, _ = drawing[0]
    x = random_images(sizes, np.random.default_rng(0))[0].astype("float32")
    with left_as_it_was(encoder):
        calls = [dict(zip(names, keras.tree.flatten(encoder(x, training=True)), strict=True)) for _ in range(CALLS)]
    z_mean, z_log_var, z = (np.array([_as_array(call[name]) for call in calls]) for name in (*CODES, "z"))
    deviations = np.exp(0.5 * z_log_var)
    if not (np.abs(z_log_var) <= -NARROWEST).all() or np.abs(z - deviations).max() <= ROUNDING:
        return ()  # float32 does not tell draws from means there; or what stands third is the standard deviation
    if np.ptp(z_mean, axis=0).max() > ROUNDING:  # dropout: the codes move too, so that only an unused noise is told
        same = np.abs(z - z_mean).max() <= ROUNDING
        return (f"z is z_mean at every call, its noise is not used: {RIGHT}",) if same else ()
    fault = fault_of_draws(z_mean[0], z_log_var[0], z)
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

    if not np.isfinite(draws).all() or not np.isfinite(z_log_var).all():
        return None

    def fits(variance, part=slice(None)):
        with np.errstate(all="ignore"):
            squares = offsets[:, part] ** 2 / variance[part]
        return abs(np.mean(squares) - 1) <= SURE * np.sqrt(2 / squares.size) + 1e-3

    offsets, z_log_var = offsets.reshape(len(offsets), -1), z_log_var.reshape(-1)
    if fits(np.exp(z_log_var)):
        return None
    order = np.argsort(z_log_var)
    parts = order[: len(order) // 2], order[len(order) // 2 :]
    wrong = {
        "drawn as if z_log_var were the log standard deviation": np.exp(2 * z_log_var),
        "drawn as if z_log_var were the standard deviation": z_log_var**2,
        "as wide as the prior, whatever z_log_var says": np.ones_like(z_log_var),
    }
    for name, variance in wrong.items():
        centred = abs(np.mean(offsets / np.sqrt(variance))) <= SURE / np.sqrt(offsets.size)
        between = np.mean(np.var(offsets, axis=0, ddof=1) / variance)  # calls, whatever their mean is
        moves = abs(between - 1) <= SURE * np.sqrt(2 / (offsets.size - offsets.shape[1]))
        if centred and moves and all(fits(variance, part) for part in parts if len(part)):
            return f"z is {name}, and the KL reads a log variance: {RIGHT}"
    return None  # a flow, a layer between the draw and the decoder: not a draw that is known to be wrong


def _of_the_weights(oracle, probe, found):
    """Numbers named as the KL's weight that the loss does not follow, where it trains another beta than they say."""
    model = oracle.model
    named = {name: value for name, value in weights_of(model).items() if name in NAMES}
    if any(_close(found.beta_declared, value) for value in named.values()) or _held_elsewhere(model, named, found):
        return
    for name, value in named.items():
        if found.beta_declared == value or _follows(oracle, probe, name, value):
            continue
        yield f"{name} is {value:g}, and the loss does not change with it: it is stored and not used"


def _follows(oracle, probe, name, value):
    """Whether the loss changes with a number; so it does where another value is refused."""
    before = oracle(probe)
    _set(oracle.model, name, value + 1)
    try:
        after = oracle(probe)
    except AuditError:
        return True
    finally:
        _set(oracle.model, name, value)
    return not abs(after - before) <= NOT_USED * abs(before)


def _close(one, other):
    return abs(one - other) <= 0.01 * max(abs(other), 1e-3)


def _held_elsewhere(model, named, found):
    """Whether another number of the model or of one of its layers is the beta that is trained: then that is read."""
    if _close(found.beta_declared, 1):
        return False
    others = [value for name, value in weights_of(model).items() if name not in named]
    for layer in model._flatten_layers(include_self=False):
        others += weights_of(layer).values()
    return any(_close(found.beta_declared, value) for value in others)


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
        if ("beta" in name or "weight" in name or name in NAMES) and _is_number(value)
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
