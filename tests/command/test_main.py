"""The command line: what it prints, and its exit codes."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from vaehelpers.__main__ import main
from vaehelpers.audit import AuditError
from vaehelpers.collapse import collapse_spectrum, collapse_threshold, no_code_pays_above
from vaehelpers.collapse.no_code import rounded_up
from vaehelpers.command.terminal import WAITING
from vaehelpers.data import binarize
from vaehelpers.runtime import START_UP_MESSAGES

FILE = """
import numpy as np

def kl(m, v):
    return 0.5 * (np.exp(v) + m**2 - 1 - v)

def cross_entropy(x, p):
    return -x * np.log(p) - (1 - x) * np.log(1 - p)

def means(x, p, m, v):
    return cross_entropy(x, p).mean() + kl(m, v).mean()

def elbo(x, p, m, v):
    return (cross_entropy(x, p).sum(axis=(1, 2, 3)) + kl(m, v).sum(axis=1)).mean()

def declared(x, p, m, v):
    each = 0.5 * ((x - p) ** 2 / 0.04 + np.log(2 * np.pi * 0.04))
    return (each.sum(axis=(1, 2, 3)) + kl(m, v).sum(axis=1)).mean()

def free_bits(x, p, m, v):
    return cross_entropy(x, p).sum(axis=(1, 2, 3)).mean() + np.maximum(kl(m, v).mean(0), 0.5).sum()

class Nested:
    loss = staticmethod(elbo)
"""
LAPLACE = """
def laplace(x, p, m, v):
    return ((abs(x - p) + np.log(2)).sum(axis=(1, 2, 3)) + kl(m, v).sum(axis=1)).mean()
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", [*sys.argv])
    path = tmp_path / "my_model.py"
    path.write_text(FILE)
    yield path
    sys.modules.pop("my_model", None)


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("means", 1, "beta = 392 (Bernoulli; mean over pixels, mean over latents"),
        ("means", 1, "multiply the reconstruction term by 784 and the KL by 2."),
        ("means", 1, "  PyTorch  pixels = F.binary_cross_entropy"),
        ("elbo", 0, "That is the ELBO."),
        ("Nested.loss", 0, "That is the ELBO."),
        ("declared", 0, "1 at its own variance 0.04"),
        ("free_bits", 2, "Cannot tell a beta: the KL is free at first"),
    ],
)
def test_audit(file, capsys, name, code, said):
    assert (
        main(["audit", f"{file}:{name}", "--image-shape", "28,28,1", "--latent-dim", "2"]) == code
    )
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("{file}:nothing", "AttributeError"),
        ("{file}", "pass FILE.py:NAME"),
        ("{folder}/none.py:loss", "no file here"),
        ("no_such_package.module:loss", "ModuleNotFoundError"),
        ("{file}:np", "pass a function"),
    ],
)
def test_a_target_that_cannot_be_loaded(file, capsys, target, said):
    assert main(["audit", target.format(file=file, folder=file.parent)]) == 2
    assert said in capsys.readouterr().err


def test_a_file_that_raises(file, capsys):
    file.write_text("raise RuntimeError('trained on import')")
    assert main(["audit", f"{file}:loss"]) == 2
    assert "RuntimeError: trained on import" in capsys.readouterr().err


def test_a_file_that_leaves_is_no_elbo(file, capsys):
    file.write_text("import sys; sys.exit(0)")
    assert main(["audit", f"{file}:loss"]) == 2
    assert "SystemExit" in capsys.readouterr().err


def test_a_file_may_be_called_as_a_module_is(file):
    named = file.parent / "numpy.py"
    named.write_text(FILE)
    assert main(["audit", f"{named}:elbo"]) == 0


@pytest.mark.parametrize(
    "arguments", [["--image-shape", "28x28"], ["--latent-dim", "two"], ["--x-decoded", "logit"]]
)
def test_bad_options_exit_with_2(file, arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["audit", f"{file}:elbo", *arguments])
    assert stopped.value.code == 2


def test_sizes_out_of_range_exit_with_2(file, capsys):
    assert main(["audit", f"{file}:elbo", "--latent-dim", "0"]) == 2
    assert "latent_dim holds 0" in capsys.readouterr().err


def typed(
    arguments, folder, code="from vaehelpers.__main__ import main; sys.exit(main(sys.argv[1:]))"
):
    """What a fresh process answers: exit status, stdout, stderr."""
    command = [sys.executable, "-c", f"import sys; {code}", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    err = [line for line in done.stderr.splitlines(True) if not line.startswith(WAITING)]
    return done.returncode, done.stdout, "".join(err)


def test_as_a_stranger_types_it(file):
    """Only what the file's own import of Keras says reaches the screen."""
    code = "import keras\nfrom vaehelpers.models import VAE\nclass Mine(VAE):\n    pass\n"
    (file.parent / "keras_model.py").write_text(code)
    command = [
        sys.executable,
        "-m",
        "vaehelpers",
        "audit",
        "keras_model.py:Mine",
        "--image-shape",
        "8,8,3",
    ]
    done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(line.startswith((*START_UP_MESSAGES, WAITING)) for line in done.stderr.splitlines())
    assert "Bernoulli from logits" in done.stdout


def test_what_a_file_says_is_on_the_screen_even_where_it_dies(file):
    file.write_text("import os\nos.write(2, b'loading')\nos._exit(3)")
    assert typed(["audit", "my_model.py:loss"], file.parent) == (3, "", "loading")
    package = "import os\nos.write(2, b'a package')\nos._exit(4)"
    (file.parent / "dying.py").write_text(package)
    assert typed(["audit", "dying:loss"], file.parent) == (4, "", "a package")


WITHOUT_THE_COURSE = """
for name in ('keras', 'tensorflow', 'matplotlib', 'pandas', 'tqdm', 'IPython'):
    sys.modules[name] = None
from vaehelpers.__main__ import main
from vaehelpers.audit import AuditError
sys.exit(main(sys.argv[1:]))"""


def test_without_the_course_both_commands_work(file):
    rng = np.random.default_rng(0)
    images = (rng.random((20, 40, 40)) < rng.random((20, 1, 1))).astype("uint8") * 255
    for k, image in enumerate(images):
        Image.fromarray(image).save(file.parent / f"{k}.png")
    code, out, err = typed(
        ["audit", "my_model.py:elbo", "--data", "."], file.parent, WITHOUT_THE_COURSE
    )
    assert (code, err) == (0, "") and "That is the ELBO." in out and "On these 20 images" in out
    code, out, err = typed(["threshold", "."], file.parent, WITHOUT_THE_COURSE)
    assert (code, err) == (0, "") and "on these 20 images" in out
    file.write_text("import keras")
    code, out, err = typed(["audit", "my_model.py:loss"], file.parent, WITHOUT_THE_COURSE)
    assert (code, out) == (2, "") and err.endswith(": pip install 'vaehelpers[course]'\n")


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("/usr/bin/vaehelpers", "vaehelpers"),
        ("Scripts/vaehelpers.exe", "vaehelpers"),
        ("/site/vaehelpers/__main__.py", "python -m vaehelpers"),
    ],
)
def test_the_usage_shows_the_name_it_was_called_by(monkeypatch, capsys, called, name):
    monkeypatch.setattr(sys, "argv", [called])
    with pytest.raises(SystemExit):
        main(["--help"])
    assert capsys.readouterr().out.startswith(f"usage: {name} [-h]")


@pytest.fixture
def digits_file(tmp_path, digits):
    np.savez(tmp_path / "digits.npz", digits.x_train[:500])
    return tmp_path / "digits.npz"


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("means", 1, "at beta 392: no code of any size pays"),
        ("elbo", 0, "at beta 1: collapse is unstable"),
    ],
)
def test_audit_with_images(file, digits_file, capsys, name, code, said):
    assert main(["audit", f"{file}:{name}", "--data", str(digits_file)]) == code
    out = capsys.readouterr().out
    assert f"On these 500 images of 28 x 28 x 1, {said}" in out and "sampling noise" not in out


def test_threshold(digits_file, digits, capsys):
    assert main(["threshold", str(digits_file)]) == 0
    expected = collapse_threshold(digits.x_train[:500])
    first = f"Above beta = {expected:.4g} collapse is a local optimum on these 500 images of"
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"{first} 28 x 28 x 1."
    proved = rounded_up(no_code_pays_above(digits.x_train[:500]))
    assert out[1].startswith(f"From beta = {proved:g} on no code of any size pays, for pixels that")
    assert out[1].endswith("; between is not decided.")
    learned = ["--likelihood", "gaussian", "--variance", "learned"]
    assert main(["threshold", str(digits_file), *learned]) == 0
    assert "no code" not in capsys.readouterr().out


def test_where_both_weights_are_one_nothing_lies_between(tmp_path, capsys):
    np.savez(tmp_path / "bits.npz", np.repeat([[0.0], [1.0]], 200, axis=0).repeat(3, axis=1))
    assert main(["threshold", str(tmp_path / "bits.npz")]) == 0
    out = capsys.readouterr().out
    assert "From beta = 3 on no code" in out
    assert "not decided" not in out


def test_bits_and_grey_levels_have_the_thresholds_of_the_same_images(tmp_path, digits, capsys):
    """Whole 0 and 1 are bits: divided by 255, they would make collapse an optimum for the ELBO."""
    bits = binarize(digits.x_train[:200])
    lines = set()
    for k, stored in enumerate([bits, bits.astype("uint8"), bits > 0, 255 * bits.astype("uint8")]):
        np.savez(tmp_path / f"{k}.npz", stored)
        assert main(["threshold", str(tmp_path / f"{k}.npz")]) == 0
        lines.add(capsys.readouterr().out)
    assert len(lines) == 1


def test_images_outside_the_unit_interval_are_said_to_be(tmp_path, digits, capsys):
    np.savez(tmp_path / "levels.npz", 255 * digits.x_train[:50])
    assert main(["threshold", str(tmp_path / "levels.npz"), "--likelihood", "gaussian"]) == 0
    said = "on these 50 images of 28 x 28 x 1 with pixels from 0 to 255. With fewer than 300 images"
    assert f"{said}, sampling noise raises it.\n" in capsys.readouterr().out
    assert main(["threshold", str(tmp_path / "levels.npz")]) == 2
    assert "divide by 255" in capsys.readouterr().err


def test_a_laplace_loss_is_told_that_there_is_no_threshold(file, digits_file, capsys):
    file.write_text(FILE + LAPLACE)
    assert main(["audit", f"{file}:laplace", "--data", str(digits_file)]) == 0
    assert "For a Laplace likelihood there is no threshold of collapse" in capsys.readouterr().out


CATEGORICAL = """
def categorical(x, p, m, v):
    log_p = p - np.log(np.exp(p).sum(axis=-1, keepdims=True))
    return (-(x * log_p).sum(axis=(1, 2, 3)) + kl(m, v).sum(axis=1)).mean()
"""


def test_a_categorical_loss_is_answered_without_a_threshold(file, tmp_path, capsys):
    file.write_text(FILE + CATEGORICAL)
    levels = np.random.default_rng(0).integers(3, size=(40, 4, 4))
    np.savez(tmp_path / "levels.npz", np.eye(3)[levels])
    arguments = ["audit", f"{file}:categorical", "--data", str(tmp_path / "levels.npz")]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert (
        "beta = 1 " in printed and "For a Categorical likelihood there is no threshold" in printed
    )
    assert main([*arguments, "--json"]) == 0
    assert "no threshold" in json.loads(capsys.readouterr().out)["on_data"][0]


def test_images_without_a_threshold_leave_the_answer(file, tmp_path, capsys):
    np.savez(tmp_path / "black.npz", np.zeros((20, 4, 4, 1)))
    assert main(["audit", f"{file}:elbo", "--data", str(tmp_path / "black.npz")]) == 0
    printed = capsys.readouterr().out
    assert (
        "That is the ELBO." in printed
        and "There is no threshold of collapse of these images" in printed
    )


def test_data_of_another_size_than_the_image_shape_is_an_error(file, digits_file, capsys):
    arguments = ["audit", f"{file}:elbo", "--data", str(digits_file), "--image-shape"]
    assert main([*arguments, "16,16,3"]) == 2
    said = capsys.readouterr().err
    assert "--image-shape 16,16,3 has 768 values, an image of --data 784 (28,28,1)" in said
    assert main([*arguments, "1,28,28"]) == 0


@pytest.mark.parametrize("typed", [["--image-range", "-1,1"], ["--image-range=-1,1"]])
def test_the_range_of_the_images_is_handed_on(file, monkeypatch, capsys, typed):
    given = []

    def audited(loss, **options):
        given.append(options.get("image_range"))
        raise AuditError("enough")

    monkeypatch.setattr("vaehelpers.__main__.audit_loss", audited)
    assert main(["audit", f"{file}:elbo", *typed]) == 2
    assert main(["audit", f"{file}:elbo"]) == 2
    assert given == [(-1.0, 1.0), (0, 1)]


@pytest.mark.parametrize("bounds", ["1", "1,-1", "0,0", "a,b", "0,inf", "0,nan", "0,1,2", ""])
def test_a_range_that_is_none_is_refused(file, capsys, bounds):
    with pytest.raises(SystemExit):
        main(["audit", f"{file}:elbo", "--image-range", bounds])
    assert "is no range" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.npz"], "where nothing is"),
        (["{file}", "--key", "x"], "key is 'x'"),
        (["{file}", "--likelihood", "laplace"], "no such threshold"),
        (["{file}", "--likelihood", "gaussian", "--variance", "-1"], "not above 0"),
    ],
)
def test_no_threshold(digits_file, capsys, arguments, said):
    assert main(["threshold", *(argument.format(file=digits_file) for argument in arguments)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["threshold", ""], "argument PATH: '' names nothing: is a variable of the shell unset?"),
        (["audit", "mine.py:loss", "--data", ""], "argument --data: '' names nothing"),
        (
            ["threshold", "a.npz", "--variance", "big"],
            "'big' is no variance: write 0.04, or learned",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2 and said in capsys.readouterr().err


def test_a_few_images_are_said_to_be_few(file, tmp_path, digits, capsys):
    np.savez(tmp_path / "few.npz", digits.x_train[:299])
    noise = "With fewer than 300 images, sampling noise raises it."
    assert main(["threshold", str(tmp_path / "few.npz")]) == 0
    assert noise in capsys.readouterr().out
    assert main(["audit", f"{file}:elbo", "--data", str(tmp_path / "few.npz"), "--json"]) == 0
    assert noise in json.loads(capsys.readouterr().out)["on_data"][0]


@pytest.mark.parametrize("command", ["threshold", "audit"])
def test_no_eigenvalue_is_computed_that_is_not_shown(file, digits_file, monkeypatch, command):
    asked = []

    def spectrum(*arguments, most):
        asked.append(most)
        return collapse_spectrum(*arguments, most=most)

    monkeypatch.setattr("vaehelpers.__main__.collapse_spectrum", spectrum)
    monkeypatch.setattr("vaehelpers.collapse.no_code.largest", None)  # it is handed the first one
    typed = {"threshold": [str(digits_file)], "audit": [f"{file}:elbo", "--data", str(digits_file)]}
    assert main([command, *typed[command]]) == 0
    assert asked == [{"threshold": 5, "audit": 1}[command]]
