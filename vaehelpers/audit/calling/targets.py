"""What people hold a loss in: a function, a method, an object, a class, a PyTorch module, a Keras model."""

import functools
import inspect
import sys

from vaehelpers.audit.calling.names import SPREADS, role_of
from vaehelpers.audit.verdict import AuditError

METHODS = ("forward", "__call__", "call", "loss_function", "loss_fn", "loss", "vae_loss", "elbo_loss", "criterion")
METHODS += ("compute_loss", "elbo", "_calculate_combined_loss")


def is_keras(target):
    """Whether it is a Keras model or a class of them, without importing Keras for it."""
    keras = sys.modules.get("keras")
    return keras is not None and _is_a(target, keras.Model)


def is_torch_module(target):
    """Whether it is a PyTorch module or a class of them, without importing PyTorch for it."""
    torch = sys.modules.get("torch")
    return torch is not None and _is_a(target, torch.nn.Module)


def device_of(target):
    """Where the parameters of a PyTorch module are that is the loss or has it as a method; `None` for another loss."""
    module = getattr(target, "__self__", target)
    return next((p.device for p in module.parameters()), None) if is_torch_module(module) else None


def is_factory(target):
    """Whether it is a function `(encoder, decoder) -> model`, by the names of its arguments."""
    if isinstance(target, type) or not callable(target):
        return False
    try:
        names = [p.name for p in inspect.signature(target).parameters.values() if p.default is p.empty]
    except (TypeError, ValueError):
        return False
    return [name.strip("_").lower() for name in names] in (["encoder", "decoder"], ["enc", "dec"])


def _is_a(target, kind):
    return isinstance(target, kind) or (isinstance(target, type) and issubclass(target, kind))


def loss_in(target):
    """The function, method or module that is to be called for the loss.

    Args:
        target: a function, a bound method, or an object or class that has one; a class is made without arguments.

    Raises:
        AuditError: for a class that wants arguments, and where no method looks like a loss; it says what to type.
        TypeError: for what cannot be called.
    """
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and not tensorflow.executing_eagerly():
        from vaehelpers.audit.keras_vae import refuse_graph_mode

        refuse_graph_mode()
    if isinstance(target, type):
        target = instance_of(target)
    if inspect.isroutine(target) or isinstance(target, functools.partial):
        return target
    for name in METHODS:
        method = getattr(target, name, None)
        if not inspect.ismethod(method):
            continue
        torch_s_own = is_torch_module(target) and (name == "__call__" or method.__name__ == "_forward_unimplemented")
        if not torch_s_own and looks_like_a_loss(method):
            return method
    if is_torch_module(target):
        from vaehelpers.audit.calling.torch_model import loss_of_model

        return loss_of_model(target)
    kind = type(target).__name__
    if not callable(target):
        raise TypeError(f"loss_fn is a {kind}: pass a function (x, x_decoded, z_mean, z_log_var), or what holds one")
    return target


def instance_of(made):
    """An object of a class that wants no arguments."""
    try:
        return made()
    except TypeError as error:
        wants = _required(made)
        if not wants:
            raise
        name = made.__name__
        said = f"{name} wants ({', '.join(wants)})"
        raise AuditError(f"{said}: make one, loss = {name}({wants[0]}=...), and audit that") from error


def _required(made):
    parameters = inspect.signature(made).parameters.values()
    plain = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in plain]


def looks_like_a_loss(method):
    """Whether a method takes images and codes, by the names of its arguments, or four that tell nothing.

    Example:
        >>> class Model:
        ...     def forward(self, x): ...
        ...     def loss(self, recon, x, mu, logvar): ...
        >>> looks_like_a_loss(Model().forward), looks_like_a_loss(Model().loss)
        (False, True)
    """
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):  # what is not written in Python, such as a scripted function
        return False
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    roles = [role_of(name) for name in names]
    if any(p.kind == p.VAR_POSITIONAL for p in parameters):
        return method.__name__ not in ("__call__", "call", "forward")
    codes = "z_mean" in roles and any(role in SPREADS for role in roles)
    return codes or ("x_decoded" in roles and len(names) >= 2) or (len(names) == 4 and None in roles)
