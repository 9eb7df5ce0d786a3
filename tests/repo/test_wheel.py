"""The tool alone, in an empty environment that holds NumPy, SciPy and Pillow and nothing else.

What is installed is the wheel that is built from the source distribution: both are tested.
"""

import json
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vaehelpers

ROOT = Path(__file__).parents[2]
BESIDE = ("numpy", "pillow", "scipy")
CORE = {
    "doctor": ["examine"],
    "runtime": [],
    "claims": ["ClaimError", "claim", "claim_close"],
    "command": [],
    "data": [
        "Dataset",
        "Shapes",
        "binarize",
        "check_images",
        "data_folder",
        "dequantize",
        "load_images",
        "load_mnist",
        "load_shapes",
    ],
    "collapse": [
        "LinearGaussian",
        "collapse_spectrum",
        "collapse_threshold",
    ],
    "audit": ["AuditError", "LossAudit", "audit_loss"],
    "diagnostics": [
        "active_units",
        "bits_per_dim",
        "factor_information",
        "importance_weighted_bound",
        "mutual_information",
        "mutual_information_gap",
    ],
    "explorers": ["playground_page"],
    "exercises": ["check_floor", "check_threshold_of_bits"],
}
NEEDS_COURSE = [  # a room that imports without the extra says so where it is used
    "import vaehelpers.losses",
    "import vaehelpers.models",
    "import vaehelpers.plots",
    "vaehelpers.losses.gaussian_kl",
    "from vaehelpers import models",
    "vaehelpers.sweep.train_sweep(np.zeros((8, 4, 4, 1), np.float32), [1.0], [0], epochs=1)",
    "vaehelpers.audit.audit_keras_vae",
    "vaehelpers.diagnostics.evaluate(None, np.zeros((8, 4, 4, 1)))",
    "vaehelpers.diagnostics.diagnose(None, np.zeros((8, 4, 4, 1)))",
    "vaehelpers.runtime.set_seed(0)",
    "vaehelpers.runtime.progress_bar()",
]
CURE = "pip install 'vaehelpers[course]'"
LOSSES = """
import numpy as np

def kl(z_mean, z_log_var):
    return -0.5 * np.sum(1 + z_log_var - z_mean**2 - np.exp(z_log_var), axis=1)

def cross_entropy(x, p):
    return -(x * np.log(p) + (1 - x) * np.log(1 - p))

def elbo(x, x_decoded, z_mean, z_log_var):
    return np.mean(cross_entropy(x, x_decoded).sum(axis=(1, 2, 3)) + kl(z_mean, z_log_var))

def mean_over_pixels(x, x_decoded, z_mean, z_log_var):
    return np.mean(cross_entropy(x, x_decoded).mean(axis=(1, 2, 3)) + kl(z_mean, z_log_var))
"""


def rooms_on_the_map():
    """What each room of the package's docstring is said to need: "core ..." or "course".

    A room is core where it is imported without the extra, even if some of its functions need it.
    """
    return dict(re.findall(r"^    (\w+) .*  (core\b.*|course)$", vaehelpers.__doc__, re.M))


def built(kind, source, folder):
    """The wheel or the source distribution (sdist) of a folder's project."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    return built("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return built("wheel", source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The environment's interpreter; the wheel's three companions are links to this one's own."""
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder / "env", with_pip=False, symlinks=os.name != "nt")
    executable = folder / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(executable),
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
    ]
    subprocess.run([*pip, str(wheel)], check=True)
    site = Path(run(executable, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")[0])
    for name in BESIDE:
        distribution = metadata.distribution(name)
        for top in {path.parts[0] for path in distribution.files} - {"..", "__pycache__"}:
            (site / top).symlink_to(distribution.locate_file(top))
    return executable


def run(executable, *arguments, cwd=None, status=0):
    """Output and error of the environment's Python, which sees no folder of this one."""
    done = subprocess.run([executable, "-I", *arguments], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done.stdout.strip(), done.stderr.strip()


def test_the_repository_and_the_sdist_make_the_same_wheel(wheel, tmp_path):
    names = [zipfile.ZipFile(path).namelist() for path in (wheel, built("wheel", ROOT, tmp_path))]
    assert sorted(names[0]) == sorted(names[1])


def test_the_sdist_holds_the_package_and_no_lesson(sdist):
    with tarfile.open(sdist) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames()}
    wanted = {"README.md", "LICENSE", "CITATION.cff", "pyproject.toml", "vaehelpers/__main__.py"}
    assert wanted <= inside
    assert {name.split("/")[0] for name in inside if "/" in name} == {"vaehelpers", "data", "docs"}


def test_nothing_but_three_packages_is_there(python):
    code = "import json; from importlib import metadata as m; "
    there = run(
        python, "-c", f"{code}print(json.dumps([d.name.lower() for d in m.distributions()]))"
    )[0]
    assert sorted(json.loads(there)) == sorted([*BESIDE, "vaehelpers"])
    required = json.loads(
        run(python, "-c", f"{code}print(json.dumps(m.requires('vaehelpers')))")[0]
    )
    alone = [line for line in required if "extra ==" not in line]
    assert sorted(re.match(r"[\w-]+", line)[0] for line in alone) == sorted(BESIDE)


def test_the_map_says_which_rooms_are_core():
    assert {room for room, needs in rooms_on_the_map().items() if needs.startswith("core")} == set(
        CORE
    )


@pytest.mark.parametrize("room", CORE)
def test_a_core_room_works_with_three_packages(python, room):
    names = "".join(f"\nvaehelpers.{room}.{name}" for name in CORE[room])
    run(python, "-c", f"import vaehelpers.{room}{names}")


def test_the_package_alone_imports_runtime_only(python):
    loaded = run(python, "-c", "import sys, vaehelpers; print(*sys.modules)")[0].split()
    ours = [name for name in loaded if name.split(".")[0] == "vaehelpers"]
    assert sorted(ours) == ["vaehelpers", "vaehelpers.runtime"]


def test_what_needs_the_course_says_in_one_line_what_to_install(python):
    code = f"""
import json
import numpy as np
import vaehelpers
said = {{}}
for line in {NEEDS_COURSE}:
    try: exec(line)
    except (ImportError, AttributeError) as error: said[line] = str(error)
print(json.dumps(said))"""
    said = json.loads(run(python, "-c", code)[0])
    wanted = re.compile(".+ needs .+: " + re.escape(CURE))
    assert [line for line in NEEDS_COURSE if not wanted.fullmatch(said.get(line, ""))] == []


def test_help_shows_the_map_where_the_course_is_missing(python):
    shown = run(
        python, "-c", "import pydoc, vaehelpers; print(pydoc.plain(pydoc.render_doc(vaehelpers)))"
    )[0]
    assert all(f"    {room} " in shown for room in rooms_on_the_map())


def test_the_wheel_carries_its_digits_and_its_version(python):
    code = (
        "import vaehelpers as v; print(v.__file__, v.__version__, v.data.load_mnist().x_test.shape)"
    )
    where, version, shape = run(python, "-c", code)[0].split(" ", 2)
    assert Path(where).is_relative_to(python.parent.parent) and not Path(where).is_relative_to(ROOT)
    assert (version, shape) == (vaehelpers.__version__, "(1000, 28, 28, 1)")


def black_and_white(*shape):
    """Four images of one shade: pixels that move together have one direction, of eigenvalue D.

    In colour the last channel is the negative: three that are equal would be grey.
    """
    images = np.stack([np.full(shape, shade, np.uint8) for shade in (0, 255, 0, 255)])
    if shape[-1] == 3:
        images[..., 2] = 255 - images[..., 2]
    return images


@pytest.mark.parametrize("kind", ["npz", "folder of PNGs"])
@pytest.mark.parametrize("shape", [(28, 28), (64, 64, 3)])
def test_a_threshold_of_images(python, tmp_path, kind, shape):
    images = black_and_white(*shape)
    path = tmp_path / ("images.npz" if kind == "npz" else "images")
    if kind == "npz":
        np.savez(path, images)
    else:
        path.mkdir()
        for number, image in enumerate(images):
            Image.fromarray(image).save(path / f"{number}.png")
    out, err = run(python, "-m", "vaehelpers", "threshold", str(path))
    assert err == ""
    found = float(re.search(r"beta = (\S+)", out)[1])
    assert found == pytest.approx(np.prod(shape), rel=5e-4)  # it is printed with four digits


@pytest.mark.parametrize(
    ("loss", "beta", "status"), [("elbo", "1", 0), ("mean_over_pixels", "784", 1)]
)
def test_an_audit_of_a_numpy_loss(python, tmp_path, loss, beta, status):
    (tmp_path / "my_model.py").write_text(LOSSES, encoding="utf-8")
    np.savez(tmp_path / "images.npz", black_and_white(28, 28, 1))
    arguments = ["audit", f"my_model.py:{loss}", "--data", "images.npz"]
    out, err = run(python, "-m", "vaehelpers", *arguments, cwd=tmp_path, status=status)
    assert f"beta = {beta} " in out and err == ""
    script = python.with_name("vaehelpers" + python.suffix)
    done = subprocess.run([script, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == (out, status)
