"""What each likelihood takes and how it reads a decoder: the one table, without a framework."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Likelihood(NamedTuple):
    """One likelihood: its name, what its decoder returns ("logits" or "means"), its pixels.

    `unit_interval` is whether pixels outside [0, 1] are an error; `no_threshold` says, where there
    is no threshold of collapse, why.
    """

    name: str
    reads: str
    unit_interval: bool
    no_threshold: str | None = None


_BLACK = "nearly black pixels, whose variance is nearly 0, decide it alone"
_KINK = "its second derivative is 0 but at the median, where many pixels lie"
LIKELIHOODS = {
    "bernoulli": Likelihood("bernoulli", "logits", True),
    "continuous_bernoulli": Likelihood("continuous_bernoulli", "logits", True, _BLACK),
    "gaussian": Likelihood("gaussian", "means", False),
    "laplace": Likelihood("laplace", "means", False, _KINK),
}


def known_likelihood(likelihood: Any) -> Likelihood | None:
    """The table's entry for a name, a function of `losses` or a partial of one, else `None`.

    Example:
        >>> known_likelihood("bernoulli").reads
        'logits'
        >>> known_likelihood(lambda x, x_decoded: 0) is None
        True
    """
    function = getattr(likelihood, "func", likelihood)  # what a functools.partial wraps
    if getattr(function, "__module__", None) == "vaehelpers.losses.likelihoods":
        likelihood = function.__name__.removesuffix("_log_likelihood")
    return LIKELIHOODS.get(likelihood) if isinstance(likelihood, str) else None


def chosen_likelihood(likelihood: Any, among: Sequence[str] = tuple(LIKELIHOODS)) -> Likelihood:
    """The table's entry for an argument `likelihood`, a name or a function of `losses`.

    Raises:
        ValueError: for one that is not among those names; it lists them.

    Example:
        >>> chosen_likelihood("gausian")
        Traceback (most recent call last):
        ...
        ValueError: likelihood is 'gausian': pass one of bernoulli, continuous_bernoulli, gaussian,
            laplace
    """
    found = known_likelihood(likelihood)
    if found is None or found.name not in among:
        raise ValueError(f"likelihood is {likelihood!r}: pass one of {', '.join(among)}")
    return found
