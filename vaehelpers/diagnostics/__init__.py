"""What a trained VAE is worth: bounds, rate, distortion, information, a diagnosis in words."""

from vaehelpers.diagnostics.bound import importance_weighted_bound
from vaehelpers.diagnostics.diagnosis import Diagnosis, diagnose
from vaehelpers.diagnostics.disentanglement import factor_information, mutual_information_gap
from vaehelpers.diagnostics.evaluation import (
    ALIVE,
    COLLAPSED,
    Evaluation,
    active_units,
    bits_per_dim,
    evaluate,
)
from vaehelpers.diagnostics.information import mutual_information

__all__ = [
    "ALIVE",
    "COLLAPSED",
    "Diagnosis",
    "Evaluation",
    "active_units",
    "bits_per_dim",
    "diagnose",
    "evaluate",
    "factor_information",
    "importance_weighted_bound",
    "mutual_information",
    "mutual_information_gap",
]
