"""One way of calling a loss, as data: which argument holds what, and where the total is."""

from typing import NamedTuple

from vaehelpers.audit.calling.names import DOCUMENTED


class Joined(NamedTuple):
    """An argument that holds the mean and the spread side by side, in one tensor."""

    spread: str


class ByName(NamedTuple):
    """An argument, a batch or a model's outputs, of which entries or attributes are taken by their names."""

    spread: str


class Way(NamedTuple):
    """How a loss is called.

    Attributes:
        positional: for each positional argument a role, a `Joined`, a `ByName`, or a tuple of roles for an argument
            that holds several.
        by_name: pairs of an argument's name and its role, for what is given by keyword only.
        source: how the order is known: "documented", "names", "order", "trying", "outputs" (of a model) or
            "refused" (another spread than the log variance that a name promises, tried where that is refused).
        probed: the argument of which probing told what it holds, where its name does not.
        lists: whether mean and spread are given as lists of one level.
        flat: which of the images are given as rows `[B, D]`.
        classes: whether the target holds whole numbers, the classes along the last axis of x_decoded.
        latent_shape: the shape of one code, where it is no vector.
        result: which part of what is returned is the total; `None` where its name tells.
    """

    positional: tuple = DOCUMENTED
    by_name: tuple = ()
    source: str = "documented"
    probed: str | None = None
    lists: bool = False
    flat: tuple = ()
    classes: bool = False
    latent_shape: tuple | None = None
    result: object = None
