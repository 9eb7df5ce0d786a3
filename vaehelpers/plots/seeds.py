"""Networks of several betas and seeds: their values, leads, spread, prices and parts."""

from itertools import pairwise

import numpy as np
from scipy import stats

from vaehelpers.plots.style import (
    HATCHES,
    ArrayLike,
    Axes,
    Labelled,
    Numbers,
    Sequence,
    as_it_is,
    axis,
    check_some,
    color,
    marker,
)


def plot_seeds(groups: Labelled, ax: Axes | None = None) -> Axes:
    """Draw each group, a dict from label to one value a seed, in a column of its own.

    Raises:
        ValueError: for no groups.

    Example:
        >>> ax = plot_seeds({"plain": [0.0, 0.1, 0.0], "warm-up": [0.3, 0.2, 0.4]})
        >>> [label.get_text() for label in ax.get_xticklabels()]
        ['plain', 'warm-up']
    """
    check_some(groups, "groups", "a dict from a label to the values of its seeds")
    ax = axis(ax, (1.3 * len(groups) + 1.2, 2.6))
    for k, values in enumerate(groups.values()):
        places = k + 0.05 * (np.arange(np.size(values)) - (np.size(values) - 1) / 2)
        ax.plot(places, values, marker(k), color=color(k))
    ax.set(xlim=(-0.5, len(groups) - 0.5), ylabel="nats per image")
    ax.set_xticks(range(len(groups)), map(as_it_is, groups))
    return ax


def plot_leads(leads: Labelled, bar: float = 2.8, ax: Axes | None = None) -> Axes:
    """Draw differences, a dict from label to one value a seed, with mean and standard errors.

    The bar is `bar` of them: 2.8 hold 95 % for five seeds (Student's t with 4 degrees of freedom),
    for one comparison.

    Raises:
        ValueError: for no leads, and where one has less than two seeds.

    Example:
        >>> ax = plot_leads({"beta 4": [2.0, 3.0, 4.0]})
        >>> [float(y) for y in ax.lines[0].get_ydata()]
        [2.0, 3.0, 4.0]
    """
    few = [label for label, values in leads.items() if np.size(values) < 2]
    if few:
        raise ValueError(f"leads holds less than two seeds for {few}: one has no standard error")
    ax = plot_seeds(leads, ax=ax)
    for k, values in enumerate(leads.values()):
        error = bar * stats.sem(values)
        ax.errorbar(k + 0.25, np.asarray(values).mean(), error, fmt="_", color="black", capsize=4)
    ax.axhline(0, color="black", linewidth=0.8)
    return ax


def plot_over_beta(
    betas: Numbers,
    values: ArrayLike,
    *,
    label: str | None = None,
    k: int = 0,
    join: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw each row's mean of `values` `[n, S]` over its beta, its bar one standard deviation.

    `k` picks the colour and the marker, `join` draws a line from point to point.

    Raises:
        ValueError: where `values` is not one row a beta, of two seeds at least.

    Example:
        >>> ax = plot_over_beta([1, 64], [[5.0, 5.2], [0.0, 0.0]], label="rate")
        >>> ax.get_xscale(), [float(y) for y in ax.lines[0].get_ydata()]
        ('log', [5.1, 0.0])
    """
    rows = np.asarray(values)
    if rows.ndim != 2 or len(rows) != len(betas) or rows.shape[1] < 2:
        raise ValueError(
            f"values has shape {rows.shape} for {len(betas)} betas: pass [n, S], S at least 2"
        )
    ax = axis(ax, (6, 3))
    look = {"fmt": marker(k), "color": color(k), "linestyle": "-" if join else "none", "capsize": 3}
    name = None if label is None else as_it_is(label)
    ax.errorbar(betas, rows.mean(axis=1), rows.std(axis=1, ddof=1), label=name, **look)
    ax.set(xscale="log", xlabel="beta")
    return ax


def plot_rate_distortion(
    betas: Numbers, rate: ArrayLike, distortion: ArrayLike, ax: Axes | None = None
) -> Axes:
    """Draw points (rate, distortion), `[n_beta, S]`, each beta with a short line of slope -beta.

    A beta whose mean rate is below 0.01 nats, a collapsed one, has no line.

    Raises:
        ValueError: where the arrays are not one row a beta, of equal shapes.

    Example:
        >>> ax = plot_rate_distortion([1, 64], [[5.0, 5.1], [0.0, 0.0]], [[160, 161], [211, 211]])
        >>> len(ax.lines)  # the points of two betas, one slope
        3
    """
    rates = np.asarray(rate)
    distortions = np.asarray(distortion)
    if rates.ndim != 2 or rates.shape != distortions.shape or len(rates) != len(betas):
        shapes = f"rate has shape {rates.shape}, distortion {distortions.shape}"
        raise ValueError(f"{shapes}: pass [n_beta, S] for both")
    ax = axis(ax, (6.5, 4.5))
    scale = max(np.ptp(distortions.mean(axis=1)) / 6, 1e-9)
    for k, beta in enumerate(betas):
        r = rates[k].mean()
        d = distortions[k].mean()
        ax.plot(rates[k], distortions[k], marker(k), color=color(k))
        ax.annotate(f"beta {beta:g}", (r, d), (8, 8), textcoords="offset points", fontsize=9)
        if r >= 0.01:
            half = np.array([-0.5, 0.5]) / np.hypot(1, beta / scale)
            ax.plot(r + half, d - beta * half, color="black", linewidth=1)
    ax.set(xlabel="rate, nats per image", ylabel="distortion, nats per image")
    ax.margins(x=0.12)
    return ax


def plot_prices(betas: Numbers, paid: Numbers, error: Numbers, ax: Axes | None = None) -> Axes:
    """Draw the price paid between neighbouring betas `[n - 1]`, over a grey bar from beta to beta.

    Raises:
        ValueError: where there is not one price and one error for each pair of neighbours.

    Example:
        >>> ax = plot_prices([1, 2, 4], [1.4, 4.5], [0.2, 0.3])
        >>> [label.get_text() for label in ax.get_xticklabels()]
        ['1 to 2', '2 to 4']
    """
    if not len(betas) - 1 == len(paid) == len(error):
        lengths = f"paid holds {len(paid)}, error {len(error)}, betas {len(betas)}"
        raise ValueError(f"{lengths}: pass one for each pair")
    ax = axis(ax, (6.5, 3.2))
    places = np.arange(len(paid))
    ax.bar(places, np.diff(betas), bottom=betas[:-1], width=0.6, color="lightgrey")
    ax.errorbar(places, paid, error, fmt="o", color=color(0), capsize=3)
    ax.set(yscale="log", ylabel="distortion paid for a nat of rate", xlabel="from beta to beta")
    ax.set_ylim(bottom=0.8 * min(*betas, *paid))
    ax.set_xticks(places, [f"{low:g} to {high:g}" for low, high in pairwise(betas)])
    return ax


def plot_stacked(labels: Sequence[str], parts: Labelled, ax: Axes | None = None) -> Axes:
    """Draw one bar a label, made of `parts`, a dict from name to one length a label.

    Raises:
        ValueError: for no parts.

    Example:
        >>> ax = plot_stacked(["1", "4"], {"information": [4.0, 3.0], "rest": [1.0, 0.5]})
        >>> [float(bar.get_y()) for bar in ax.patches]
        [0.0, 0.0, 4.0, 3.0]
    """
    check_some(parts, "parts", "a dict from a name to one length a label")
    ax = axis(ax, (6, 2.8))
    places = [as_it_is(label) for label in labels]
    bottom = np.zeros(len(labels))
    for k, (name, lengths) in enumerate(parts.items()):
        look = {"color": color(k), "hatch": HATCHES[k % 4], "label": as_it_is(name)}
        ax.bar(places, lengths, bottom=bottom, **look)
        bottom = bottom + np.asarray(lengths)
    ax.legend(frameon=False)
    return ax
