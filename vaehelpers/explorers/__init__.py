"""Explorers that run in a browser: on trained networks, on closed forms, and a page in which two VAEs are trained."""

from vaehelpers.explorers.explorers import (
    beta_explorer,
    elbo_explorer,
    explorers_page,
    latent_explorer,
    playground,
    reduction_calculator,
)
from vaehelpers.explorers.page import playground_page

__all__ = [
    "beta_explorer",
    "elbo_explorer",
    "explorers_page",
    "latent_explorer",
    "playground",
    "playground_page",
    "reduction_calculator",
]
