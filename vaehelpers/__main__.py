"""The command line: `vaehelpers audit my_model.py:vae_loss --image-shape 28,28,1 --latent-dim 2`."""

import argparse
import ast
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path

from vaehelpers import doctor
from vaehelpers.audit import AuditError, audit_loss
from vaehelpers.collapse import (
    collapse_at,
    collapse_spectrum,
    collapse_threshold,
    no_code_pays_above,
)
from vaehelpers.command.source import TargetError, load_target, said_by
from vaehelpers.command.terminal import answers_only, printable, saying_what_it_does, status_of
from vaehelpers.data import load_images
from vaehelpers.data.likelihoods import LIKELIHOODS
from vaehelpers.runtime import COURSE

ELBO, ANOTHER_BETA, CANNOT_TELL = 0, 1, 2  # exit statuses
IN_COURSE = (
    "keras",
    "tensorflow",
    "matplotlib",
)  # what a target may import that the package alone does not bring


def audit(options):
    """Print what the loss trains and, where that is not the ELBO, the lines that would."""

    def refuse(said):
        return cannot(options, TargetError(said))

    try:
        with answers_only(refuse, (ELBO, ANOTHER_BETA)), saying_what_it_does("vaehelpers.audit"):
            images = load_images(options.data, options.key) if options.data else None
            found = audit_target(options, images)
            on_images = [] if images is None else [collapse_on(images, found)]
        answer = (
            as_json(found, on_images)
            if options.json
            else printable("\n".join([str(found), *on_images]))
        )
    except KeyboardInterrupt:
        raise
    except (
        BaseException
    ) as error:  # the user's file may raise anything, or leave, while it is imported or called
        return cannot(options, error)
    print(answer)
    if found.trains_elbo:
        return ELBO
    if not options.json:
        print("The ELBO for this likelihood, in two lines:")
        for framework, lines in found.cure().items():
            print(
                "\n".join(
                    f"  {head:9}{line}" for head, line in zip((framework, ""), lines, strict=True)
                )
            )
    return ANOTHER_BETA


def cannot(options, error):
    """Say why there is no answer; the exit status of that."""
    said = (
        str(error)
        if isinstance(error, (AuditError, TargetError))
        else f"{said_by(error)}{cure_of(error)}"
    )
    if options.json:
        print(json.dumps({"error": said}))
    elif isinstance(error, AuditError):
        print(f"Cannot tell a beta: {printable(said)}")
    else:
        said = printable(" ".join(said.split()))
        print(f"Cannot audit {printable(options.target, keep='')}: {said}", file=sys.stderr)
    return CANNOT_TELL


def as_json(found, on_images):
    """Everything that was found, for machines."""
    fields = asdict(found) | {
        "beta_declared": found.beta_declared,
        "trains_elbo": found.trains_elbo,
    }
    return json.dumps(
        fields
        | {"sentence": str(found).splitlines()[0], "on_data": on_images, "cure": found.cure()}
    )


def audit_target(options, images):
    """The audit of the target, at the shape that was asked for, else at that of the images."""
    if images is not None:
        options.image_shape = options.image_shape or images.shape[1:]
        asked = math.prod(options.image_shape)
        there = math.prod(images.shape[1:])
        if asked != there:
            said = f"--image-shape {written(options.image_shape)} has {asked:,} values, an image of --data"
            raise ValueError(f"{said} {there:,} ({written(images.shape[1:])})")
    names = (
        "image_shape",
        "latent_dim",
        "batch_size",
        "x_decoded",
        "framework",
        "order",
        "result",
        "latent_shape",
    )
    given = {name: getattr(options, name) for name in names}
    if options.image_range is not None:
        given["image_range"] = options.image_range
    return audit_loss(
        load_target(options.target, options.definitions), arguments=dict(options.arguments), **given
    )


def written(sizes):
    """The sizes as they are typed: 28,28,1."""
    return ",".join(str(n) for n in sizes)


def cure_of(error):
    """The command that installs what is missing, where it is part of the course."""
    missing = isinstance(error, ModuleNotFoundError) and error.name in IN_COURSE
    return f": {COURSE}" if missing else ""


def collapse_on(images, found):
    """What the threshold of these images says of a loss that trains `found.beta`."""
    likelihood = LIKELIHOODS.get(found.likelihood)
    if likelihood is None or likelihood.no_threshold:
        name = found.likelihood.replace("_", " ").capitalize()
        return f"For a {name} likelihood there is no threshold of collapse to compare it with."
    try:
        threshold = collapse_threshold(images, found.likelihood)
        none_above = no_code_pays_above(images, found.likelihood)
    except ValueError as error:
        return f"There is no threshold of collapse of these images: {error}"
    on_these = f"On these {described(images)}, at beta {found.beta:.3g}: {collapse_at(found.beta, threshold, none_above)}"
    return f"{on_these} (local optimum from {threshold:.3g}, no code from {none_above:.3g})."


def described(images):
    """How many there are and, where they leave [0, 1], which range the number that follows belongs to."""
    low = images.min()
    high = images.max()
    of_range = "" if low >= 0 and high <= 1 else f" with pixels from {low:.4g} to {high:.4g}"
    return f"{len(images):,} images{of_range}"


def threshold(options):
    """Print the first eigenvalues, the thresholds of the directions in which a code begins to pay off."""
    try:
        images = load_images(options.path, options.key)
        variance = options.variance if options.variance == "learned" else float(options.variance)
        spectrum = collapse_spectrum(images, options.likelihood, variance)
    except (OSError, ValueError, TypeError) as error:
        print(f"Cannot compute a threshold: {printable(str(error))}", file=sys.stderr)
        return CANNOT_TELL
    print(
        f"Above beta = {spectrum[0]:.4g} collapse is a local optimum on these {described(images)}."
    )
    if variance != "learned":
        none_above = no_code_pays_above(images, options.likelihood, variance)
        print(
            f"From beta = {none_above:.4g} on no code of any size pays, whatever the network; between is not decided."
        )
    print(f"The largest eigenvalues: {', '.join(f'{value:.4g}' for value in spectrum[:5])}")
    return 0


def shape(text):
    """The tuple that "28,28,1" writes."""
    try:
        return tuple(int(n) for n in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no shape: write 28,28,1") from None


def bounds(text):
    """The pair of numbers that "-1,1" writes, the smaller one first."""
    try:
        low, high = (float(number) for number in text.split(","))
    except ValueError:
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no range: write the smaller number first, -1,1"
        )
    return low, high


def named_value(text):
    """The pair that "kld_weight=0.00025" writes: a number where it is one, else what Python reads, else the text."""
    name, equals, value = text.partition("=")
    if not name.isidentifier() or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is no argument: write kld_weight=0.00025")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def add_audit(commands):
    """The command `audit` and its options."""
    command = commands.add_parser(
        "audit",
        help="say which beta a loss trains",
        description="Say which beta a loss trains: a function of images, reconstructions and codes, in the order that "
        "its arguments' names tell; a method, an object, a module or a class that holds one; a Keras model. A file is "
        "imported: keep training under if __name__ == '__main__', or say --definitions.",
        epilog="exit status: 0 beta is 1 within 1 percent, 1 it is another, 2 it could not be told",
    )
    forms = "the loss or what holds it; package.module:NAME and NOTEBOOK.ipynb:NAME work too"
    command.add_argument("target", metavar="FILE.py:NAME", help=forms)
    command.add_argument(
        "--image-shape",
        type=shape,
        metavar="H,W,C",
        help="default 28,28,1, or that of --data, or a Keras model's own",
    )
    command.add_argument(
        "--latent-dim", type=int, metavar="J", help="default 2, or a Keras model's own"
    )
    command.add_argument(
        "--latent-shape", type=shape, metavar="C,H,W", help="of one code that is no vector: 4,8,8"
    )
    command.add_argument(
        "--image-range",
        type=bounds,
        metavar="LOW,HIGH",
        help="of the pixels that the loss is called on; default 0,1",
    )
    command.add_argument("--batch-size", type=int, default=8, metavar="B", help="default 8")
    command.add_argument(
        "--with",
        dest="arguments",
        type=named_value,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an argument that the loss wants besides; repeatable",
    )
    command.add_argument(
        "--order", metavar="ROLES", help="of its arguments: x_decoded,x,z_mean,z_std"
    )
    command.add_argument(
        "--result", metavar="NAME", help="the total in what it returns: a name, an index, or sum"
    )
    command.add_argument(
        "--definitions", action="store_true", help="run nothing of the file but what NAME needs"
    )
    command.add_argument(
        "--json", action="store_true", help="print all that was found for a machine to read"
    )
    command.add_argument("--x-decoded", choices=("auto", "probabilities", "logits"), default="auto")
    command.add_argument(
        "--framework", choices=("auto", "numpy", "tensorflow", "jax", "torch"), default="auto"
    )
    command.add_argument(
        "--data", metavar="PATH", help="images, .npz or a folder: does that beta collapse on them?"
    )
    command.add_argument("--key", help="the array in the .npz file")
    command.set_defaults(run=audit)


def add_threshold(commands):
    """The command `threshold` and its options."""
    command = commands.add_parser(
        "threshold", help="the beta above which collapse is a local optimum on your images"
    )
    command.add_argument(
        "path", metavar="PATH", help="an .npz file or a folder of PNG or JPEG images"
    )
    command.add_argument("--key", help="the array in the .npz file")
    command.add_argument(
        "--likelihood", default="bernoulli", help="bernoulli (default) or gaussian"
    )
    command.add_argument(
        "--variance", default="1", help="of the Gaussian: a number (default 1) or learned"
    )
    command.set_defaults(run=threshold)


def main(arguments=None):
    """Run the command that the arguments name; the exit status."""
    called = "vaehelpers" if Path(sys.argv[0]).stem == "vaehelpers" else "python -m vaehelpers"
    parser = argparse.ArgumentParser(prog=called, description="Tools of the course on VAE losses.")
    commands = parser.add_subparsers(dest="command", required=True)
    add_audit(commands)
    add_threshold(commands)
    commands.add_parser(
        "doctor", help="say whether the course will run on this computer"
    ).set_defaults(run=lambda options: doctor.main())
    options = parser.parse_args(joined(sys.argv[1:] if arguments is None else arguments))
    return status_of(lambda: options.run(options))


def joined(arguments):
    """The arguments with --image-range -1,1 in one, since -1,1 alone looks like an option."""
    arguments = list(arguments)
    for k in [k for k, name in enumerate(arguments[:-1]) if name == "--image-range"][::-1]:
        arguments[k : k + 2] = [f"{arguments[k]}={arguments[k + 1]}"]
    return arguments


if __name__ == "__main__":
    sys.exit(main())
