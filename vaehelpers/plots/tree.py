"""Questions one below the other, each with an arrow to what a yes means."""

import textwrap

from vaehelpers.plots.style import COLORS, axis

WIDE = 38, 46  # characters of a question and of an answer
BOX = {"boxstyle": "round,pad=0.4", "facecolor": "white"}
LEFT, RIGHT = 0.2, 0.72  # of the figure's width


def plot_tree(steps, otherwise, ax=None):
    """Draw `diagnostics.tree.STEPS`: questions on the left, from top to bottom; causes and where to read on the right.

    Args:
        steps: with `question`, `cause` and `read` each.
        otherwise: what is left after the last.

    Example:
        >>> from vaehelpers.diagnostics.tree import OTHERWISE, STEPS
        >>> len(plot_tree(STEPS, OTHERWISE).texts) == 4 * len(STEPS) + 1  # two boxes and two arrows a question
        True
    """
    ax = axis(ax, (9, 1.05 * len(steps) + 0.9))
    for k, step in enumerate(steps):
        y = -k
        _box(ax, LEFT, y, f"{k + 1}  {step.question}", WIDE[0], COLORS[0])
        _box(ax, RIGHT, y, f"{step.cause}", WIDE[1], COLORS[1], below=step.read)
        _arrow(ax, (0.4, y), (0.475, y), "yes")
        _arrow(ax, (LEFT, y - 0.34), (LEFT, y - 0.68), "no")
    _box(ax, LEFT, -len(steps), otherwise, WIDE[0], COLORS[2])
    ax.set(xlim=(0, 1), ylim=(-len(steps) - 0.45, 0.45))
    ax.set_axis_off()
    return ax


def _box(ax, x, y, text, wide, color, below=None):
    lines = textwrap.fill(text, wide)
    if below is not None:
        lines += "\n" + textwrap.fill(f"→ {below}", wide)
    ax.text(x, y, lines, ha="center", va="center", fontsize=8.5, bbox={**BOX, "edgecolor": color})


def _arrow(ax, start, end, word):
    ax.annotate(
        word,
        xy=end,
        xytext=start,
        fontsize=8,
        ha="center",
        va="center",
        arrowprops={"arrowstyle": "->", "color": COLORS[6]},
    )
