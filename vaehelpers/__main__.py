"""The command line: `vaehelpers audit my_model.py:vae_loss --image-shape 28,28,1 --latent-dim 2`."""

import argparse
import importlib
import importlib.util
import sys
from operator import attrgetter
from pathlib import Path

from vaehelpers.audit import AuditError, audit_loss
from vaehelpers.collapse import collapse_at, collapse_spectrum, collapse_threshold, no_code_pays_above
from vaehelpers.data import load_images
from vaehelpers.data.likelihoods import LIKELIHOODS
from vaehelpers.runtime import COURSE

ELBO, ANOTHER_BETA, CANNOT_TELL = 0, 1, 2
IN_COURSE = ("keras", "tensorflow", "matplotlib")  # what a target may import that the package alone does not bring


def load_target(target):
    """The object that "FILE.py:NAME" or "package.module:NAME" names; the file is run, as an import runs it."""
    source, _, name = target.rpartition(":")
    if not source or not name:
        raise ValueError(f"target is {target!r}: pass FILE.py:NAME, for example my_model.py:vae_loss")
    path = Path(source)
    if path.suffix != ".py":
        sys.path.insert(0, "")
        return attrgetter(name)(importlib.import_module(source))
    if not path.is_file():
        raise FileNotFoundError(f"target names {source}, which is no file here")
    sys.path.append(str(path.parent.resolve()))
    sys.argv = [source]  # what a parser in the file sees
    spec = importlib.util.spec_from_file_location(f"audited_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return attrgetter(name)(module)


def is_keras_class(candidate):
    """Whether it is a class of Keras models, without importing Keras for it."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(candidate, type) and issubclass(candidate, keras.Model)


def audit(options):
    """Print what the loss trains and, where that is not the ELBO, the lines that would."""
    try:
        images = load_images(options.data, options.key) if options.data else None
        found = audit_target(options, images)
        on_images = [] if images is None else [collapse_on(images, found)]
    except AuditError as error:
        print(f"Cannot tell a beta: {error}")
        return CANNOT_TELL
    except (Exception, SystemExit) as error:  # the user's file may raise anything, or leave, while it is imported
        print(f"Cannot audit {options.target}: {type(error).__name__}: {error}{cure_of(error)}", file=sys.stderr)
        return CANNOT_TELL
    print(found, *on_images, sep="\n")
    if found.trains_elbo:
        return ELBO
    print("The ELBO for this likelihood, in two lines:")
    for framework, lines in found.cure().items():
        print("\n".join(f"  {head:9}{line}" for head, line in zip((framework, ""), lines, strict=True)))
    return ANOTHER_BETA


def audit_target(options, images):
    """The audit of the target, at the shape that was asked for, else at that of the images."""
    if options.image_shape is None:
        options.image_shape = (28, 28, 1) if images is None else images.shape[1:]
    candidate = load_target(options.target)
    sizes = {name: getattr(options, name) for name in ("image_shape", "latent_dim", "batch_size", "x_decoded")}
    if not is_keras_class(candidate):
        return audit_loss(candidate, framework=options.framework, **sizes)
    from vaehelpers.audit import audit_keras_vae

    return audit_keras_vae(candidate, **sizes)


def cure_of(error):
    """The command that installs what is missing, where it is part of the course."""
    missing = isinstance(error, ModuleNotFoundError) and error.name in IN_COURSE
    return f": {COURSE}" if missing else ""


def collapse_on(images, found):
    """What the threshold of these images says of a loss that trains `found.beta`."""
    if LIKELIHOODS[found.likelihood].no_threshold:
        name = found.likelihood.replace("_", " ").capitalize()
        return f"For a {name} likelihood there is no threshold of collapse to compare it with."
    threshold = collapse_threshold(images, found.likelihood)
    none_above = no_code_pays_above(images, found.likelihood)
    on_these = (
        f"On these {described(images)}, at beta {found.beta:.3g}: {collapse_at(found.beta, threshold, none_above)}"
    )
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
        print(f"Cannot compute a threshold: {error}", file=sys.stderr)
        return CANNOT_TELL
    print(f"Above beta = {spectrum[0]:.4g} collapse is a local optimum on these {described(images)}.")
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


def add_audit(commands):
    """The command `audit` and its options."""
    command = commands.add_parser(
        "audit",
        help="say which beta a loss trains",
        description="Say which beta a loss loss(x, x_decoded, z_mean, z_log_var), or a Keras class VAE(encoder, "
        "decoder), trains. The file is imported: keep training under if __name__ == '__main__'.",
        epilog="exit status: 0 beta is 1 within 1 percent, 1 it is another, 2 it could not be told",
    )
    command.add_argument("target", metavar="FILE.py:NAME", help="the loss or the class; package.module:NAME works too")
    command.add_argument("--image-shape", type=shape, metavar="H,W,C", help="default 28,28,1, or that of --data")
    command.add_argument("--latent-dim", type=int, default=2, metavar="J", help="default 2")
    command.add_argument("--batch-size", type=int, default=8, metavar="B", help="default 8")
    command.add_argument("--x-decoded", choices=("auto", "probabilities", "logits"), default="auto")
    command.add_argument("--framework", choices=("auto", "numpy", "tensorflow", "jax", "torch"), default="auto")
    command.add_argument("--data", metavar="PATH", help="images, .npz or a folder: does that beta collapse on them?")
    command.add_argument("--key", help="the array in the .npz file")
    command.set_defaults(run=audit)


def add_threshold(commands):
    """The command `threshold` and its options."""
    command = commands.add_parser("threshold", help="the beta above which collapse is a local optimum on your images")
    command.add_argument("path", metavar="PATH", help="an .npz file or a folder of PNG or JPEG images")
    command.add_argument("--key", help="the array in the .npz file")
    command.add_argument("--likelihood", default="bernoulli", help="bernoulli (default) or gaussian")
    command.add_argument("--variance", default="1", help="of the Gaussian: a number (default 1) or learned")
    command.set_defaults(run=threshold)


def main(arguments=None):
    """Run the command that the arguments name; the exit status."""
    called = "vaehelpers" if Path(sys.argv[0]).stem == "vaehelpers" else "python -m vaehelpers"
    parser = argparse.ArgumentParser(prog=called, description="Tools of the course on VAE losses.")
    commands = parser.add_subparsers(dest="command", required=True)
    add_audit(commands)
    add_threshold(commands)
    options = parser.parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
