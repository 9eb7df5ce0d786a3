"""Explorers that run in a browser: on trained networks, on closed forms, and a playground."""

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
