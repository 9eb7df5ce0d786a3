"""What is wrong with a Keras model beside its weights: the draw, idle numbers, added terms."""

from contextlib import suppress

import keras
import numpy as np
from keras import ops

from vaehelpers.audit import private
from vaehelpers.audit.hypotheses import Within
from vaehelpers.audit.keras_find import CODES
from vaehelpers.audit.probes import probe_at, random_images
from vaehelpers.audit.verdict import AuditError

DRAWN = 512  # numbers z, at least
CALLS = 4  # of a step, on a batch that is large enough
MOST_CALLS = 64  # of a step that takes one batch size
ENCODED = 16  # calls of an encoder
MOST_VALUES = 1_000_000  # of a large batch of images
NARROWEST = -12.0  # log variance of a posterior whose draws float32 tells from its mean
RIGHT = "draw z_mean + exp(z_log_var / 2) * noise, with new noise at every call"
KL_WEIGHTS: tuple[str, ...] = ("beta", "kl_weight", "kld_weight", "kl_beta", "beta_kl")
KL_WEIGHTS += ("weight_kl", "lambda_kl", "kl_lambda")
EXTRA = 1e6  # a loss so large that a step that adds it shows
STEP = ("train_step", "compute_loss")


def faults_of(opened, found):
    """Sentences on what else is wrong with an `OpenedKeras`; `found` is the audit of its loss."""
    said = [*_of_the_encoder(opened), *opened.added]
    with suppress(AuditError):  # it may refuse the codes that this takes
        said = [*_of_the_draw(opened), *_of_idle_weights(opened, found), *said]
    return tuple(said)


def _probe(sizes, seed=0):
    """Random images and codes of small variances."""
    rng = np.random.default_rng(seed)
    shape = sizes.batch, sizes.latent_dim
    codes = rng.standard_normal(shape), rng.uniform(-3, -1, shape)
    return probe_at(random_images(sizes, rng), codes)


def _of_the_draw(opened):
    """What the decoder is given at codes set by hand, call after call: wrong if no input is not."""
    batch = max(opened.sizes.batch, -(-DRAWN // (CALLS * opened.sizes.latent_dim)))
    if batch * opened.sizes.pixels <= MOST_VALUES:
        with suppress(AuditError):  # a large batch of codes saves calls, where one is taken
            opened = opened.at(opened.sizes._replace(batch=batch))
    probe = _probe(opened.sizes)
    calls = int(np.clip(np.ceil(DRAWN / probe.z_mean.size), CALLS, MOST_CALLS))
    steps = [[_as_array(z) for z in _decoder_inputs(opened, probe)] for _ in range(calls)]
    known = all(z is not None and z.size == probe.z_mean.size for inputs in steps for z in inputs)
    if not known or len({len(inputs) for inputs in steps}) > 1:
        return []
    inputs = [np.reshape(z, (calls, *probe.z_mean.shape)) for z in zip(*steps, strict=True)]
    each = [fault_of_draws(probe.z_mean, probe.z_log_var, draws) for draws in inputs]
    return [] if None in each else each[:1]


def _decoder_inputs(opened, probe):
    """What the decoder is called on in a step; in JAX, whose step knows no values, in a call."""
    opened(probe)
    stepped = opened.hand.decoder_inputs
    if keras.backend.backend() != "jax":
        return stepped
    opened.hand.forget()
    try:
        with opened.by_hand():
            opened.model(opened.inputs(probe.x)[0], training=True)
    except Exception:  # whatever a model of anybody raises: then its draw is not looked at
        return []
    called = opened.hand.decoder_inputs
    return called if len(called) == len(stepped) else []  # its step draws elsewhere


def _of_the_encoder(opened):
    """The same of an encoder that gives z beside the codes, with nothing set by hand."""
    drawing = [p for p in opened.places.places if "z" in p.names and len(p.names) == 3]
    if not drawing or opened.places.integers or not opened.fixed_image:
        return []
    encoder, names, _ = drawing[0]
    x = random_images(opened.sizes, np.random.default_rng(0))[0].astype("float32")
    with private.left_as_it_was(encoder):
        calls = [keras.tree.flatten(encoder(x, training=True)) for _ in range(ENCODED)]
    z_mean, z_log_var, z = (
        np.array([_as_array(call[names.index(name)]) for call in calls]) for name in (*CODES, "z")
    )
    third_is_deviation = np.abs(z - np.exp(0.5 * z_log_var)).max() <= Within.DRAWN
    if not (np.abs(z_log_var) <= -NARROWEST).all() or third_is_deviation:
        return []
    moved = (
        np.ptp(z_mean, axis=0).max() > Within.DRAWN
    )  # dropout: only noise that is not used is told
    if moved and np.abs(z - z_mean).max() > Within.DRAWN:
        return []
    fault = fault_of_draws(z_mean if moved else z_mean[0], z_log_var[0], z)
    return [] if fault is None else [fault]


def fault_of_draws(z_mean, z_log_var, draws):
    """What is wrong with draws `[n, ...]` of N(z_mean, exp(z_log_var)); a sentence or `None`."""
    offsets = draws - z_mean
    if np.abs(offsets).max() <= Within.DRAWN:
        return f"z is z_mean at every call, its noise is not used: {RIGHT}"
    if np.ptp(draws, axis=0).max() <= Within.DRAWN:
        said = "z is the same at every call, its noise is a constant, or drawn and not used"
        return f"{said}: {RIGHT}"
    if not np.isfinite(draws).all() or not np.isfinite(z_log_var).all():
        return None
    offsets = offsets.reshape(len(offsets), -1)
    z_log_var = z_log_var.reshape(-1)
    if _as_wide_as(np.exp(z_log_var), offsets):
        return None
    order = np.argsort(z_log_var)
    halves = [half for half in np.array_split(order, 2) if len(half)]
    wrong = {
        "drawn as if z_log_var were the log standard deviation": np.exp(2 * z_log_var),
        "drawn as if z_log_var were the standard deviation": z_log_var**2,
        "as wide as the prior, whatever z_log_var says": np.ones_like(z_log_var),
    }
    for name, variance in wrong.items():
        fits = all(_as_wide_as(variance[half], offsets[:, half]) for half in halves)
        if fits and _as_noise(variance, offsets):
            return f"z is {name}, and the KL reads a log variance: {RIGHT}"
    return None  # a flow, a layer before the decoder: not a draw that is known to be wrong


def _as_wide_as(variance, offsets):
    """Whether the mean square is that of draws of this variance."""
    with np.errstate(all="ignore"):
        squares = offsets**2 / variance
    return abs(np.mean(squares) - 1) <= Within.SURE * np.sqrt(2 / squares.size) + Within.SAME


def _as_noise(variance, offsets):
    """Whether the offsets' mean is 0, and they move as much from call to call."""
    between = np.mean(np.var(offsets, axis=0, ddof=1) / variance)
    mean = np.mean(offsets / np.sqrt(variance))
    centred = abs(mean) <= Within.SURE / np.sqrt(offsets.size)
    return centred and abs(between - 1) <= Within.SURE * np.sqrt(
        2 / (offsets.size - offsets.shape[1])
    )


def _of_idle_weights(opened, found):
    """Numbers named as the KL's weight that the loss ignores, where beta is not what they say."""
    model, beta = opened.model, found.beta_declared
    numbers = weights_of(model)
    named = {name: numbers.pop(name) for name in KL_WEIGHTS if name in numbers}
    others = [numbers, *(weights_of(layer) for layer in private.all_layers(model)[1:])]
    read = [named] if np.isclose(beta, 1, Within.ONE, 0) else [named, *others]
    if any(np.isclose(beta, v, Within.ONE, Within.DRAWN) for held in read for v in held.values()):
        return []  # one of these may be read
    probe = _probe(opened.sizes)
    said = "and the loss does not change with it: it is stored and not used"
    idle = [name for name in named if not _follows(opened, probe, name, named[name])]
    return [f"{name} is {named[name]:g}, {said}" for name in idle]


def _follows(opened, probe, name, value):
    """Whether the loss changes with a number; so it does where another value is refused."""
    before = opened(probe)
    try:
        _set(vars(opened.model), name, value + 1)
        return not abs(opened(probe) - before) <= Within.NONE * abs(before)
    except AuditError:
        return True
    finally:
        _set(vars(opened.model), name, value)


def _set(held, name, value):
    if isinstance(held[name], keras.Variable):
        held[name].assign(value)
    else:  # past Keras's own tracking of attributes
        held[name] = type(held[name])(value)


def weights_of(model):
    """A model's own numbers that are named as the weight of a term, name to value."""
    held = {name: float(value) for name, value in vars(model).items() if is_number(value)}
    return {n: v for n, v in held.items() if "beta" in n or "weight" in n or n in KL_WEIGHTS}


def is_number(value):
    """Whether an attribute of a model is a plain number or a variable that holds one."""
    if isinstance(value, keras.Variable):
        return value.shape == () and "float" in value.dtype
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _as_array(tensor):
    """NumPy's, or `None` of what is no tensor whose values are known."""
    with suppress(Exception):  # each backend raises its own
        return np.asarray(ops.convert_to_numpy(ops.stop_gradient(tensor)), "float64")


def penalties_of(opened):
    """What a model adds to its loss beside what is audited: notes, and faults."""
    first, second = (_added(opened, _probe(opened.sizes, seed)) for seed in (0, 1))
    inside = [x for place in opened.places.places for x in private.all_layers(place.layer)[1:]]
    unseen = [x for x in first if x.activity_regularizer or any(x is layer for layer in inside)]
    moving = [x.path for x in unseen if first[x] != second.get(x)]
    fixed = {x.path: value for x, value in first.items() if value and value == second.get(x)}
    for v in opened.model.trainable_variables:
        if v.regularizer is not None:
            kind = type(v.regularizer).__name__
            fixed[f"{kind} of {v.path}"] = float(_as_array(v.regularizer(v)))
    if (fixed or moving) and not _adds_losses(opened):
        said = f"the training step leaves out what is added by {_listed([*fixed, *moving])}"
        return (f"{said}: add sum(self.losses) to its loss",), ()
    size = f"{sum(fixed.values()):.3g}"
    note = f"the loss also holds {size} of penalties on weights, as they are ({_listed([*fixed])})"
    fault = f"{_listed(moving)}: add_loss or an activity regulariser adds what follows the images"
    notes = [f"{note}, which are no part of beta"][: len(fixed)]
    faults = [f"{fault} or the codes, which is no part of the ELBO nor of this beta"]
    return tuple(notes), tuple(faults[: len(moving)])


def _listed(names):
    more = [f"{len(names) - 3} more"] if len(names) > 3 else []
    return ", ".join([*names[:3], *more])


def _added(opened, probe):
    """What each layer adds to the loss in a step, those that are set by hand run too."""
    with private.attribute(opened.hand, "runs_too", opened.fixed_image):
        _decoder_inputs(opened, probe)
    added = {layer: private.added_losses(layer) for layer in private.all_layers(opened.model)}
    return {layer: sum(values) for layer, values in added.items() if values}


def _adds_losses(opened):
    """Whether a step's total holds what the layers add to their losses."""
    probe = _probe(opened.sizes)
    before = opened(probe)
    with private.attribute(opened.hand, "extra", EXTRA):
        return opened(probe) - before > EXTRA / 1000


def lacks_reconstruction(opened):
    """Whether a first step shows that neither `compile` nor `add_loss` gives a distortion."""
    model, hand = opened.model, opened.hand
    own = [getattr(getattr(model, name), "__func__", None) for name in STEP]
    if own != [getattr(keras.Model, name) for name in STEP] or private.compiles_a_loss(model):
        return False  # its step, or what that minimises, is not Keras's
    found = hand.recorder.gradients
    reached = np.any(found.get(id(hand.variables["x_decoded"]), 0.0))
    return "x_decoded" in hand.called and not reached and bool(found or not model.losses)
