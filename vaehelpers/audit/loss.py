"""An opened loss: anybody's function as one of NumPy probes, called in its own framework."""

import importlib
import sys
import warnings
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, product

import numpy as np

from vaehelpers.audit.calls import Way, tiers_of, total_of
from vaehelpers.audit.probes import Probe, at_probe, random_codes, random_images
from vaehelpers.audit.targets import advice, device_of, lacking, load, loaded
from vaehelpers.audit.verdict import AuditError
from vaehelpers.audit.ways import missing

NO_NUMBERS = {"c": "complex numbers: return a real loss", "b": "True or False: return the loss"}


class SetUpError(RuntimeError):
    """A framework's arrays could not be made: the loss is not at fault."""


def _of_tensorflow(function, leaves):
    tf = sys.modules["tensorflow"]
    with tf.GradientTape() as tape:
        tape.watch(leaves)
        loss = tf.reduce_mean(function(leaves))
    return tape.gradient(loss, leaves, unconnected_gradients="zero")


def _of_torch(function, leaves):
    torch = sys.modules["torch"]
    with torch.enable_grad():
        leaves = {role: tensor.requires_grad_() for role, tensor in leaves.items()}
        loss = function({role: tensor.clone() for role, tensor in leaves.items()}).mean()
        every = sum(0 * tensor.sum() for tensor in leaves.values())  # of unused ones it is 0
    found = torch.autograd.grad(loss + every, list(leaves.values()))
    return dict(zip(leaves, found, strict=True))


def _of_jax(function, leaves):
    return sys.modules["jax"].grad(lambda new: function(new).mean())(leaves)


GRADIENTS = {"tensorflow": _of_tensorflow, "jax": _of_jax, "torch": _of_torch}
FRAMEWORKS = ("numpy", *GRADIENTS)
TENSORS = {
    "numpy": lambda array, device: array,
    "tensorflow": lambda array, device: sys.modules["tensorflow"].constant(array),
    "jax": lambda array, device: sys.modules["jax"].numpy.asarray(array),
    "torch": lambda array, device: sys.modules["torch"].tensor(array, device=device),
}


def to_numpy(tensor):
    """A tensor of any framework as a NumPy array of real numbers; others are refused."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        tensor = (tensor.double() if tensor.element_size() == 2 else tensor).numpy()
    array = np.asarray(tensor)
    if array.dtype.kind in NO_NUMBERS:
        raise AuditError(f"loss_fn returned {NO_NUMBERS[array.dtype.kind]} itself")
    return array if array.dtype.kind in "fiu" else array.astype("float64")


def _settings(framework):
    """What a loss is called under: quiet, for a probe outside its domain is the audit's doing."""
    yield warnings.catch_warnings(action="ignore")
    yield np.errstate(all="ignore")
    if framework == "torch":
        yield sys.modules["torch"].inference_mode(False)
    if framework == "jax":  # whose switch stood elsewhere before JAX 0.8
        jax = sys.modules["jax"]
        old = None if hasattr(jax, "enable_x64") else importlib.import_module("jax.experimental")
        yield (old or jax).enable_x64(True)


@dataclass(frozen=True)
class Loss:
    """A function called in a `Way` and a framework, as one of probes to float64 values."""

    function: object
    way: Way
    arguments: dict
    framework: str
    dtype: str
    first: dict  # arrays with which it can be called ...
    answer: object = None  # ... and what it returned for them

    @property
    def takes_classes(self):
        return self.way.classes

    @cached_property
    def device(self):  # of the numbers of PyTorch's module that the loss is or has
        return device_of(self.function)

    @cached_property
    def rounding(self):
        """The rounding unit of its values: it may compute in float32 whatever it is given."""
        value = to_numpy(total_of(self.answer, self.way.result))
        with np.errstate(all="ignore"):
            narrow = np.all((value == value.astype("float32")) & (value != 0))
        single = value.dtype.itemsize <= 4 or self.dtype == "float32" or narrow
        kind = "float16" if value.dtype.itemsize == 2 else "float32" if single else "float64"
        return np.finfo(kind).eps

    @cached_property
    def _fast(self):
        """Compiled by JAX, unless that cannot be or the loss draws noise outside of JAX."""
        if self.framework != "jax":
            return self.total
        forms = (self.total, self.total, sys.modules["jax"].jit(self.total))
        with suppress(Exception):  # a loss that leaves JAX's arrays is only slower
            once, again, _ = (to_numpy(self.on(self.first, form)) for form in forms)
            return forms[2 if np.array_equal(once, again) else 0]
        return self.total

    def at(self, sizes):  # a function is the same at all
        return self

    def __call__(self, probe):
        try:
            value = to_numpy(self.on(self.way.arrays(probe), self._fast)).astype("float64")
        except (AuditError, SetUpError):
            raise
        except Exception as error:  # anybody's loss may refuse some sizes or codes
            raise AuditError(f"loss_fn raised {at_probe(error, probe)}") from error
        if value.shape not in ((), (len(probe.x),)):
            said = f"shape {value.shape} for a batch of {len(probe.x)}"
            raise AuditError(f"loss_fn returned {said}: return one number, or one per example")
        return value

    def gradients(self, probe):
        """d mean(loss) / d (x_decoded, z_mean, z_log_var); `None` in NumPy, which has none."""
        if self.framework not in GRADIENTS:
            return None
        arrays = self.way.arrays(probe)
        found = self.on(arrays, self._gradients)
        found = {role: to_numpy(gradient).astype("float64") for role, gradient in found.items()}
        return self.way.carried(found, arrays, probe)

    def _gradients(self, tensors):
        leaves = {role: tensor for role, tensor in tensors.items() if role != "x"}
        return GRADIENTS[self.framework](lambda new: self._fast(tensors | new), leaves)

    def on(self, arrays, function):
        """What a function makes of a dict of NumPy arrays, given to it as the loss's tensors."""
        with ExitStack() as stack:
            try:
                for setting in _settings(self.framework):
                    stack.enter_context(setting)
                tensors = {name: self._tensor(array) for name, array in arrays.items()}
            except Exception as error:  # whatever a broken or an unknown installation raises
                raise SetUpError(
                    f"the audit could not make arrays of {self.framework} ({error!r:.200}): that "
                    "is a fault of the audit or of this installation, not of loss_fn"
                ) from error
            return function(tensors)

    def _tensor(self, array):
        kind = self.dtype if array.dtype.kind == "f" else array.dtype
        return TENSORS[self.framework](array.astype(kind), self.device)

    def returned(self, tensors):
        """All that the function returns."""
        positional, by_name = self.way.arguments(tensors)
        return self.function(*positional, **by_name, **self.arguments)

    def total(self, tensors):
        return total_of(self.returned(tensors), self.way.result)


def open_loss(
    function, way, sizes, *, framework="auto", arguments=(), result=None, latent_shape=None
):
    """A loss opened in the first framework, type and layout of images in which it can be called.

    Args:
        function, way, sizes: what is called, the `Way`, and the `Sizes` of the first call.
        framework, arguments, result, latent_shape: as of `audit_loss`.

    Returns:
        Tiers of `Loss`es: one, or one for each entry that may be the total, and then their sum.

    Raises:
        AuditError: about "call" where it raised in every form; else for what it returned.
        SetUpError: where the arrays to call it with cannot be made.
    """
    names = loaded() if framework == "auto" else [load(framework)]
    rng = np.random.default_rng(1)
    probe = Probe(*random_images(sizes, rng), *random_codes(sizes, 0.3, rng))
    layouts = way._replace(result=result, latent_shape=latent_shape).layouts(sizes.image_shape)
    failures = []
    for layout, name, dtype in product(layouts, names, ("float64", "float32")):
        loss = Loss(function, layout, dict(arguments), name, dtype, layout.arrays(probe))
        try:
            return _tiers(loss, framework == "auto")
        except AuditError:
            raise
        except Exception as error:  # whatever anybody's loss raises: another form may do
            failures.append((loss, error))
    raise _refusal([failure for failure in failures if failure[0].way == layouts[0]], probe)


def _tiers(loss, auto):
    """The loss for each part of what it returns that may be the total, in tiers."""
    answer = loss.on(loss.first, loss.returned)
    tiers = tiers_of(answer, loss.way.result)
    totals = [total_of(answer, name) for name in tiers[0]]
    homes = {type(total).__module__.split(".")[0].replace("jaxlib", "jax") for total in totals}
    own = sorted(homes & set(GRADIENTS))
    if auto and own and loss.framework not in own:
        return _tiers(replace(loss, framework=own[0]), False)
    if len(totals) == 1:
        to_numpy(totals[0])  # what is no number may be one where it is called in another form
    ways = [[loss.way._replace(result=name) for name in names] for names in tiers]
    return [[replace(loss, way=way, answer=answer) for way in tier] for tier in ways]


def _refusal(failures, probe):
    """The error for a loss that raised in every framework, and what to type."""
    broken = [error for _, error in failures if isinstance(error, SetUpError)]
    loss, error = next((f for f in reversed(failures) if f[0].framework != "numpy"), failures[-1])
    wanted = lacking(loss.function, loss.way, loss.arguments, error)
    if broken or wanted:
        return broken[0] if broken else missing(*wanted)
    message = " ".join(str(error).split())[:300]
    hint = next((f" ({hint})" for hint in chain(_of_range(failures, probe), advice(message))), "")
    called = f"loss_fn({loss.way.written()}) on {loss.framework} arrays"
    said = f"loss_fn could not be called as {called}: {type(error).__name__}: {message}{hint}"
    return AuditError(said, about="call")


def _of_range(failures, probe):
    """What to say where the loss can be opened with images of another range."""
    for (low, high), (loss, _) in product(((-1, 1), (0, 255)), failures):
        images = [low + (high - low) * image for image in probe[:2]]
        with suppress(Exception):
            _tiers(replace(loss, first=loss.way.arrays(Probe(*images, *probe[2:]))), False)
            said = f"say image_range=({low}, {high}), or --image-range={low},{high}"
            yield f"its images lie in [0, 1] and its outputs in (0.05, 0.95): {said}"
