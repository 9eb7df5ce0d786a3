"""Finding out how a loss is called: the ways that its signature allows are tried until one is a known loss."""

import re
from typing import NamedTuple

import numpy as np

from vaehelpers.audit.calling.calls import LAYOUTS
from vaehelpers.audit.calling.failures import NoCall
from vaehelpers.audit.calling.oracle import Oracle
from vaehelpers.audit.calling.results import SeveralResults
from vaehelpers.audit.calling.targets import device_of
from vaehelpers.audit.probes import probe_at, random_codes, random_images
from vaehelpers.audit.verdict import AuditError

ABOUT_THE_LOSS = (
    "changes from call to call|depends on the other examples|not a distance per value|dropout"
)
SAME = 1e-3  # relative: two readings that give one beta
TWO = (
    "loss_fn could not be called as loss_fn(x, x_decoded, z_mean, z_log_var): its arguments are others, and "
    "neither a model's outputs as a tuple nor entries by name make a VAE's loss of it; a loss of images alone has no "
    "KL. Write loss(x, x_decoded, z_mean, z_log_var) around it"
)


class Loss(NamedTuple):
    """A loss and how its user says that it is called.

    Attributes:
        function: anything that can be called.
        framework: one of `FRAMEWORKS`, or "auto".
        arguments: further arguments, by name.
        result: which part of what it returns is the total, or `None`.
        latent_shape: the shape of one code, or `None` for vectors.
    """

    function: object
    framework: str
    arguments: dict
    result: object
    latent_shape: tuple | None


def read(loss, groups, sizes, audit):
    """The audit under the first way of calling that makes a known loss of it, and the `Call`.

    Args:
        loss: a `Loss`.
        groups: lists of `Call`s, the likeliest first; within a list all are alternatives.
        sizes: the `Sizes` of the call.
        audit: a function of an `Oracle` to its `LossAudit`.

    Raises:
        AuditError: where no way makes one; that of the first way in which it could be called. Where two ways make
            two different ones, it names both.
    """
    errors = []
    for group in groups:
        found = []
        refused = all(isinstance(error, NoCall) for error in errors)
        for call in group:
            if call.source == "refused" and not refused:
                continue
            found += _answers(loss, call, sizes, audit, errors)
            if errors and re.search(ABOUT_THE_LOSS, str(errors[-1])):
                raise errors[-1]  # no other way of calling it would change that
            if found and call.source in ("names", "order", "documented"):
                break
        if found:
            return _only(found)
    if groups[0][0].source == "outputs":
        raise NoCall(TWO)
    called = [error for error in errors if not isinstance(error, NoCall)]
    swapped = "x and x_decoded are swapped"  # throw-away: AuditError.about tells it
    raise next((error for error in called if swapped not in str(error)), (called or errors)[0])


def _answers(loss, call, sizes, audit, errors):
    """What the audit says under one way of calling, as pairs of a `LossAudit` and a `Call`; errors are kept."""
    call = call._replace(latent_shape=loss.latent_shape, result=loss.result)
    try:
        call, oracle = _open(loss, call, sizes)
        return [(audit(oracle), call)]
    except SeveralResults as several:
        return _of_several(loss, call, several.names, sizes, audit, errors)
    except AuditError as error:
        errors.append(error)
        return []


def _of_several(loss, call, names, sizes, audit, errors):
    """Each entry of what a loss returns that is a known loss by itself; their sum where none is."""
    failed = []
    *entries, together = names
    for tried in (entries, [together]):
        found = []
        for name in tried:
            try:
                opened, oracle = _open(loss, call._replace(result=name), sizes)
                found.append((audit(oracle), opened))
            except AuditError as error:
                failed.append(error)
        if found:
            return found
    errors.append(failed[0] if failed else NoCall("the loss returned nothing"))
    return []


def _open(loss, call, sizes):
    """An `Oracle` of the loss, and the call with the first layout of the images in which it can be made."""
    rng = np.random.default_rng(1)
    probe = probe_at(random_images(sizes, rng), random_codes(sizes, 0.3, rng))
    failures = []
    opened_calls = [call._replace(flat=flat) for flat in LAYOUTS]
    if sizes.image_shape[-1] > 1:
        opened_calls.append(call._replace(classes=True))
    for opened in opened_calls:
        function = opened.canonical(loss.function, loss.arguments)
        try:
            oracle = Oracle(
                function,
                loss.framework,
                probe,
                ", ".join(map(str, call.roles)),
                device_of(loss.function),
            )
            oracle.takes_classes = opened.classes
            return opened, oracle
        except NoCall as error:
            failures.append(error)
    raise failures[0]


def _only(found):
    """The answer, where all readings that make a known loss agree on it."""
    betas = [answer.beta for answer, _ in found]
    if max(betas) - min(betas) > SAME * max(betas):
        readings = [f"beta = {answer.beta:.3g} {_option(call)}" for answer, call in found]
        raise AuditError(
            f"it can be read in several ways: {'; '.join(dict.fromkeys(readings))}: say which"
        )
    return found[0]


def _option(call):
    return (
        f"with result={call.result!r}"
        if call.result is not None
        else f"with order={','.join(call.roles)!r}"
    )
