"""A Keras model as an opened loss: its own training step runs, its codes and images set by hand.

A class `VAE(encoder, decoder)` is made with small networks: then it is a model like any other.
"""

import contextlib
from functools import partial
from itertools import product

import keras
import numpy as np
from keras import ops

from vaehelpers.audit import keras_faults, private
from vaehelpers.audit.keras_find import FORMS, name_of, one_line, places_of, small_networks
from vaehelpers.audit.names import TOTALS
from vaehelpers.audit.probes import at_probe, check_sizes
from vaehelpers.audit.targets import named_parameters, required, takes_any
from vaehelpers.audit.verdict import AuditError

IMAGE_SHAPE = (28, 28, 1)  # of a class, which has none of its own
LATENT_DIM = 2
NETWORKS = ("encoder", "decoder")


@contextlib.contextmanager
def opened_keras(vae, image_shape=None, latent_dim=None, batch_size=8, loss=None):
    """What `audit_keras_vae` is given as an `OpenedKeras`; a model is as it was afterwards.

    An `AuditError` that is raised meanwhile comes out with what else the model adds to its loss.
    """
    is_model = isinstance(vae, keras.Model)
    if not is_model and not callable(vae):
        wanted = "pass the class, a function (encoder, decoder) -> model, or a compiled Keras model"
        raise TypeError(f"vae is {vae!r}: {wanted}")
    if is_model and loss is not None:
        said = f"loss is for a class: {name_of(vae)} is a model"
        raise AuditError(f"{said}, compile it with its loss before its audit")
    with contextlib.ExitStack() as stack:
        stack.enter_context(private.random_numbers_kept())
        if not is_model and takes_networks(vae):
            sizes = check_sizes(image_shape or IMAGE_SHAPE, latent_dim or LATENT_DIM, batch_size)
            opened = _opened_class(vae, loss, sizes)
        else:
            model = vae if is_model else compiled(vae(), loss)
            stack.enter_context(private.left_as_it_was(model))
            opened = _opened_model(model, image_shape, latent_dim, batch_size)
        with contextlib.suppress(AuditError):  # it may refuse the codes that this takes
            notes, opened.added = keras_faults.penalties_of(opened)
            opened.notes += notes
        try:
            yield opened
        except AuditError as error:
            if not opened.added:
                raise
            raise AuditError(f"{error}; {opened.added[0]}", error.about) from error


def _opened_model(model, image_shape, latent_dim, batch_size):
    """A compiled model at its own sizes."""
    if any(getattr(model, name, model) is None for name in NETWORKS):
        name = name_of(model)
        raise TypeError(f"vae is an instance of {name}: pass the class, or one with networks")
    if not model.compiled:
        cure = "call its compile(...) as you do before fit, then audit it"
        raise AuditError(f"{name_of(model)} is not compiled: {cure}", "model")
    places = places_of(model, image_shape)
    own = places.image_shape, places.latent_dim
    said = f"could not be trained for one step on images {places.input_shape}"
    cure = "does vae.fit(x) or vae.fit(x, x) work?"

    def at(sizes, about="size"):
        if (sizes.image_shape, sizes.latent_dim) != own:
            built = f"is built for images {own[0]} and codes {places.codes_shape} only"
            raise AuditError(f"{name_of(model)} {built}", about)
        ways = [partial(OpenedKeras, model, places, sizes, at, with_y) for with_y in (False, True)]
        opened = _first_that_trains(ways, model, said, cure, about)
        opened.fixed_image = True
        return opened

    opened = at(check_sizes(*own, batch_size), about="model")
    if (tuple(image_shape or own[0]), latent_dim or own[1]) != own:
        opened.notes = (f"audited at the model's own sizes: images {own[0]}, {own[1]} latents",)
    return opened


def _opened_class(made, loss, sizes, known=None):
    """A class or function, made in the first way in which it trains, or in a known one."""
    shape = sizes.image_shape
    axes = [n for n in (len(shape), len(shape) - 1) if n]  # whole numbers have no last axis
    every = product(FORMS, axes, (False, True))
    said = f"could not be made as VAE(encoder, decoder) and trained for one step on images {shape}"
    cure = "pass its own image_shape=, a function (encoder, decoder) -> model or a compiled model"

    def opened_in(way):
        form, axes, with_y = way
        encoder, decoder, places = small_networks(form, shape[:axes], shape, sizes.latent_dim)
        by_name = set(NETWORKS) <= set(named_parameters(made))
        model = made(encoder=encoder, decoder=decoder) if by_name else made(encoder, decoder)
        again = partial(_opened_class, made, loss, known=way)
        return OpenedKeras(compiled(model, loss), places, sizes, again, with_y)

    ways = [partial(opened_in, way) for way in ([known] if known else every)]
    return _first_that_trains(ways, made, said, cure, "size" if known else "model")


def _first_that_trains(ways, made, said, cure, about):
    """What the first of these functions opens that trains; else the failure that came furthest."""
    furthest = -1
    for way in ways:
        opened = None
        try:
            opened = way()
            opened.step(np.full((opened.sizes.batch, *opened.sizes.image_shape), 0.5))
        except AuditError:
            raise
        except Exception as error:  # whatever anybody's model raises: another way may do
            came = 0 if opened is None else len(opened.hand.called)
            if came > furthest:
                furthest, failed, failure = came, opened, error
        else:
            failed, failure = opened, None
            break
    if failed is not None and keras_faults.lacks_reconstruction(failed):
        said = "has no reconstruction term of its own before it is compiled"
        cure = "pass loss=..., what you compile it with, or a function (encoder, decoder) -> model"
        raise AuditError(f"{name_of(made)} {said}: {cure} that compiles it", about) from failure
    if failure is not None:
        said = f"{name_of(made)} {said} ({one_line(failure)})"
        raise AuditError(f"{said}: {cure}", about) from failure
    return failed


class OpenedKeras:
    """A compiled model as a loss of what is set by hand, at one size; `again` opens others."""

    framework = "keras"
    takes_classes = False
    way = None
    rounding = np.finfo("float32").eps
    fixed_image = False  # whether it has image sizes of its own
    notes = ()
    added = ()  # faults: what the model adds to its loss beside what is audited
    faults = keras_faults.faults_of  # a method of what the audit of its loss found

    def __init__(self, model, places, sizes, again, with_y=False):
        self.model = model
        self.places = places
        self.sizes = sizes
        self.again = again
        self.with_y = with_y or private.compiles_a_loss(model)
        shapes = places.decoded_shape, places.codes_shape, places.codes_shape
        self.hand = private.Hand(*((sizes.batch, *shape) for shape in shapes))
        self.by_hand = partial(self.hand.holds, model, places.places)

    def at(self, sizes):
        """The same at other sizes; an `AuditError` about "size" where the model takes none."""
        return self if sizes == self.sizes else self.again(sizes)

    def __call__(self, probe):
        self.hand.take(probe)
        try:
            return np.asarray(self.step(probe.x), "float64")
        except AuditError:
            raise
        except Exception as error:  # a class may refuse some sizes or codes, as a function may
            raise AuditError(f"the training step raised {at_probe(error, probe)}") from error

    def gradients(self, probe):
        """d loss / d (x_decoded, z_mean, z_log_var) as they reach the optimiser."""
        self(probe)
        found = self.hand.recorder.gradients
        if not found:
            said = "no gradient reached the optimiser that the model is compiled with"
            raise AuditError(f"{said}: has it its own?")
        parts = zip(self.hand.variables.values(), probe[1:], strict=True)
        return [found.get(id(v), np.zeros(v.shape)).reshape(value.shape) for v, value in parts]

    def inputs(self, x):
        """Images and their target as the model takes them: of scores the indices of the largest."""
        decoded = self.places.decoded_shape
        whole = x.dtype.kind in "iu" and x.ndim == len(decoded)
        indices = x.argmax(axis=-1) if self.places.integers and not whole else x
        x = indices.astype("int32" if self.places.integers or whole else "float32")
        y = x.reshape(len(x), *decoded) if x[0].size == np.prod(decoded) else x
        return ops.convert_to_tensor(x), ops.convert_to_tensor(y)

    def step(self, x):
        """One training step on images x, an array: the total that it reports."""
        first = not self.hand.called
        self.hand.forget()
        self.model.reset_metrics()
        x, y = self.inputs(x)
        with self.by_hand():
            if first and keras.backend.backend() == "jax":  # whose steps make no weights
                self.model(x)
                self.hand.forget()
            logs = private.train_step(self.model, (x, y) if self.with_y else x)
        total = next((logs[key] for key in TOTALS if key in logs), None)
        if total is None:
            said = f"the training step reports {sorted(logs)}"
            raise AuditError(f"{said}: it must report the total as 'loss'")
        return float(ops.convert_to_numpy(total))


def takes_networks(made):
    """Whether a class or function is called on two networks: a class of models may make its own."""
    named = named_parameters(made)
    wanted = required(made)
    is_class = isinstance(made, type) and issubclass(made, keras.Model) and not takes_any(made)
    makes_its_own = is_class and not any("enc" in name or "dec" in name for name in named)
    if makes_its_own and not wanted:
        return False
    name = name_of(made)
    if makes_its_own and len(named) < 2:
        cure = f"pass the model {name}({wanted[0]}=...), compiled"
        raise AuditError(f"{name} takes no networks and wants {wanted[0]}: {cure}", "model")
    by_position = [n for n in wanted if named[n].kind is not named[n].KEYWORD_ONLY]
    first = NETWORKS if set(NETWORKS) <= set(named) else by_position[:2]
    more = [n for n in wanted if n not in first]
    if more:
        values = ", ".join(f"{n}=..." for n in more)
        cure = f"pass lambda encoder, decoder: {name}(encoder, decoder, {values})"
        raise AuditError(f"{name} also wants {', '.join(more)}, without a default: {cure}", "model")
    return True


def compiled(model, loss=None):
    """A model, compiled with an optimiser for all that its own `compile` wants; it runs eagerly."""
    if model.compiled and loss is not None:
        said = "the model is compiled already, with a loss of its own"
        raise AuditError(f"{said}: leave loss= out, or do not compile it")
    if not model.compiled:
        wanted = {*required(model.compile), "optimizer"} & set(named_parameters(model.compile))
        arguments = {name: keras.optimizers.SGD() for name in wanted}
        model.compile(**(arguments if loss is None else arguments | {"loss": loss}))
    model.run_eagerly = True
    return model
