"""Losses that count their calls: a weight that is warmed up inside of the loss is a schedule, and not noise."""

import numpy as np

LONGEST_PERIOD = 5


def counts_calls(draws, rounding):
    """Whether values of repeated calls move as those of a counter: one way, in equal steps, or round and round.

    Noise does none of these over 16 calls: the chance that its values are in order is 2 in 16 factorial.

    Args:
        draws: a loss's values at one probe, call after call.
        rounding: the difference up to which two of them are equal.

    Example:
        >>> counts_calls([0.1, 0.2, 0.3, 0.3], 1e-9), counts_calls([0.1, 0.3, 0.2, 0.4], 1e-9)
        (True, False)
    """
    draws = np.asarray(draws)
    steps = np.diff(draws)
    one_way = (steps >= -rounding).all() or (steps <= rounding).all()
    usual = np.median(steps)
    equal_steps = abs(usual) > rounding and np.isclose(steps, usual, rtol=0.05).mean() > 0.8
    periods = range(2, LONGEST_PERIOD + 1) if len(draws) > 2 * LONGEST_PERIOD else ()
    periodic = any((np.abs(draws[period:] - draws[:-period]) <= rounding).all() for period in periods)
    return bool(one_way or equal_steps or periodic)


def said_of(prober, found=None):
    """What a loss that counts its calls is, in a sentence; `found` is its likelihood and that distortion's weight."""
    now = ""
    if found is not None:
        likelihood, weight = found
        before, after = (prober.kl_weight(likelihood) / weight for _ in range(2))
        moves = "grows" if after > before else "falls" if after < before else "moves"
        now = f" beta is {after:.3g} now ({likelihood.name}) and {moves}."
    return (
        f"the loss changes from call to call: it counts its calls (a schedule inside, as a warm-up).{now} Audit it "
        "with the counter at its end, or with the weight held fixed"
    )
