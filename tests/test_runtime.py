"""Seeds, threads, import times: most of it in fresh processes, since it is about what happens at a start."""

import os
import subprocess
import sys

import pytest

from vaehelpers import runtime


def python(code, **environment):
    """Run code in a fresh interpreter and return what it printed, `(stdout, stderr)`."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip(), done.stderr.strip()


@pytest.mark.parametrize("module", ["vaehelpers", "vaehelpers.data", "vaehelpers.claims"])
def test_the_numpy_modules_import_no_framework(module):
    frameworks = "{'tensorflow', 'keras', 'jax', 'torch'}"
    assert python(f"import sys, {module}; print(sorted({frameworks} & set(sys.modules)))")[0] == "[]"


def test_the_package_is_imported_in_under_300_milliseconds():
    code = "import time; start = time.process_time(); import vaehelpers; print(time.process_time() - start)"
    assert min(float(python(code)[0]) for _ in range(3)) < 0.3


def test_set_seed_repeats_and_VAEHELPERS_SEED_shifts_it():
    code = """
from vaehelpers import runtime
import numpy as np
effective = runtime.set_seed(3)
import keras
print(effective, np.random.rand(), float(keras.random.normal([1])[0]))"""
    first = python(code, VAEHELPERS_SEED="")[0]
    assert python(code, VAEHELPERS_SEED="")[0] == first
    assert python(code.replace("(3)", "(0)"), VAEHELPERS_SEED="3")[0] == first
    assert python(code, VAEHELPERS_SEED="5")[0] != first


@pytest.mark.parametrize(
    ("seed", "error"), [(-1, ValueError), (1.5, TypeError), ("1", TypeError), (True, TypeError), (None, TypeError)]
)
def test_set_seed_names_what_is_wrong(seed, error):
    with pytest.raises(error, match="seed is"):
        runtime.set_seed(seed)


@pytest.mark.parametrize("name", ["VAEHELPERS_SEED", "VAEHELPERS_THREADS"])
@pytest.mark.parametrize("value", ["two", "-1", "1.5"])
def test_environment_variables_that_are_no_numbers_are_named(name, value):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        python("from vaehelpers import runtime; runtime.set_seed(0)", **{name: value})
    assert f"{name} is '{value}'" in caught.value.stderr


def test_VAEHELPERS_THREADS_limits_the_threads():
    code = """
from vaehelpers import runtime
runtime.devices()
import numpy as np, os, time
from keras import ops
a = ops.ones([1500, 1500])
ops.convert_to_numpy(ops.matmul(a, a))
wall, cpu = time.perf_counter(), time.process_time()
for _ in range(10): ops.convert_to_numpy(ops.matmul(a, a))
print((time.process_time() - cpu) / (time.perf_counter() - wall))"""
    assert float(python(code, VAEHELPERS_THREADS="1")[0]) < 1.3


def test_describe_runtime_says_where_and_with_what_and_nothing_else():
    out, err = python("from vaehelpers import runtime; runtime.describe_runtime()")
    assert out.startswith("Device: ") and "\nVersions: Python" in out and "keras" in out
    assert err == ""


def test_the_start_up_filter_passes_other_messages_on(tmp_path):
    (tmp_path / "keras.py").write_text(
        "import os\nos.write(2, b'I0000 00:00 start-up chatter\\nE0000 a real error\\n')\n", encoding="utf-8"
    )
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from vaehelpers import runtime; runtime._import_keras()"
    assert python(code)[1] == "E0000 a real error"


def test_an_installed_copy_carries_its_data(tmp_path):
    """A wheel, unpacked elsewhere, loads its digits without the repository."""
    root = os.path.dirname(os.path.dirname(__file__))
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)], check=True)
    code = "import vaehelpers, vaehelpers.data as d; print(vaehelpers.__file__, d.load_mnist().x_test.shape)"
    out, _ = python(f"import sys; sys.path.insert(0, {str(site)!r})\n{code}")
    assert out == f"{site / 'vaehelpers' / '__init__.py'} (1000, 28, 28, 1)"
