"""Checks of lesson 05: Mean or sum."""

from vaehelpers.exercises.verdicts import asked, entries_verdict, is_truth, list_of, number_verdict


@asked
def check_learning_rate(answer):
    """Lesson 05, exercise 1: the learning rate after a summed loss of 128 images of 784 pixels is divided by both."""
    right = 1e-5 * 128 * 784
    slips = [
        (
            1e-5,
            "that is Adam's answer: plain gradient descent moves by the learning rate times the gradient",
        ),
        (1e-5 * 784, "the batch: its 128 images were summed too"),
        (1e-5 * 128, "the pixels: their 784 were summed too"),
        (1e-5 / (128 * 784), "the wrong way: a smaller loss needs a larger learning rate"),
        (1e-5 * 128 * 28, "an image has 28 x 28 pixels"),
    ]
    return number_verdict(answer, right, slips)


@asked
def check_printed_loss(answer):
    """Lesson 05, exercise 2: minus the ELBO from what the Keras example of 2020 prints."""
    right = 141.34 + 2 * 3.686
    slips = [
        (141.34 + 3.686, "that is the printed loss: its KL is a mean over two latent dimensions"),
        (141.34 + 3.686 / 2, "the wrong way: the mean over two is half of the sum"),
        (
            141.34 + 784 * 3.686,
            "the 784 belongs to the pixels, and is in the printed number already",
        ),
        (784 * 141.34 + 2 * 3.686, "the example multiplies by 784 before it prints"),
        (2 * 3.686, "that is the rate: the distortion belongs to the ELBO too"),
        (-right, "the sign: minus the ELBO is asked for"),
    ]
    return number_verdict(answer, right, slips, within=1e-4)


@asked
def check_which_change_the_model(answer):
    """Lesson 05, exercise 3: for each of six changes of a loss, whether another model is trained."""
    right = [False, True, False, True, True, False]
    aspects = [
        "(a) a factor on the whole loss keeps beta",
        "(b) one term changes, the other does not",
        "(c) the batch size divides both terms",
        "(d) a mean over latents divides the KL alone",
        "(e) one bit is 0.693 nats: the cross-entropy is divided by that, and the KL is not",
        "(f) with a mean over images each term is a mean, whatever the batch size",
    ]
    given = list_of(answer, is_truth, length=len(right))
    if given is None:
        return f"✗ a list of {len(right)} times True or False is wanted"
    return entries_verdict(given, right, aspects)
