"""Numbers as lines and lengths: histories, densities, terms that add up."""

from typing import Any

import numpy as np
from matplotlib.colors import to_rgba

from vaehelpers.plots.style import (
    INK,
    MEANING,
    ArrayLike,
    Axes,
    Labelled,
    Mapping,
    Sequence,
    as_it_is,
    axis,
    check_some,
    color,
    meaning,
)

DASHES = ("-", "--", ":", "-.")
ON_LIGHT = ("gap", "prior")  # colours on which dark words are read more easily than white ones
SPLITS = {"training": "-", "validation": "--"}
LOSS = INK  # of any objective, so it has none of its terms' colours


def plot_history(
    history: Any, names: str | Sequence[str] = ("distortion",), ax: Axes | None = None
) -> Axes:
    """Draw metrics of a Keras `History` (or its dict): training solid, validation dashed.

    Each line has its name at its end, and the colour that the name means in the whole course.

    Raises:
        ValueError: for no metric, and for one that the history does not hold.

    Example:
        >>> ax = plot_history({"loss": [3.0, 2.0], "val_loss": [3.1, 2.2]}, names=["loss"])
        >>> ax.get_legend_handles_labels()[1]
        ['loss, training', 'loss, validation']
    """
    history = getattr(history, "history", history)
    names = [names] if isinstance(names, str) else names
    missing = [name for name in names if name not in history]
    if missing or not names:
        raise ValueError(f"names holds {missing or 'nothing'}, the history holds {sorted(history)}")
    ax = axis(ax, (6, 3.5))
    for k, name in enumerate(names):
        splits = {"training": name, "validation": f"val_{name}"}
        lines = {split: history[key] for split, key in splits.items() if len(history.get(key, []))}
        highest = max(lines, key=lambda split: lines[split][-1], default=None)
        for split, values in lines.items():
            epochs = range(1, len(values) + 1)
            label = as_it_is(f"{name}, {split}")
            ink = LOSS if name == "loss" else meaning(name, k)
            ax.plot(epochs, values, linestyle=SPLITS[split], color=ink, label=label)
            place = "center" if len(lines) == 1 else "bottom" if split == highest else "top"
            _at_the_end(ax, label, (len(values), values[-1]), ink, place)
    ax.set(xlabel="epoch", ylabel="nats per image")
    return ax


def _at_the_end(ax, label, end, ink, place):
    """The label beside the last point of its line, in its colour."""
    look = {"color": ink, "fontsize": 9, "va": place, "annotation_clip": False}
    ax.annotate(label, end, xytext=(5, 0), textcoords="offset points", **look)


def plot_lines(x: ArrayLike, lines: Labelled, ax: Axes | None = None) -> Axes:
    """Draw lines over one axis, a dict from label to values at `x`, each labelled at its end.

    Raises:
        ValueError: for no lines.

    Example:
        >>> ax = plot_lines([0, 1], {"half the square": [0.0, 0.5]})
        >>> [float(y) for y in ax.lines[0].get_ydata()]
        [0.0, 0.5]
        >>> ax.texts[0].get_text()
        'half the square'
    """
    check_some(lines, "lines", "a dict from label to values")
    ax = axis(ax, (5.5, 2.8))
    _draw_lines(x, lines, ax)
    ends = {label: _end(x, values) for label, values in lines.items()}
    height = np.diff(ax.get_ylim())[0] / 10  # of one line of words
    lowest = -np.inf
    for label in sorted(ends, key=lambda label: ends[label][1]):
        place, value = ends[label]
        lowest = max(value, lowest + height)
        look = {"color": _meant(label, list(lines).index(label)), "fontsize": 10, "va": "center"}
        ax.annotate(as_it_is(label), (place, lowest), (6, 0), textcoords="offset points", **look)
    return ax


def _draw_lines(x, lines, ax):
    for k, (label, values) in enumerate(lines.items()):
        ax.plot(x, values, DASHES[k % 4], color=_meant(label, k), label=as_it_is(label))


def _end(x, values):
    """The last point of a line that is drawn."""
    x, values = np.asarray(x), np.asarray(values, "float64")
    drawn = np.flatnonzero(np.isfinite(values))
    last = drawn[-1] if len(drawn) else -1
    return x[last], np.nan_to_num(values[last])


def _meaning_of(label):
    """Which of the course's quantities a label names, "posterior p(z|x)" the posterior; or None."""
    label = str(label)
    if "log p(x)" in label:
        return "evidence"
    words = set(label.lower().split()) - {"with", "without"}  # these mean the factor only alone
    return label if label in MEANING else next((name for name in MEANING if name in words), None)


def _meant(label, k):
    """The colour that a label means in the whole course, else the k-th."""
    return MEANING.get(_meaning_of(label), color(k))


def plot_densities(grid: ArrayLike, densities: Labelled, ax: Axes | None = None) -> Axes:
    """Draw densities, a dict from label to values on `grid`, where any of them is above 0.1 %.

    A label stands where its density is furthest above all others, on the side with more room.

    Raises:
        ValueError: for no densities.

    Example:
        >>> ax = plot_densities(np.linspace(-1, 1, 5), {"q": np.ones(5)})
        >>> ax.get_legend_handles_labels()[1]
        ['q']
    """
    check_some(densities, "densities", "a dict from label to values on the grid")
    ax = axis(ax, (5, 2.5))
    grid, values = np.asarray(grid), np.array(list(densities.values()), "float64")
    _draw_lines(grid, densities, ax)
    highest = values.max(axis=0)
    shown = grid[highest >= 1e-3 * highest.max()]
    for k, label in enumerate(densities):
        others = np.delete(values, k, axis=0).max(axis=0, initial=0)
        best = np.argmax(values[k] - others)
        near = abs(grid - grid[best]) < np.ptp(shown) / 5
        on_its_left = grid < grid[best]
        left = highest[near & on_its_left].sum() < highest[near & ~on_its_left].sum()
        look = {"ha": "right" if left else "left", "color": _meant(label, k), "fontsize": 10}
        place = (grid[best], values[k, best])
        offset = (-8 if left else 8, 2)
        ax.annotate(as_it_is(label), place, offset, textcoords="offset points", **look)
    ax.set(xlabel="z", ylabel="density", xlim=(shown.min(), shown.max()))
    ax.set_ylim(0, 1.15 * highest.max() or None)
    return ax


def plot_lengths(rows: Mapping[str, Mapping[str, float]], ax: Axes | None = None) -> Axes:
    """Draw each row, a dict from label to a length in nats, as one bar of segments end to end.

    A label that is wider than its segment stands outside: the last one's beside it, else above.

    Raises:
        ValueError: for no rows.

    Example:
        >>> ax = plot_lengths({"minus ELBO": {"distortion": 2.0, "rate": 1.5}})
        >>> [float(patch.get_width()) for patch in ax.patches]
        [2.0, 1.5]
    """
    check_some(rows, "rows", "a dict from the row's label to its segments")
    ax = axis(ax, (6, 0.8 * len(rows) + 0.6))
    longest = max(sum(segments.values()) for segments in rows.values())
    if ax.get_autoscalex_on():  # a caller's own limits stay
        ax.set_xlim(0, 1.25 * longest or 1)
    ax.set(xlabel="nats", yticks=range(len(rows)), yticklabels=map(as_it_is, rows))
    ax.set_ylim(len(rows) - 0.5, -0.6)
    ax.figure.canvas.figure.draw_without_rendering()  # the layout, which says what fits
    for place, segments in enumerate(rows.values()):
        start = 0.0
        for label, length in segments.items():
            tint = _meant(label, len(ax.patches))
            (bar,) = ax.barh(place, length, height=0.6, left=start, color=tint)
            _write(ax, f"{label} {length:.2f}", bar, is_last=label == list(segments)[-1])
            start += length
    return ax


def _write(ax, written, bar, *, is_last):
    """The label of one segment: in it where it fits, else beside or above it."""
    tint = bar.get_facecolor()
    dark = any(to_rgba(MEANING[name]) == tint for name in ON_LIGHT)
    look: dict[str, Any] = {"fontsize": 10, "va": "center", "textcoords": "offset points"}
    inside = {"color": INK if dark else "white", "ha": "center"}
    text = ax.annotate(as_it_is(written), bar.get_center(), (0, 0), **look, **inside)
    if 1.1 * text.get_window_extent().width <= bar.get_window_extent().width:
        return
    text.set(color=INK if dark else tint, ha="left")
    start, end = bar.get_x(), bar.get_x() + bar.get_width()
    middle = bar.get_y() + bar.get_height() / 2
    text.xy = (end, middle) if is_last else (start, middle - 0.42)
    text.set_position((4 if is_last else 0, 0))
