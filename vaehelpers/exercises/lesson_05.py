"""Checks of lesson 05: Mean or sum."""

from vaehelpers.exercises.verdicts import asked, entries_verdict, is_truth, number_verdict


@asked
def check_learning_rate(answer):
    """Lesson 05, exercise 1: the learning rate when a sum over 128 x 784 becomes a mean."""
    return number_verdict(
        answer,
        1e-5 * 128 * 784,
        (1e-5, "that is Adam's answer: gradient descent moves by learning rate times gradient"),
        (1e-5 * 784, "the batch: its 128 images were summed too"),
        (1e-5 * 128, "the pixels: their 784 were summed too"),
        (1e-5 / (128 * 784), "the wrong way: a smaller loss needs a larger learning rate"),
        (1e-5 * 128 * 28, "an image has 28 x 28 pixels"),
    )


@asked
def check_printed_loss(answer):
    """Lesson 05, exercise 2: minus the ELBO from what the Keras example of 2020 prints."""
    right = 141.34 + 2 * 3.686
    return number_verdict(
        answer,
        right,
        (141.34 + 3.686, "that is the printed loss: its KL is a mean over two latent dimensions"),
        (141.34 + 3.686 / 2, "the wrong way: the mean over two is half of the sum"),
        (141.34 + 784 * 3.686, "the 784 belongs to the pixels, and is in the number already"),
        (784 * 141.34 + 2 * 3.686, "the example multiplies by 784 before it prints"),
        (2 * 3.686, "that is the rate: the distortion belongs to the ELBO too"),
        (-right, "the sign: minus the ELBO is asked for"),
        within=1e-4,
    )


@asked
def check_which_change_the_model(answer):
    """Lesson 05, exercise 3: which of six changes of a loss train another model."""
    return entries_verdict(
        answer,
        is_truth,
        "a list of 6 times True or False",
        (False, "(a) a factor on the whole loss keeps beta"),
        (True, "(b) one term changes, the other does not"),
        (False, "(c) a sum over the batch multiplies both terms by the batch size"),
        (True, "(d) a mean over latents divides the KL alone"),
        (True, "(e) one bit is 0.693 nats: that divides the cross-entropy, and not the KL"),
        (False, "(f) with a mean over images each term is a mean, whatever the batch size"),
    )
