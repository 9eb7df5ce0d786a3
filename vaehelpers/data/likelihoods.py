"""What each likelihood of a pixel takes and how it reads a decoder: the one table, without a framework."""

from typing import NamedTuple


class Likelihood(NamedTuple):
    """One likelihood: its name, what the decoder returns ("logits" or "means"), what pixels it takes.

    `unit_interval` is whether pixels outside [0, 1] are an error; `no_threshold` says, where there is no threshold of
    collapse, why.
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


def known_likelihood(likelihood):
    """The table's entry for a name, for a function of `losses` or for a partial of one; `None` for anything else.

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


def chosen_likelihood(likelihood, among=tuple(LIKELIHOODS)):
    """The table's entry for an argument `likelihood`, a name or a function of `losses`.

    Raises:
        ValueError: for one that is not among those names; it lists them.

    Example:
        >>> chosen_likelihood("gausian")
        Traceback (most recent call last):
        ...
        ValueError: likelihood is 'gausian': pass one of bernoulli, continuous_bernoulli, gaussian, laplace
    """
    found = known_likelihood(likelihood)
    if found is None or found.name not in among:
        raise ValueError(f"likelihood is {likelihood!r}: pass one of {', '.join(among)}")
    return found
