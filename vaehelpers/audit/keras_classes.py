"""A class VAE(encoder, decoder), or a function that makes a model of them, as a loss: made, compiled, tried once."""

import inspect
import re

import keras
import numpy as np

from vaehelpers.audit.keras_step import (
    KerasOracle,
    as_it_is,
    compiles_a_loss,
    lacks_reconstruction,
    record,
    with_target,
)
from vaehelpers.audit.keras_stubs import FORMS, Hand, Network, Recorder
from vaehelpers.audit.verdict import AuditError

NETWORKS = ("encoder", "decoder")
ONE_LINE = 160  # characters of another library's message
EMPTY = inspect.Parameter.empty


def open_class(made, sizes, loss=None):
    """The `KerasOracle` of the first way in which `made(encoder, decoder)` trains for one step.

    Args:
        made: the class or function.
        sizes: `Sizes`.
        loss: what to compile it with, or `None`.

    Raises:
        AuditError: where no way does; one line, with the failure that came furthest.
    """
    x = np.full((sizes.batch, *sizes.image_shape), 0.5)
    furthest, failure = -1, None
    for form in FORMS:
        for integers in (False, True) if len(sizes.image_shape) > 1 else (False,):
            for data in (as_it_is, with_target):
                hand = Hand()
                hand.hold(x.shape, (sizes.batch, sizes.latent_dim))
                networks = Network(hand, form, "encoder"), Network(hand, ("x_decoded",), "decoder")
                try:
                    return _trained_once(made, networks, hand, loss, data, integers, x)
                except AuditError:
                    raise
                except Exception as error:  # whatever the class raises: its encoder or its data may have another form
                    calls = sum(network.calls > 0 for network in networks)
                    if calls > furthest:
                        furthest, failure = calls, error
    raise AuditError(_no_step(made, failure, sizes)) from failure


def _trained_once(made, networks, hand, loss, data, integers, x):
    model = make(made, networks)
    recorder = Recorder()
    compile_with(model, recorder, loss)
    if compiles_a_loss(model) and data is as_it_is:
        data = with_target
    oracle = KerasOracle(model, hand, recorder, data, integers)
    oracle.step(x)
    if lacks_reconstruction(oracle):
        raise AuditError(no_reconstruction(made))
    return oracle


def make(made, networks):
    """`made(encoder, decoder)`, by name where it has these names."""
    names = _parameters(made)
    if names and all(name in names for name in NETWORKS):
        return made(**dict(zip(NETWORKS, networks, strict=True)))
    return made(*networks)


def compile_with(model, recorder, loss=None):
    """Compile a model with the recorder as its own `compile` wants it; of one that is compiled, keep all but that."""
    if model.compiled and loss is not None:
        raise AuditError("the model is compiled already, with a loss of its own: leave loss= out, or do not compile it")
    if not model.compiled:
        _compile(model, recorder, {} if loss is None else {"loss": loss})
    record(model, recorder)
    model.run_eagerly = True


def _compile(model, recorder, arguments):
    for call in (
        lambda: model.compile(optimizer=recorder, run_eagerly=True, **arguments),
        lambda: model.compile(recorder, **arguments),
        lambda: model.compile(**arguments),
    ):
        try:
            return call()
        except TypeError as error:
            last = error
    raise last


def makes_its_own(made):
    """Whether a class of models takes no networks, by the names of its arguments: it makes them itself.

    Raises:
        AuditError: one line, for such a class that wants arguments.
    """
    parameters = _parameters(made) if isinstance(made, type) and issubclass(made, keras.Model) else {}
    named = {name: p for name, p in parameters.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
    if not isinstance(made, type) or takes_any or any("enc" in name or "dec" in name for name in named):
        return False
    wanted = [name for name, p in named.items() if p.default is EMPTY]
    if wanted and len(named) < 2:
        values = ", ".join(f"{name}=..." for name in wanted)
        raise AuditError(
            f"{name_of(made)} takes no networks and wants {', '.join(wanted)}: pass the model "
            f"{name_of(made)}({values}), compiled"
        )
    return not wanted


def check_arguments(made):
    """Whether a class or function can be called on two networks.

    Raises:
        AuditError: one line, where it wants more; it shows the function to pass instead.
    """
    parameters = _parameters(made)
    if not parameters:
        return
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    wanted = [name for name, p in parameters.items() if p.default is EMPTY and p.kind in kinds]
    named = [name for name in NETWORKS if name in parameters]
    first = named if len(named) == 2 else [n for n in wanted if parameters[n].kind is not kinds[2]][:2]
    more = [name for name in wanted if name not in first]
    if more:
        values = ", ".join(f"{name}=..." for name in more)
        raise AuditError(
            f"{name_of(made)} also wants {', '.join(more)}, without a default: pass "
            f"lambda encoder, decoder: {name_of(made)}(encoder, decoder, {values})"
        )


def _parameters(made):
    try:
        return dict(inspect.signature(made).parameters)
    except (TypeError, ValueError):  # what has no signature
        return {}


def name_of(made):
    """A name to call a class, a function or a model by."""
    return getattr(made, "__name__", None) or (type(made).__name__ if isinstance(made, keras.Model) else repr(made))


def no_reconstruction(made):
    """One line for a class whose reconstruction term comes with `compile(loss=...)` only."""
    return (
        f"{name_of(made)} has no reconstruction term of its own before it is compiled: pass loss=..., what you compile "
        "it with, or a function (encoder, decoder) -> model that compiles it"
    )


def one_line(error):
    """Another library's error in one line: its type and the beginning of what it says."""
    said = " ".join(re.sub(r"\{\{.*?\}\}|\[Op:.*", "", str(error)).split())
    return f"{type(error).__name__}: {said[:ONE_LINE].rstrip('. ')}"


def _no_step(made, failure, sizes):
    if isinstance(failure, ValueError) and "No loss to compute" in str(failure):
        return no_reconstruction(made)
    return (
        f"{name_of(made)} could not be made as VAE(encoder, decoder) and trained for one step on images "
        f"{sizes.image_shape} ({one_line(failure)}): pass its own image_shape=, a function (encoder, decoder) -> model "
        "or a compiled model"
    )
