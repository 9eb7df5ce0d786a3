"""Checks of lesson 10: The clinic."""

from vaehelpers.exercises.verdicts import RIGHT, asked, floats, is_whole, number_verdict

BATCH, LATENTS, PIXELS = 128, 32, 784
FLOOR = 0.5  # nats, as the code says it


@asked
def check_beta_of_a_wrong_divisor(answer):
    """Lesson 10, exercise 1: the beta of a KL that is divided by the latent dimensions where the batch is meant."""
    slips = [
        (1, "that is where both numbers agree, as in the configuration: here they are 128 and 32"),
        (
            LATENTS / BATCH,
            "the other way round: the sum over 128 images is divided by 32, so it is larger than the mean",
        ),
        (BATCH, "the sum over the batch is divided by 32 all the same"),
        (1 / LATENTS, "before it is divided, the KL is summed over 128 images, not averaged"),
    ]
    return number_verdict(answer, BATCH / LATENTS, slips)


@asked
def check_free_nats(answer):
    """Lesson 10, exercise 2: the nats that each latent dimension has free where the KL is divided by 784 first."""
    slips = [
        (
            FLOOR,
            "that is the floor as it is written; the KL that it is compared with was divided by 784",
        ),
        (
            FLOOR / PIXELS,
            "the other way round: what was divided by 784 reaches the floor later, not sooner",
        ),
        (
            2 * FLOOR * PIXELS,
            "that is for both dimensions, or without the floor's 1/2: one dimension is asked for",
        ),
        (2 * FLOOR, "the division by 784 comes before the floor"),
    ]
    return number_verdict(answer, FLOOR * PIXELS, slips)


WANTED = (
    "versions",
    "pixels",
    "likelihood",
    "beta",
    "distortion",
    "rate",
    "active_units",
    "threshold",
    "audit",
)
NUMBERS = ("beta", "distortion", "rate")


@asked
def check_bug_report(answer):
    """Lesson 10, exercise 3: a bug report on the reader's own VAE, a dict; whether it can be answered."""
    if not isinstance(answer, dict):
        return (
            f"✗ the answer is a {type(answer).__name__}: a dict is wanted, with {', '.join(WANTED)}"
        )
    missing = [name for name in WANTED if name not in answer]
    if missing:
        return f"✗ without {', '.join(missing)} nobody can answer"
    return next((f"✗ {problem}" for problem in _problems(answer)), RIGHT)


def _problems(report):
    pixels = floats(report["pixels"])
    if pixels.shape != (2,) or not pixels[0] < pixels[1]:
        yield "pixels: the smallest and the largest number in x, such as (0, 1)"
    for name in NUMBERS:
        if name == "beta" and report[name] is None:  # the audit could not tell it, and says why
            continue
        value = floats(report[name])
        if value.shape != () or value != value:
            yield f"{name}: one number is wanted"
    for name in ("versions", "likelihood", "audit"):
        if not isinstance(report[name], str) or not report[name].strip():
            yield f"{name}: words are wanted"
    if not is_whole(report["active_units"]) or report["active_units"] < 0:
        yield "active_units: how many latent dimensions have a posterior mean with a variance above 0.01"
    if report["threshold"] is not None and not floats(report["threshold"]) > 0:
        yield "threshold: a weight above 0, or None where the likelihood has none"
    if report["beta"] is not None and not floats(report["beta"]) > 0:
        yield "beta: a weight of 0 or below trains no VAE; is the KL's sign right?"
    if floats(report["rate"]) < 0:
        yield "rate: a KL in closed form is never negative; has it all its terms?"
    if "bernoulli" in report["likelihood"].lower():
        if pixels[0] < 0 or pixels[1] > 1:
            yield "pixels outside of [0, 1] under a cross-entropy: that is case 3, and needs no report"
        if floats(report["distortion"]) < 0:
            yield "distortion: a cross-entropy of pixels in [0, 1] is never negative"
    if report["beta"] is not None and "beta" not in report["audit"]:
        yield "audit: what audit_loss prints, or with beta None why it cannot tell"
