"""Checks of lesson 05: Mean or sum."""

from vaehelpers.exercises.verdicts import NOT_YET, check_number

CHANGES = 6


def check_learning_rate(answer):
    """Lesson 05, exercise 1: the learning rate after a summed loss of 128 images of 784 pixels is divided by both."""
    right = 1e-5 * 128 * 784
    hints = [
        (1e-5, "that is Adam's answer: plain gradient descent moves by the learning rate times the gradient"),
        (1e-5 * 784, "the batch: its 128 images were summed too"),
        (1e-5 * 128, "the pixels: their 784 were summed too"),
        (1e-5 / (128 * 784), "the wrong way: a smaller loss needs a larger learning rate"),
        (1e-5 * 128 * 28, "an image has 28 x 28 pixels"),
    ]
    check_number(answer, right, hints)


def check_printed_loss(answer):
    """Lesson 05, exercise 2: minus the ELBO from what the Keras example of 2020 prints."""
    right = 141.34 + 2 * 3.686
    hints = [
        (141.34 + 3.686, "that is the printed loss: its KL is a mean over two latent dimensions"),
        (141.34 + 3.686 / 2, "the wrong way: the mean over two is half of the sum"),
        (141.34 + 784 * 3.686, "the 784 belongs to the pixels, and is in the printed number already"),
        (784 * 141.34 + 2 * 3.686, "the example multiplies by 784 before it prints"),
        (2 * 3.686, "that is the rate: the distortion belongs to the ELBO too"),
        (-right, "the sign: minus the ELBO is asked for"),
    ]
    check_number(answer, right, hints, within=1e-4)


def check_which_change_the_model(answer):
    """Lesson 05, exercise 3: for each of six changes of a loss, whether another model is trained."""
    if answer is ...:
        print(NOT_YET)
        return
    given = list(answer) if isinstance(answer, (list, tuple)) else []
    if len(given) != CHANGES or any(type(a).__name__ not in ("bool", "bool_") for a in given):
        print(f"✗ a list of {CHANGES} times True or False is wanted")
        return
    right = [False, True, False, True, True, False]
    aspects = [
        "(a) a factor on the whole loss keeps beta",
        "(b) one term changes, the other does not",
        "(c) the batch size divides both terms",
        "(d) a mean over latents divides the KL alone",
        "(e) one bit is 0.693 nats: the cross-entropy is divided by that, and the KL is not",
        "(f) with a mean over images each term is a mean, whatever the batch size",
    ]
    wrong = [aspect for got, wanted, aspect in zip(given, right, aspects, strict=True) if bool(got) != wanted]
    print("✓ right" if not wrong else f"✗ {wrong[0]}")
