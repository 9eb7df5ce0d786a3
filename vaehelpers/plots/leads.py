"""Differences of paired seeds, with the bar that says whether they are told from 0."""

import numpy as np

from vaehelpers.plots.seeds import plot_seeds


def plot_leads(leads, bar=2.8, ax=None):
    """Draw differences, a dict from a label to one value a seed, each with its mean and `bar` standard errors.

    2.8 standard errors hold 95 % for five seeds (Student's t with 4 degrees of freedom), for one comparison.

    Raises:
        ValueError: for no leads, and where one has less than two seeds.

    Example:
        >>> ax = plot_leads({"beta 4": [2.0, 3.0, 4.0]})
        >>> [float(y) for y in ax.lines[0].get_ydata()]
        [2.0, 3.0, 4.0]
    """
    few = [label for label, values in leads.items() if len(values) < 2]
    if few:
        raise ValueError(f"leads holds less than two seeds for {few}: one has no standard error")
    ax = plot_seeds(leads, ax=ax)
    for k, values in enumerate(leads.values()):
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        ax.errorbar(k + 0.25, np.mean(values), bar * error, fmt="_", color="black", capsize=4)
    ax.axhline(0, color="black", linewidth=0.8)
    return ax
