"""Figures of the lessons: every function takes arrays, draws on one axis and returns it."""

from vaehelpers.data.checks import needs_course

with needs_course("vaehelpers.plots"):
    import matplotlib as matplotlib

from vaehelpers.plots.codes import plot_latent_plane
from vaehelpers.plots.curves import plot_densities, plot_history, plot_lengths
from vaehelpers.plots.diagnosis import plot_diagnosis
from vaehelpers.plots.images import plot_image_grid, plot_image_rows, tile
from vaehelpers.plots.style import COLORS, MARKERS

__all__ = [
    "COLORS",
    "MARKERS",
    "plot_densities",
    "plot_diagnosis",
    "plot_history",
    "plot_image_grid",
    "plot_image_rows",
    "plot_latent_plane",
    "plot_lengths",
    "tile",
]
