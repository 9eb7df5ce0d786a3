"""Checks of the exercises: right, not answered yet, or which aspect is off. They never raise."""

from vaehelpers.exercises.lesson_00 import (
    check_distortion_from_mean,
    check_relative_weight,
    check_which_factors_survive,
)
from vaehelpers.exercises.lesson_01 import check_floor, check_hidden_variance, check_three_pixels
from vaehelpers.exercises.lesson_02 import (
    check_gap,
    check_importance_weighted_bound,
    check_width_under_the_mean,
)
from vaehelpers.exercises.lesson_03 import check_loss, check_repeated_noise, check_sampling
from vaehelpers.exercises.lesson_04 import (
    check_effective_beta,
    check_repaired_loss,
    check_weight_for_beta,
)
from vaehelpers.exercises.lesson_05 import (
    check_learning_rate,
    check_printed_loss,
    check_which_change_the_model,
)
from vaehelpers.exercises.lesson_06 import (
    check_learned_variance,
    check_linear_rate,
    check_threshold_of_bits,
)
from vaehelpers.exercises.lesson_07 import check_break_even, check_choices, check_gap_of_information
from vaehelpers.exercises.lesson_08 import (
    check_optimal_variance,
    check_vamp_prior,
    check_weight_against_prior,
)
from vaehelpers.exercises.lesson_09 import (
    check_error_over_seeds,
    check_paired_difference,
    check_which_can_be_compared,
)
from vaehelpers.exercises.lesson_10 import (
    check_beta_of_a_wrong_divisor,
    check_bug_report,
    check_free_nats,
)

__all__ = [
    "check_beta_of_a_wrong_divisor",
    "check_break_even",
    "check_bug_report",
    "check_choices",
    "check_distortion_from_mean",
    "check_effective_beta",
    "check_error_over_seeds",
    "check_floor",
    "check_free_nats",
    "check_gap",
    "check_gap_of_information",
    "check_hidden_variance",
    "check_importance_weighted_bound",
    "check_learned_variance",
    "check_learning_rate",
    "check_linear_rate",
    "check_loss",
    "check_optimal_variance",
    "check_paired_difference",
    "check_printed_loss",
    "check_relative_weight",
    "check_repaired_loss",
    "check_repeated_noise",
    "check_sampling",
    "check_three_pixels",
    "check_threshold_of_bits",
    "check_vamp_prior",
    "check_weight_against_prior",
    "check_weight_for_beta",
    "check_which_can_be_compared",
    "check_which_change_the_model",
    "check_which_factors_survive",
    "check_width_under_the_mean",
]
