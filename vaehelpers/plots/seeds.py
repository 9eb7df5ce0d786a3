"""Networks of several betas and seeds: side by side, in the rate-distortion plane, the prices they pay, their parts."""

from itertools import pairwise

import numpy as np

from vaehelpers.plots.style import COLORS, MARKERS, axis


def plot_seeds(groups, ax=None):
    """Draw the values of each entry of `groups`, a dict from a label to one value a seed, in a column of its own.

    Raises:
        ValueError: for no groups.

    Example:
        >>> ax = plot_seeds({"plain": [0.0, 0.1, 0.0], "warm-up": [0.3, 0.2, 0.4]})
        >>> [label.get_text() for label in ax.get_xticklabels()]
        ['plain', 'warm-up']
    """
    if not groups:
        raise ValueError(
            "groups is empty: pass at least one, a dict from a label to the values of its seeds"
        )
    ax = axis(ax, (1.3 * len(groups) + 1.2, 2.6))
    for k, values in enumerate(groups.values()):
        places = k + 0.05 * (np.arange(len(values)) - (len(values) - 1) / 2)
        ax.plot(places, values, MARKERS[k % len(MARKERS)], color=COLORS[k % len(COLORS)])
    ax.set(xlim=(-0.5, len(groups) - 0.5), ylabel="nats per image")
    ax.set_xticks(range(len(groups)), [str(label) for label in groups])
    return ax


def plot_rate_distortion(betas, rate, distortion, ax=None):
    """Draw networks as points (rate, distortion), `[n_beta, S]`, each beta with a short line of slope -beta.

    A beta whose mean rate is below 0.01 nats, a collapsed one, has no line.

    Raises:
        ValueError: where the arrays are not one row a beta, of equal shapes.

    Example:
        >>> ax = plot_rate_distortion([1, 64], [[5.0, 5.1], [0.0, 0.0]], [[160.0, 161.0], [211.0, 211.0]])
        >>> len(ax.lines)  # the points of two betas, one slope
        3
    """
    rate = np.asarray(rate)
    distortion = np.asarray(distortion)
    if rate.ndim != 2 or rate.shape != distortion.shape or len(rate) != len(betas):
        raise ValueError(
            f"rate has shape {rate.shape}, distortion {distortion.shape}: pass [n_beta, S] for both"
        )
    ax = axis(ax, (6.5, 4.5))
    scale = max(np.ptp(distortion.mean(axis=1)) / 6, 1e-9)
    for k, beta in enumerate(betas):
        r = rate[k].mean()
        d = distortion[k].mean()
        ax.plot(rate[k], distortion[k], MARKERS[k % len(MARKERS)], color=COLORS[k % len(COLORS)])
        ax.annotate(f"beta {beta:g}", (r, d), (8, 8), textcoords="offset points", fontsize=9)
        if r >= 0.01:
            half = 0.5 / np.hypot(1, beta / scale)
            ax.plot(
                [r - half, r + half], [d + beta * half, d - beta * half], color="black", linewidth=1
            )
    ax.set(xlabel="rate, nats per image", ylabel="distortion, nats per image")
    ax.margins(x=0.12)
    return ax


def plot_prices(betas, paid, error, ax=None):
    """Draw the price paid between neighbouring betas `[n - 1]`, with its error, over a grey bar from beta to beta.

    Raises:
        ValueError: where there is not one price and one error for each pair of neighbours.

    Example:
        >>> ax = plot_prices([1, 2, 4], [1.4, 4.5], [0.2, 0.3])
        >>> [label.get_text() for label in ax.get_xticklabels()]
        ['1 to 2', '2 to 4']
    """
    if not len(betas) - 1 == len(paid) == len(error):
        raise ValueError(
            f"paid holds {len(paid)}, error {len(error)}, betas {len(betas)}: pass one for each pair"
        )
    ax = axis(ax, (6.5, 3.2))
    places = np.arange(len(paid))
    ax.bar(places, np.diff(betas), bottom=betas[:-1], width=0.6, color="lightgrey")
    ax.errorbar(places, paid, error, fmt="o", color=COLORS[0], capsize=3)
    ax.set(yscale="log", ylabel="distortion paid for a nat of rate", xlabel="from beta to beta")
    ax.set_ylim(bottom=0.8 * min(*betas, *paid))
    ax.set_xticks(places, [f"{low:g} to {high:g}" for low, high in pairwise(betas)])
    return ax


def plot_stacked(labels, parts, ax=None):
    """Draw one bar a label, made of `parts`, a dict from the part's name to one length a label, one on the other.

    Raises:
        ValueError: for no parts.

    Example:
        >>> ax = plot_stacked(["1", "4"], {"information": [4.0, 3.0], "rest": [1.0, 0.5]})
        >>> [float(bar.get_y()) for bar in ax.patches]
        [0.0, 0.0, 4.0, 3.0]
    """
    if not parts:
        raise ValueError(
            "parts is empty: pass at least one, a dict from a name to one length a label"
        )
    ax = axis(ax, (6, 2.8))
    bottom = np.zeros(len(labels))
    for k, (name, lengths) in enumerate(parts.items()):
        style = {"color": COLORS[k % len(COLORS)], "hatch": ("", "//", "..", "xx")[k % 4]}
        ax.bar(labels, lengths, bottom=bottom, label=name, **style)
        bottom = bottom + np.asarray(lengths)
    ax.legend(frameon=False)
    return ax
