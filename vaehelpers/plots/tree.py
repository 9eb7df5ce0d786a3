"""Questions one below the other, each with an arrow to what a yes means."""

import textwrap
from typing import Any

from vaehelpers.plots.style import COLORS, Axes, Sequence, as_it_is, axis

LEFT, RIGHT = 0.2, 0.72  # of the figure's width
TEXT: dict[str, Any] = {"fontsize": 8.5, "ha": "center", "va": "center"}
ARROW = TEXT | {"fontsize": 8, "arrowprops": {"arrowstyle": "->", "color": COLORS[6]}}


def plot_tree(steps: Sequence[Any], otherwise: str, ax: Axes | None = None) -> Axes:
    """Draw `diagnostics.tree.STEPS`: questions from top to bottom, what a yes means beside them.

    Args:
        steps: with `question`, `cause` and `read` each.
        otherwise: what is left after the last.

    Example:
        >>> from vaehelpers.diagnostics.tree import OTHERWISE, STEPS
        >>> ax = plot_tree(STEPS, OTHERWISE)
        >>> len(ax.texts) == 4 * len(STEPS) + 1  # two boxes and two arrows a question
        True
    """
    ax = axis(ax, (9, 1.05 * len(steps) + 0.9))
    for k, step in enumerate(steps):
        answer = f"{_wrapped(step.cause, 46)}\n{_wrapped(f'→ {step.read}', 46)}"
        ax.text(LEFT, -k, _wrapped(f"{k + 1}  {step.question}", 38), bbox=_box(0), **TEXT)
        ax.text(RIGHT, -k, answer, bbox=_box(1), **TEXT)
        ax.annotate("yes", xytext=(0.4, -k), xy=(0.475, -k), **ARROW)
        ax.annotate("no", xytext=(LEFT, -k - 0.34), xy=(LEFT, -k - 0.68), **ARROW)
    ax.text(LEFT, -len(steps), _wrapped(otherwise, 38), bbox=_box(2), **TEXT)
    ax.set(xlim=(0, 1), ylim=(-len(steps) - 0.45, 0.45))
    ax.set_axis_off()
    return ax


def _wrapped(text, characters):
    return as_it_is(textwrap.fill(text, characters))


def _box(k):
    return {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": COLORS[k]}
