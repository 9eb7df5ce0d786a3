"""The faults that are known: rows of features, and the sentence that is said where they fit.

A loss is fitted by least squares on one row after the other, and the first that explains its values
is the answer. A fault that is reported tomorrow is a row more.
"""

from typing import NamedTuple

import numpy as np

from vaehelpers.audit.probes import FAMILIES, PER_PIXEL, kl, sigmoid


class Within:
    """Every tolerance of the audit: its value, its unit, its reason (docs: what follows)."""

    FIT = 1e-4  # of the values' spread. Float32 sums leave 1e-6; a fault of 0.01 percent is told
    ALONE = 1e-3  # of the largest change. What a part costs alone and beside others: differences
    SAME = 1e-3  # relative. Two weights are one; those from few calls in float32 are off by 1e-4
    FOLLOWS = 1e-3  # relative. A gradient is that of the value; single precision leaves 1e-4
    NONE = 1e-6  # of the largest. A coefficient, a slope or a gradient is 0
    CONSTANT = 1e-9  # of the largest value. A value does not move: above the rounding of float64
    COARSE = 5e-3  # of the values' spread. A row fits but for half precision, or a small term
    POWER = 0.05  # in the exponent. A weight follows a power of a size
    ONE = 0.01  # relative. A beta is called that of the ELBO
    DIFFER = 1e-2  # of the largest. Weights of pixels or of latents are not all the same
    ROUNDINGS = 64  # units of rounding by which a value may be off: sums of thousands of terms
    SURE = 6  # standard errors of a mean of draws: one in 500 million lies further off
    QUIET = 1e-3  # of the values' spread. The error at which a likelihood is told through noise
    LOUD = 0.1  # of the KL. Rounding or noise above which a wrong KL would look the same
    REPEATS = 16  # draws of a loss that draws noise
    LEAST_DRAWS = 4  # draws where a Monte Carlo KL is all but certain: at the prior and far out
    MOST_DRAWS = 2000  # draws. More are not waited for
    LOUDER = 2.5  # times. Noise that differs so much between images is not that of a draw of z
    STEADY = 0.05  # relative. Steps of a counter are equal; those of noise differ by all there is
    DRAWN = 1e-5  # in z. Two draws are one: the rounding of float32 at a few standard deviations


class Hypothesis(NamedTuple):
    """A row: the loss is a sum of these features, each with a weight of its own, and a constant.

    Attributes:
        features: functions of (x, x_decoded), or of (z_mean, z_log_var), to one number.
        says: a sentence, or a function of the features' weights to one.
        about: of the `AuditError` that holds the sentence.
    """

    features: tuple
    says: object
    about: str | None = None


def weights_on(features, inputs, values, error=0.0):
    """Least squares of values on features and a constant.

    Returns:
        The weights of the features, the largest misfit relative to the values' spread, and whether
        that is within `Within.FIT` or the values' own `error`; `None` where one is not finite.
    """
    columns = np.array([[*(feature(*given) for feature in features), 1.0] for given in inputs])
    spread = np.ptp(values)
    if not (np.isfinite(columns).all() and np.isfinite(spread) and spread > 0):
        return None
    scales = np.abs(columns).max(axis=0)
    scales[scales == 0] = 1.0
    wanted = (values - values.mean()) / spread
    found = np.linalg.lstsq(columns / scales, wanted, rcond=None)[0]
    misfit = np.abs(columns / scales @ found - wanted).max()
    return spread * (found / scales)[:-1], misfit, misfit <= Within.FIT + error / spread


def first_that_fits(rows, inputs, values, error=0.0):
    """What the first row that explains the values says, and what that is about; or `None`."""
    for row in rows:
        with np.errstate(all="ignore"):
            found = weights_on(row.features, inputs, values, error)
        if found and found[2]:
            return row.says if isinstance(row.says, str) else row.says(found[0]), row.about
    return None


def _swapped(likelihood):
    return Hypothesis(
        (lambda x, y: likelihood.distortion(y, x),),
        f"x and x_decoded are swapped in the {likelihood.name} reconstruction term: the image is "
        "the target, the decoder's output the prediction",
        "swapped",
    )


def _sides(p_of):
    """A cross-entropy's two sides, each with a weight of its own."""

    def says(found):
        if np.abs(found).min() < Within.NONE * np.abs(found).max():
            lacks = "x log(p)" if abs(found[0]) < abs(found[1]) else "(1 - x) log(1 - p)"
            return f"the cross-entropy lacks its term {lacks}"
        ratio = f"{found[0] / found[1]:.3g} times as much as dark ones"
        return f"the cross-entropy weights bright pixels {ratio}: no likelihood"

    return Hypothesis(
        (
            lambda x, y: -(x * np.log(p_of(y))).sum(),
            lambda x, y: -((1 - x) * np.log1p(-p_of(y))).sum(),
        ),
        says,
    )


def _mixture(family):
    def says(found):
        parts = zip(found, (likelihood.name for likelihood in family), strict=True)
        named = [
            f"{w:.3g} x {name}" for w, name in parts if abs(w) > Within.NONE * np.abs(found).max()
        ]
        mixed = f"the reconstruction term is a mixture, {' + '.join(named)}"
        return f"{mixed}: no single likelihood, no single beta"

    return Hypothesis(tuple(likelihood.distortion for likelihood in family), says)


def _curved(name, curve, likelihood, per_example):
    def feature(x, y):
        return curve(likelihood.each(x, y).reshape(len(x) if per_example else 1, -1).sum(1)).mean()

    return Hypothesis(
        (feature,),
        f"the reconstruction term is {name} the {likelihood.name} distortion: its weight, and with "
        "it beta, depends on how well the model reconstructs",
    )


def _of_another_output(output, likelihood):
    name, function, inverse = output
    return Hypothesis(
        (lambda x, y: likelihood.distortion(x, function(y)),),
        lambda found: (
            f"the loss takes {name} of x_decoded before the {likelihood.name} distortion (weight "
            f"{found[0]:.3g}): audit it as a function of what comes out, lambda x, x_decoded, m, "
            f"v: loss(x, {inverse}, m, v)"
        ),
    )


MASKED = "pixels that are exactly 0 or 1 are weighted differently from grey ones (a mask?): "
OUTPUTS = (
    ("the tanh", np.tanh, "arctanh(x_decoded)"),
    ("the exponential", np.exp, "log(x_decoded)"),
    ("the softplus", lambda y: np.logaddexp(0, y), "log(expm1(x_decoded))"),
)
CURVES = (("the root of", np.sqrt), ("the logarithm of", np.log))
OF_THE_RECONSTRUCTION = (  # of grey images
    *(Hypothesis((row.distortion,), MASKED + "no single beta") for row in PER_PIXEL),
    *(_swapped(row) for row in PER_PIXEL),
    *(_sides(p_of) for p_of in (lambda y: y, sigmoid)),
    *(_mixture(family) for family in FAMILIES),
    *(
        _curved(name, curve, row, per)
        for row in PER_PIXEL
        for name, curve in CURVES
        for per in (True, False)
    ),
    *(_of_another_output(output, row) for output in OUTPUTS for row in FAMILIES[0]),
)


def _of_variance(z_mean, variance):
    return 0.5 * (variance + z_mean**2 - 1 - np.log(variance)).sum() / len(z_mean)


def _read_as(feature, what, role):
    return Hypothesis(
        (feature,),
        f"the KL reads its fourth argument as the {what}; where the encoder means it so, say "
        f"order='x,x_decoded,z_mean,{role}'",
    )


READINGS_OF_THE_KL = (
    Hypothesis(
        (lambda m, v: kl(v, m),), "z_mean and z_log_var are swapped in the KL term", "swapped codes"
    ),
    _read_as(
        lambda m, v: kl(m, 2 * v),
        "logarithm of the standard deviation, not of the variance",
        "z_log_std",
    ),
    _read_as(
        lambda m, v: _of_variance(m, v**2), "standard deviation, not as a log variance", "z_std"
    ),
    _read_as(_of_variance, "variance, not as its logarithm", "z_var"),
)
BENT = "the KL is clipped or bent: right for middling codes, and another one near the prior or far"


def _of_terms(found):
    """What the KL's terms and the mean, each with a weight of its own, make; a sentence."""
    weights = np.where(np.abs(found) < Within.FIT * np.abs(found).max(), 0.0, found)
    square, variance, log_variance, mean = weights
    if mean != 0:
        enters = f"z_mean itself enters with weight {mean:.3g}"
        return f"{enters}: the prior's mean is not 0, and it is not N(0, I)"
    if np.allclose(weights[:3], square * np.array([1, 1, -1]), rtol=Within.SAME):
        wrong = (
            "the KL enters with the wrong sign: training would increase it; add it to the "
            "distortion"
        )
        return f"{BENT} from it" if square > 0 else wrong
    if square > 0 and np.isclose(square, variance, rtol=Within.SAME) and log_variance < 0:
        return (
            f"the KL is taken to the prior N(0, {-log_variance / square:.3g} I) with weight "
            f"{-2 * log_variance:.3g}, not to N(0, I): a rescaled prior trains the same model, but "
            "its beta is not read off here"
        )
    if variance == 0 and log_variance == 0:
        return "only z_mean squared is penalised: there is no KL, and z_log_var is free"
    return (
        "the KL is wrong: z_mean^2, exp(z_log_var) and z_log_var enter with the weights "
        f"{square:.3g}, {variance:.3g} and {log_variance:.3g}, which should be c, c and -c, c > 0"
    )


def _term(function):
    return lambda m, v: function(m, v).sum() / len(m)


TERMS_OF_THE_KL = (
    Hypothesis(
        (
            _term(lambda m, v: m**2),
            _term(lambda m, v: np.exp(v)),
            _term(lambda m, v: v),
            _term(lambda m, v: m),
        ),
        _of_terms,
    ),
)
