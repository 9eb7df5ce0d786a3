"""A PyTorch module that computes its loss from images: its encoder and decoder give way to what the audit sets."""

import contextlib
import inspect
import sys

from vaehelpers.audit.calling.names import SPREADS, role_of
from vaehelpers.audit.verdict import AuditError

ENCODERS = ("encode", "encoder", "enc", "inference", "recognition")
DECODERS = ("decode", "decoder", "dec", "generator", "generate")
ENTRIES = ("training_step", "loss", "loss_function", "compute_loss", "elbo", "get_loss", "forward")
SILENT = ("log", "log_dict")  # Lightning's, which want a trainer


class Set:
    """What a stub returns at the next call: tensors that the audit sets."""

    def __init__(self):
        self.values = None

    def __call__(self, *inputs, **options):
        return self.values


def loss_of_model(model):
    """The loss of a module as a function `(x, x_decoded, z_mean, spread)`, with its networks' outputs set by hand.

    Args:
        model: a `torch.nn.Module` with an encoder and a decoder (methods or submodules; or submodules for the mean
            and the spread), and with a `training_step(batch, batch_idx)`, `loss(x)`, ... or `forward(x)` that
            returns the loss.

    Raises:
        AuditError: where no such parts are found; it says what to type.
    """
    encoder = _first(model, ENCODERS)
    decoder = _first(model, DECODERS)
    heads = _heads(model)
    entries = [name for name in ENTRIES if _takes_images(model, name)]
    if decoder is None or not (encoder or heads) or not entries:
        kind = type(model).__name__
        raise AuditError(
            f"{kind} has no loss that could be found: none of its methods takes (recon, x, mu, logvar), nor has it an "
            f"encoder, a decoder and a loss(x): name the method, FILE.py:{kind}.METHOD, or write a function"
        )

    def loss(x, x_decoded, z_mean, spread):
        mean, other = Set(), Set()
        mean.values, other.values = z_mean, spread
        codes = Set()
        images = Set()
        images.values = x_decoded
        stubs = dict(zip(heads, (mean, other), strict=True)) if heads else {encoder: codes}
        failures = []
        for form in ((z_mean, spread), _joined(z_mean, spread)) if not heads else (None,):
            codes.values = form
            for entry in entries:
                for batch in ((x, x[:, :1]), x, {"x": x, "image": x, "images": x}):
                    try:
                        with replaced(model, stubs | {decoder: images}):
                            return _call(model, entry, batch)
                    except Exception as error:  # whatever a model raises on a batch of another form
                        failures.append(error)
        raise failures[0]

    loss.latent_dim = _latent_dim(model, heads)
    loss.__self__ = model
    return loss


def _latent_dim(model, heads):
    """The number of latents that a module says it has, or `None`."""
    said = getattr(getattr(model, heads[0]), "out_features", None) if heads else None
    sizes = [said, *(getattr(model, name, None) for name in ("latent_dim", "z_dim", "latent_size", "n_latent"))]
    return next((size for size in sizes if isinstance(size, int) and not isinstance(size, bool)), None)


def _first(model, names):
    return next((name for name in names if callable(getattr(model, name, None))), None)


def _heads(model):
    """The names of the submodules that give the mean and the spread, as `fc_mu` and `fc_var`; none or both."""
    torch = sys.modules["torch"]
    linear = {name: part for name, part in model.named_children() if not isinstance(part, torch.nn.Sequential)}
    mean = [name for name in linear if role_of(name) == "z_mean"]
    spread = [name for name in linear if role_of(name) in SPREADS]
    return (mean[0], spread[0]) if mean and spread else ()


def _takes_images(model, name):
    """Whether a method wants one batch, and an index at most."""
    method = getattr(model, name, None)
    if not inspect.ismethod(method) or method.__qualname__.startswith("Module."):
        return False
    wanted = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty]
    return len(wanted) == (2 if name == "training_step" else 1)


def _joined(z_mean, spread):
    return sys.modules["torch"].cat([z_mean, spread], dim=1)


def _call(model, entry, batch):
    method = getattr(model, entry)
    found = method(batch, 0) if entry == "training_step" else method(batch)
    loss = found[0] if isinstance(found, tuple) else found
    if getattr(loss, "ndim", 0) > 1:
        raise AuditError(f"{entry} returns no loss")
    return found


@contextlib.contextmanager
def replaced(model, stubs):
    """The module with other parts under these names for a while; as it was afterwards."""
    torch = sys.modules["torch"]

    class Stub(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, *inputs, **options):
            return self.inner()

    modules = dict(model._modules)
    own = dict(model.__dict__)
    try:
        for name, stub in stubs.items():
            if name in model._modules:
                model._modules[name] = Stub(stub)
            else:
                model.__dict__[name] = stub
        for name in SILENT:
            if hasattr(model, name):
                model.__dict__[name] = lambda *logged, **options: None
        yield
    finally:
        model.__dict__.clear()
        model.__dict__.update(own)
        model._modules.clear()
        model._modules.update(modules)
