"""Figures of the lessons: every function takes arrays, draws on one axis and returns it."""

from vaehelpers.data.checks import needs_course

with needs_course("vaehelpers.plots"):
    import matplotlib as matplotlib

from vaehelpers.plots.codes import plot_latent_plane
from vaehelpers.plots.curves import (
    plot_densities,
    plot_history,
    plot_lengths,
    plot_lines,
)
from vaehelpers.plots.diagnosis import plot_diagnosis
from vaehelpers.plots.diagram import Diagram, vae_diagram
from vaehelpers.plots.images import plot_image_grid, plot_image_rows, tile
from vaehelpers.plots.seeds import (
    plot_leads,
    plot_over_beta,
    plot_prices,
    plot_rate_distortion,
    plot_seeds,
    plot_stacked,
)
from vaehelpers.plots.style import COLORS, MARKERS, MEANING, subplots, ticks_at
from vaehelpers.plots.tree import plot_tree

__all__ = [
    "COLORS",
    "MARKERS",
    "MEANING",
    "Diagram",
    "plot_densities",
    "plot_diagnosis",
    "plot_history",
    "plot_image_grid",
    "plot_image_rows",
    "plot_latent_plane",
    "plot_leads",
    "plot_lengths",
    "plot_lines",
    "plot_over_beta",
    "plot_prices",
    "plot_rate_distortion",
    "plot_seeds",
    "plot_stacked",
    "plot_tree",
    "subplots",
    "ticks_at",
    "tile",
    "vae_diagram",
]
