"""From a symptom to its cause, as questions in the order in which they are cheapest: the first yes ends the search."""

from typing import NamedTuple


class Step(NamedTuple):
    """A question, what answers it, what it is where the answer is yes, and where that is treated."""

    question: str
    ask: str
    cause: str
    read: str


STEPS = (
    Step(
        "Does it stop with a message, or is a number nan?",
        "read its last line, print each term; x.min(), x.max()",
        "shapes, dtypes, files, an overflow, pixels that were not scaled",
        "lesson 10, part two; deeper/03 Keras by hand",
    ),
    Step(
        "Are the pixels outside of [0, 1] under a cross-entropy?",
        "x.min(), x.max()",
        "no likelihood: from logits the loss has no lower limit",
        "lesson 10, case 3",
    ),
    Step(
        'Does the audit say "at fault", or refuse?',
        "print(audit_loss(vae)), or python -m vaehelpers audit FILE.py:LOSS --image-shape 28,28,1 --latent-dim 2",
        "a sign; of a Keras model a draw without noise or of another width, a decoder that wants more than codes",
        "lesson 10, cases 2, 4 and 7; Eighteen that people had, in docs/symptoms.md",
    ),
    Step(
        "Is beta another than you meant (1, where you wrote none)?",
        "the first sentence of the same audit, with a schedule of the trained model",
        "a mean for a sum, over channels too; a sum over the batch; a schedule that is stuck",
        "lesson 10, cases 1, 5 and 6; lessons 04 and 05",
    ),
    Step(
        "With codes exchanged, does each image still come out as itself? Autoregressive: is the rate near 0?",
        "the decoder, called on the codes in another order",
        "a decoder that gets the image another way",
        "lesson 10, case 7",
    ),
    Step(
        "Is the rate below 0.01 nats, and do all images come out alike?",
        "diagnose(vae, x), and python -m vaehelpers threshold images.npz (--likelihood gaussian for a squared error)",
        "beta above the threshold: a smaller one, or sums; below it steps that are too large, or dead units",
        "lesson 06, When does a small code pay? and Collapsed although beta is below the threshold",
    ),
    Step(
        "Is it worse than one image for all?",
        "diagnose(vae, x)",
        "training too short, or other layers while training than after it (batch normalisation)",
        "lesson 06, Collapsed although beta is below the threshold",
    ),
    Step(
        "Are reconstructions good and samples bad?",
        "the rate's two parts in diagnose(vae, x)",
        "codes that lie off the prior: beta is small, or the data ask for another prior; logits with no sigmoid",
        "lesson 10, case 5; lesson 07, What it looks like",
    ),
)
OTHERWISE = "No: then it may be well, and the question is how well (lesson 09). Ask with the bug report of lesson 10."


def as_table(steps=STEPS, otherwise=OTHERWISE):
    """The questions as a Markdown table, and what is left after the last.

    Example:
        >>> print(as_table([Step("Is it?", "look", "that", "here")], "No."))
        | | ask | by | if so, it is | read |
        |---|---|---|---|---|
        | 1 | Is it? | look | that | here |
        <BLANKLINE>
        No.
    """
    rows = [f"| {k} | {' | '.join(step)} |" for k, step in enumerate(steps, start=1)]
    return "\n".join(
        ["| | ask | by | if so, it is | read |", "|---|---|---|---|---|", *rows, "", otherwise]
    )
