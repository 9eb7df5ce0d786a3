"""What people hold a loss in: a function, a method, an object, a class, a PyTorch module."""

import contextlib
import functools
import importlib.util
import inspect
import re
import sys
from itertools import chain, product

from vaehelpers.audit.names import SPREADS, role_of
from vaehelpers.audit.verdict import AuditError

METHODS = "forward __call__ call loss_function loss_fn loss vae_loss elbo_loss criterion "
METHODS += "compute_loss elbo _calculate_combined_loss"
ENCODERS = ("encode", "encoder", "enc", "inference", "recognition")
DECODERS = ("decode", "decoder", "dec", "generator", "generate")
OF_A_BATCH = ("loss", "loss_function", "compute_loss", "elbo", "get_loss", "forward")
ENTRIES = {"training_step": 2, **dict.fromkeys(OF_A_BATCH, 1)}  # what it wants: a batch, its index
LATENTS = ("latent_dim", "z_dim", "latent_size", "n_latent")
SEVERAL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
SILENT = ("log", "log_dict")  # Lightning's, which want a trainer


def is_keras(target):
    """Whether it is a Keras model or a class of them, without importing Keras for it."""
    return _is_a(target, "keras", lambda keras: keras.Model)


def is_torch_module(target):
    """Whether it is a PyTorch module or a class of them, without importing PyTorch for it."""
    return _is_a(target, "torch", lambda torch: torch.nn.Module)


def _is_a(target, package, kind):
    imported = sys.modules.get(package)
    made = target if isinstance(target, type) else type(target)
    return bool(imported) and issubclass(made, kind(imported))


def is_factory(target):
    """Whether it is a function `(encoder, decoder) -> model`, by the names of its arguments."""
    if isinstance(target, type) or not callable(target):
        return False
    names = [name.strip("_").lower() for name in required(target)]
    return names in (["encoder", "decoder"], ["enc", "dec"])


def required(made):
    """The names of the arguments that must be given; none where there is no telling.

    Example:
        >>> required(lambda x, *more, beta, weight=1.0, **options: 0.0), required(min)
        (['x', 'beta'], [])
    """
    return [name for name, p in named_parameters(made).items() if p.default is p.empty]


def named_parameters(made):
    """The parameters of one value each, by their names."""
    return {p.name: p for p in parameters_of(made) if p.kind not in SEVERAL}


def parameters_of(made):
    """The parameters of a function or class; none where there is no telling."""
    try:
        return list(inspect.signature(made).parameters.values())
    except (TypeError, ValueError):  # what is not written in Python, such as a scripted function
        return []


def takes_any(made):
    """Whether a function or class takes any number of arguments by position."""
    return any(p.kind == p.VAR_POSITIONAL for p in parameters_of(made))


def device_of(function):
    """Where the numbers of the PyTorch module are that is the loss or has it as a method."""
    whole = function.func if isinstance(function, functools.partial) else function
    module = getattr(whole, "__self__", whole)
    if isinstance(module, type) or not is_torch_module(module):
        return None
    return next((p.device for p in chain(module.parameters(), module.buffers())), None)


def loaded():
    """The frameworks that may be a loss's own, for they are imported; the quickest first."""
    return [name for name in ("numpy", "torch", "tensorflow", "jax") if sys.modules.get(name)]


def load(framework):
    """Import a framework that is asked for by name."""
    if importlib.util.find_spec(framework) is None:
        raise ValueError(f"framework is {framework!r}, which is not installed")
    return importlib.import_module(framework).__name__


HINTS = {  # advice, which decides nothing
    "object has no attribute": "if that is an argument of its class, make an object of it in the "
    "file and audit that",
    "NVIDIA|CUDA|cuda|hip driver": "the loss moves tensors to a GPU, and there is none here: take "
    ".cuda() out, or use x.device",
    "support|constraint": "a distribution that takes bits only needs validate_args=False",
}


def advice(message):
    """What may help against an error of a loss: for people, nothing is decided by it."""
    return [hint for pattern, hint in HINTS.items() if re.search(pattern, message)]


def lacking(function, way, arguments, error):
    """What a call lacks: a name that its **options want, or what its signature wants beside."""
    options = any(p.kind == p.VAR_KEYWORD for p in parameters_of(function))
    if options and isinstance(error, KeyError):
        return [name for name in error.args if isinstance(name, str)]
    unnamed = [name for name in required(function) if name not in dict(way.by_name) | arguments]
    return unnamed[len(way.positional) :]


def refuse_graph_mode():
    """One line where an import has switched TensorFlow's eager execution off."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow and not tensorflow.executing_eagerly():
        raise AuditError(
            "TensorFlow is in graph mode, where a loss has no value: delete the line tf.compat.v1."
            "disable_eager_execution(), and audit a function (x, x_decoded, z_mean, z_log_var)"
        )


def find_loss(target):
    """The function to call for the loss: the target, or a method of it; a class is instantiated.

    Raises:
        AuditError: for a class that wants arguments, and where no method looks like a loss.
        TypeError: for what cannot be called.
    """
    if isinstance(target, type):
        target = instance_of(target)
    if inspect.isroutine(target) or isinstance(target, functools.partial):
        return target
    for name in METHODS.split():
        method = getattr(target, name, None)
        if inspect.ismethod(method) and _looks_like_a_loss(method, name):
            return method
    if is_torch_module(target):
        return _loss_of_module(target)
    if not callable(target):
        wanted = "pass a function (x, x_decoded, z_mean, z_log_var), or what holds one"
        raise TypeError(f"loss_fn is a {type(target).__name__}: {wanted}")
    return target


def instance_of(made):
    """An object of a class that wants no arguments."""
    try:
        return made()
    except TypeError as error:
        wants = required(made)
        if not wants:
            raise
        name = made.__name__
        raise AuditError(
            f"{name} wants ({', '.join(wants)}): make one, loss = {name}({wants[0]}=...), and "
            "audit that"
        ) from error


def _looks_like_a_loss(method, name):
    """Whether it takes images and codes, by its arguments' names, or four that tell nothing."""
    if takes_any(method):
        return name not in ("__call__", "call", "forward")
    roles = [role_of(argument) for argument in named_parameters(method)]
    codes = "z_mean" in roles and set(roles) & set(SPREADS)
    images = "x_decoded" in roles and len(roles) >= 2
    return bool(codes or images or (len(roles) == 4 and None in roles))


def _loss_of_module(model):
    """The loss of a module that computes it from images: what its networks return is set by hand.

    Its encoder and decoder are methods or submodules; or submodules give the mean and the spread.
    """
    encoder, decoder = (
        next((name for name in names if callable(getattr(model, name, None))), None)
        for names in (ENCODERS, DECODERS)
    )
    heads = _heads(model)
    entries = {name: n for name, n in ENTRIES.items() if _wants(model, name) == n}
    if not (decoder and (encoder or heads) and entries):
        kind = type(model).__name__
        raise AuditError(
            f"{kind} has no loss that could be found: none of its methods takes (recon, x, mu, "
            "logvar), nor has it an encoder, a decoder and a loss(x): name the method, "
            f"FILE.py:{kind}.METHOD, or write a function"
        )

    def loss(x, x_decoded, z_mean, spread):
        joined = sys.modules["torch"].cat([z_mean, spread], dim=1)
        forms = [{encoder: (z_mean, spread)}, {encoder: joined}]
        if heads:
            forms = [dict(zip(heads, (z_mean, spread), strict=True))]
        batches = ((x, x[:, :1]), x, {"x": x, "image": x, "images": x})
        failures = []
        for codes, entry, batch in product(forms, entries, batches):
            try:
                with _returning(model, codes | {decoder: x_decoded}):
                    found = getattr(model, entry)(*(batch, 0)[: entries[entry]])
                if getattr(found[0] if isinstance(found, tuple) else found, "ndim", 0) <= 1:
                    return found
                failures.append(AuditError(f"{entry} returns no loss"))
            except Exception as error:  # whatever a model raises on a batch of another form
                failures.append(error)
        raise failures[0]

    said = [getattr(getattr(model, name), "out_features", None) for name in heads[:1]]
    said += [getattr(model, name, None) for name in LATENTS]
    loss.latent_dim = next((n for n in said if type(n) is int), None)
    loss.__self__ = model
    return loss


def _heads(model):
    """The names of the submodules that give the mean and the spread; none or both."""
    many = sys.modules["torch"].nn.Sequential
    parts = [name for name, part in model.named_children() if not isinstance(part, many)]
    mean = [name for name in parts if role_of(name) == "z_mean"]
    spread = [name for name in parts if role_of(name) in SPREADS]
    return (mean[0], spread[0]) if mean and spread else ()


def _wants(model, name):
    method = getattr(model, name, None)
    return len(required(method)) if inspect.ismethod(method) else None


@contextlib.contextmanager
def _returning(model, outputs):
    """The module with parts that return these outputs for a while; as it was afterwards."""
    outputs = outputs | {name: None for name in SILENT if hasattr(model, name)}
    with contextlib.ExitStack() as stack:
        for name, output in outputs.items():
            part = getattr(model, name)
            held = (part, "forward") if is_torch_module(part) else (model, name)
            if held[1] in vars(held[0]):
                stack.callback(setattr, *held, getattr(*held))
            else:
                stack.callback(delattr, *held)
            setattr(*held, lambda *given, output=output, **options: output)
        yield
