"""Many VAEs trained side by side: every beta and every seed in one stacked network."""

from vaehelpers.sweep.result import SweepResult
from vaehelpers.sweep.train import train_sweep

__all__ = ["SweepResult", "train_sweep"]
