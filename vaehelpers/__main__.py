"""The command line: `vaehelpers audit my_model.py:vae_loss --image-shape 28,28,1`."""

import json
import logging
import math
import sys
from dataclasses import asdict
from pathlib import Path

from vaehelpers import doctor
from vaehelpers.audit import AuditError, audit_loss
from vaehelpers.collapse import collapse_at, collapse_spectrum, no_code_pays_above
from vaehelpers.collapse.no_code import rounded_up
from vaehelpers.command import options
from vaehelpers.command.source import TargetError, load_target, said_by
from vaehelpers.command.terminal import answers_only, printable, saying_what_it_does, status_of
from vaehelpers.data import load_images
from vaehelpers.data.likelihoods import LIKELIHOODS
from vaehelpers.diagnostics.diagnosis import ENOUGH
from vaehelpers.runtime import COURSE

LOG = logging.getLogger("vaehelpers")
ELBO, ANOTHER_BETA, CANNOT_TELL = 0, 1, 2  # exit statuses
FIRST = 5  # eigenvalues that are printed
IN_COURSE = ("keras", "tensorflow", "matplotlib")  # what a target may import, and the core lacks
OF_THE_AUDIT = "latent_dim batch_size image_range x_decoded framework order result latent_shape"


def audit(chosen):
    """Print what the loss trains and, where that is not the ELBO, the lines that would."""
    try:
        with (
            answers_only(lambda said: cannot(chosen, TargetError(said)), (ELBO, ANOTHER_BETA)),
            saying_what_it_does(aloud=not chosen.json),
        ):
            images = None if chosen.data is None else images_of(chosen.data, chosen.key)
            found = audit_target(chosen, images)
            on_images = [] if images is None else [collapse_on(images, found)]
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # what a user's file raises where it is imported or called
        return cannot(chosen, error)
    print(as_json(found, on_images) if chosen.json else in_words(found, on_images))
    return ELBO if found.trains_elbo else ANOTHER_BETA


def cannot(chosen, error):
    """Say why there is no answer; the exit status of that."""
    known = isinstance(error, (AuditError, TargetError))
    said = str(error) if known else said_by(error)
    if isinstance(error, ModuleNotFoundError) and error.name in IN_COURSE:
        said = f"{said}: {COURSE}"
    if chosen.json:
        print(json.dumps({"error": said}))
    elif isinstance(error, AuditError):
        print(f"Cannot tell a beta: {printable(said)}")
    else:
        said = printable(" ".join(said.split()))
        print(f"Cannot audit {printable(chosen.target, keep='')}: {said}", file=sys.stderr)
    return CANNOT_TELL


def as_json(found, on_images):
    """Everything that was found, for machines."""
    beside = {
        "beta_declared": found.beta_declared,
        "trains_elbo": found.trains_elbo,
        "sentence": str(found).splitlines()[0],
        "on_data": on_images,
        "cure": found.cure(),
    }
    return json.dumps(asdict(found) | beside)


def in_words(found, on_images):
    """What was found and, where that is not the ELBO, the lines that would train it."""
    lines = [printable("\n".join([str(found), *on_images]))]
    if not found.trains_elbo:
        lines.append("The ELBO for this likelihood, in two lines:")
        for framework, (pixels, loss) in found.cure().items():
            lines += [f"  {framework:9}{pixels}", f"  {'':9}{loss}"]
    return "\n".join(lines)


def images_of(path, key):
    """The images of a file or folder."""
    LOG.info("reading %r", path)
    return load_images(path, key)


def audit_target(chosen, images):
    """The audit of the target, at the shape that was asked for, else at that of the images."""
    shape = chosen.image_shape
    if images is not None:
        there = images.shape[1:]
        shape = shape or there
        if math.prod(shape) != math.prod(there):
            said = f"--image-shape {written(shape)} has {math.prod(shape):,} values"
            said += f", an image of --data {math.prod(there):,} ({written(there)})"
            raise ValueError(said)
    LOG.info("loading %s", chosen.target)
    return audit_loss(
        load_target(chosen.target, chosen.definitions),
        image_shape=shape,
        arguments=dict(chosen.arguments),
        **{name: getattr(chosen, name) for name in OF_THE_AUDIT.split()},
    )


def written(sizes):
    """The sizes as they are typed: 28,28,1."""
    return ",".join(str(n) for n in sizes)


def collapse_on(images, found):
    """What the threshold of these images says of a loss that trains `found.beta`."""
    likelihood = LIKELIHOODS.get(found.likelihood)
    if likelihood is None or likelihood.no_threshold:
        name = found.likelihood.replace("_", " ").capitalize()
        return f"For a {name} likelihood there is no threshold of collapse to compare it with."
    try:
        (first,), none_above = limits_of(images, found.likelihood)
    except ValueError as error:
        return f"There is no threshold of collapse of these images: {error}"
    means = collapse_at(found.beta, first, none_above)
    said = f"On these {described(images)}, at beta {found.beta:.3g}: {means}"
    limits = f"local optimum above {first:.3g}, no code from {rounded_up(none_above):g} on"
    return f"{said} ({limits}).{too_few(images)}"


def limits_of(images, likelihood, variance=1.0, most=1):
    """The largest eigenvalues, and the weight from which no code pays, `None` where there is none.

    Args:
        images: `[N, ...]`.
        likelihood: its name.
        variance: of the Gaussian; for "learned" there is no such weight.
        most: how many eigenvalues, at most.
    """
    LOG.info("the eigenvalues of %s", described(images))
    first = collapse_spectrum(images, likelihood, variance, most=most)
    if variance == "learned":
        return first, None
    LOG.info("from which weight on no code of %s pays", described(images))
    return first, no_code_pays_above(images, likelihood, variance, threshold=first[0])


def described(images):
    """How many, of which shape and, where they leave [0, 1], the range that a threshold is of."""
    low = images.min()
    high = images.max()
    of_range = "" if low >= 0 and high <= 1 else f" with pixels from {low:.4g} to {high:.4g}"
    sizes = " x ".join(str(n) for n in images.shape[1:])
    return f"{len(images):,} images of {sizes}{of_range}"


def too_few(images):
    """What is to be said of a threshold of a few images."""
    return (
        f" With fewer than {ENOUGH} images, sampling noise raises it."
        if len(images) < ENOUGH
        else ""
    )


def threshold(chosen):
    """Print the first eigenvalues, the thresholds of the directions in which a code pays off."""
    try:
        with saying_what_it_does():
            images = images_of(chosen.path, chosen.key)
            first, none_above = limits_of(images, chosen.likelihood, chosen.variance, FIRST)
    except (OSError, ValueError, TypeError) as error:
        print(f"Cannot compute a threshold: {printable(str(error), keep='')}", file=sys.stderr)
        return CANNOT_TELL
    said = f"Above beta = {first[0]:.4g} collapse is a local optimum on these {described(images)}."
    print(f"{said}{too_few(images)}")
    if none_above is not None:
        said = "no code of any size pays, for pixels that are independent given z"
        equal = math.isclose(none_above, first[0], rel_tol=1e-6)
        between = "" if equal else "; between is not decided"
        print(f"From beta = {rounded_up(none_above):g} on {said}{between}.")
    print(f"The largest eigenvalues: {', '.join(f'{value:.4g}' for value in first)}")
    return 0


def main(arguments=None):
    """Run the command that the arguments name; the exit status."""
    called = "vaehelpers" if Path(sys.argv[0]).stem == "vaehelpers" else "python -m vaehelpers"
    parser = options.Parser(prog=called, description="Tools of the course on VAE losses.")
    add = parser.add_subparsers(dest="command", required=True).add_parser
    said = "say which beta a loss trains"
    command = add("audit", help=said, description=options.DESCRIPTION, epilog=options.EPILOG)
    command.add_options(options.AUDIT)
    command.set_defaults(run=audit)
    command = add(
        "threshold", help="the beta above which collapse is a local optimum on your images"
    )
    command.add_options(options.THRESHOLD)
    command.set_defaults(run=threshold)
    command = add("doctor", help="say whether the course will run on this computer")
    command.set_defaults(run=lambda _: doctor.main())
    typed = sys.argv[1:] if arguments is None else arguments
    chosen = parser.parse_args(options.joined(typed))
    return status_of(lambda: chosen.run(chosen))


if __name__ == "__main__":
    sys.exit(main())
