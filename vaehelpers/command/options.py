"""What may be typed behind `vaehelpers`: the options of its commands, and how each is read."""

import argparse
import ast
import math

from vaehelpers.audit.loss import FRAMEWORKS
from vaehelpers.command.terminal import printable


class Parser(argparse.ArgumentParser):
    """One that shows what was typed, which a shell may have filled in, without acting on it."""

    def add_options(self, options):
        """Add arguments by a table of their names and how each is read."""
        for name, how in options.items():
            self.add_argument(name, **how)

    def error(self, message):
        """As argparse does, in printable signs."""
        super().error(printable(message, keep=""))


def joined(arguments):
    """The arguments with --image-range -1,1 in one, since -1,1 alone looks like an option."""
    arguments = list(arguments)
    for k in [k for k, name in enumerate(arguments[:-1]) if name == "--image-range"][::-1]:
        arguments[k : k + 2] = [f"{arguments[k]}={arguments[k + 1]}"]
    return arguments


def read_as(wanted, parse):
    """An argument's type: what `parse` makes of its text, else an error that says what to write."""

    def read(text):
        try:
            return parse(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} {wanted}") from None

    return read


def bounds(text):
    """The pair of numbers that "-1,1" writes, the smaller one first."""
    low, high = (float(number) for number in text.split(","))
    if not -math.inf < low < high < math.inf:
        raise ValueError
    return low, high


def named_value(text):
    """The pair that "kld_weight=0.00025" writes: what Python reads, else the text."""
    name, equals, value = text.partition("=")
    if not name.isidentifier() or not equals:
        raise ValueError
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def not_empty(text):
    """The text: an empty path would stand for the current folder."""
    if not text:
        raise ValueError
    return text


SHAPE = read_as("is no shape: write 28,28,1", lambda text: tuple(map(int, text.split(","))))
RANGE = read_as("is no range: write the smaller number first, -1,1", bounds)
VALUE = read_as("is no argument: write kld_weight=0.00025", named_value)
PATH = read_as("names nothing: is a variable of the shell unset?", not_empty)
VARIANCE = read_as(
    "is no variance: write 0.04, or learned",
    lambda text: text if text == "learned" else float(text),
)
DESCRIPTION = (
    "Say which beta a loss trains: a function of images, reconstructions and codes, in the order "
    "that its arguments' names tell; a method, an object, a module or a class that holds one; a "
    "Keras model. A file is imported: keep training under if __name__ == '__main__', or say "
    "--definitions."
)
EPILOG = "exit status: 0 beta is 1 within 1 percent, 1 it is another, 2 it could not be told"
AUDIT = {
    "target": {
        "metavar": "FILE.py:NAME",
        "help": "the loss or what holds it; package.module:NAME and NOTEBOOK.ipynb:NAME work too",
    },
    "--image-shape": {
        "type": SHAPE,
        "metavar": "H,W,C",
        "help": "default 28,28,1, or that of --data, or a Keras model's own",
    },
    "--latent-dim": {
        "type": int,
        "metavar": "J",
        "help": "default 2, or a Keras model's own",
    },
    "--latent-shape": {
        "type": SHAPE,
        "metavar": "C,H,W",
        "help": "of one code that is no vector: 4,8,8",
    },
    "--image-range": {
        "type": RANGE,
        "default": (0, 1),
        "metavar": "LOW,HIGH",
        "help": "of the pixels that the loss is called on; default 0,1",
    },
    "--batch-size": {"type": int, "default": 8, "metavar": "B", "help": "default 8"},
    "--with": {
        "dest": "arguments",
        "type": VALUE,
        "action": "append",
        "default": [],
        "metavar": "NAME=VALUE",
        "help": "an argument that the loss wants besides; repeatable",
    },
    "--order": {"metavar": "ROLES", "help": "of its arguments: x_decoded,x,z_mean,z_std"},
    "--result": {
        "metavar": "NAME",
        "help": "the total in what it returns: a name, an index, or sum",
    },
    "--definitions": {
        "action": "store_true",
        "help": "run nothing of the file but what NAME needs",
    },
    "--json": {"action": "store_true", "help": "print all that was found for a machine to read"},
    "--x-decoded": {"choices": ("auto", "probabilities", "logits"), "default": "auto"},
    "--framework": {"choices": ("auto", *FRAMEWORKS), "default": "auto"},
    "--data": {
        "type": PATH,
        "metavar": "PATH",
        "help": "images, .npz or a folder: does that beta collapse on them?",
    },
    "--key": {"help": "the array in the .npz file"},
}
THRESHOLD = {
    "path": {
        "type": PATH,
        "metavar": "PATH",
        "help": "an .npz file or a folder of PNG or JPEG images",
    },
    "--key": {"help": "the array in the .npz file"},
    "--likelihood": {"default": "bernoulli", "help": "bernoulli (default) or gaussian"},
    "--variance": {
        "type": VARIANCE,
        "default": 1.0,
        "help": "of the Gaussian: a number (default 1) or learned",
    },
}
