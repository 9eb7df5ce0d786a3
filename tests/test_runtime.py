"""Seeds, threads, import times: in fresh processes where it is about what happens at a start."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from vaehelpers import runtime


def python(code, **environment):
    """Run code in a fresh interpreter and return what it printed, `(stdout, stderr)`."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip(), done.stderr.strip()


NUMPY_ROOMS = ("runtime", "claims", "data", "collapse", "audit", "diagnostics", "__main__")
AT_WORK = """
from vaehelpers import audit, collapse, data
digits = data.load_mnist().x_test[:20]
collapse.collapse_threshold(digits)
collapse.LinearGaussian.fit(digits.reshape(20, -1), 2)
data.load_shapes()
kl = lambda m, v: (np.exp(v) + m**2 - 1 - v).sum()
audit.audit_loss(lambda x, y, m, v: ((x - y) ** 2).sum() + kl(m, v))
"""


def test_the_numpy_rooms_import_no_framework_and_no_drawing_nor_does_their_work():
    code = "import importlib, sys, numpy as np\n"
    code += f"for room in {NUMPY_ROOMS}: importlib.import_module('vaehelpers.' + room)\n" + AT_WORK
    heavy = {"tensorflow", "keras", "jax", "torch", "matplotlib", "pandas", "scipy", "PIL"}
    assert python(code + f"print(sorted({heavy} & set(sys.modules)))")[0] == "[]"


def test_the_package_is_imported_in_under_300_milliseconds():
    code = "from time import process_time as now; start = now(); import vaehelpers"
    code += "; print(now() - start)"
    assert min(float(python(code)[0]) for _ in range(3)) < 0.3


FRESH = """
from vaehelpers import runtime
runtime.describe_runtime()
import keras, numpy as np, time
from keras import ops
print(runtime.set_seed(3), np.random.rand(), float(keras.random.normal([1])[0]))
a = ops.ones([1500, 1500])
ops.convert_to_numpy(ops.matmul(a, a))
wall, cpu = time.perf_counter(), time.process_time()
for _ in range(10): ops.convert_to_numpy(ops.matmul(a, a))
print((time.process_time() - cpu) / (time.perf_counter() - wall))"""


@pytest.fixture(scope="module")
def fresh():
    """What one fresh process prints, on one thread; it imports the backend, which takes seconds."""
    out, err = python(FRESH, VAEHELPERS_SEED="", VAEHELPERS_THREADS="1")
    return out.splitlines(), err


def draws(seed):
    """The seed in force, and what NumPy and Keras draw with it."""
    effective = runtime.set_seed(seed)
    import keras

    return f"{effective} {np.random.rand()} {float(keras.random.normal([1])[0])}"  # noqa: NPY002 - the global state


def test_set_seed_repeats_in_every_process_and_VAEHELPERS_SEED_shifts_it(fresh, monkeypatch):
    monkeypatch.setenv("VAEHELPERS_SEED", "")
    expected = fresh[0][2]
    assert expected.startswith("3 ")
    assert draws(3) == draws(3) == expected
    monkeypatch.setenv("VAEHELPERS_SEED", "3")
    assert draws(0) == expected
    effective, *others = draws(3).split()
    assert effective == "6" and not set(others) & set(expected.split())


def test_VAEHELPERS_THREADS_reaches_every_library():
    """NPROC is JAX's, which a measurement on TensorFlow does not see."""
    code = "from vaehelpers.runtime import os; print(*map(os.environ.get, {}))".format
    names = ["NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"]
    names += ["TF_NUM_INTEROP_THREADS"]
    assert python(code(names), VAEHELPERS_THREADS="3")[0] == "3 3 3 3 3"


def test_VAEHELPERS_THREADS_limits_the_threads(fresh):
    assert float(fresh[0][3]) < 1.3


def test_describe_runtime_says_where_and_with_what_and_nothing_else(fresh):
    (device, versions, *_), err = fresh
    assert device.startswith("Device: ")
    assert versions.startswith("Versions: Python") and "keras" in versions
    assert err == ""


@pytest.mark.parametrize(
    ("seed", "error"),
    [
        (-1, ValueError),
        (2**32, ValueError),
        (1.5, TypeError),
        ("1", TypeError),
        (True, TypeError),
        (None, TypeError),
    ],
)
def test_set_seed_names_what_is_wrong(seed, error):
    with pytest.raises(error, match=f"^seed is {seed!r}: pass a whole number from 0 to 4294967295"):
        runtime.set_seed(seed)


def test_a_seed_that_the_environment_raises_too_far_is_named(monkeypatch):
    monkeypatch.setenv("VAEHELPERS_SEED", "10")
    with pytest.raises(
        ValueError, match=r"seed is 4294967290: .*, with VAEHELPERS_SEED = 10 added to it"
    ):
        runtime.set_seed(2**32 - 6)


@pytest.mark.parametrize("value", ["two", "-1", "1.5"])
def test_environment_variables_that_are_no_numbers_are_named(monkeypatch, value):
    monkeypatch.setenv("VAEHELPERS_SEED", value)
    with pytest.raises(ValueError, match=f"VAEHELPERS_SEED is '{value}'"):
        runtime.set_seed(0)
    with pytest.raises(subprocess.CalledProcessError) as caught:  # it is read at the import
        python("from vaehelpers import runtime", VAEHELPERS_THREADS=value)
    assert f"VAEHELPERS_THREADS is '{value}'" in caught.value.stderr


KERAS_THAT_TALKS = """
import contextlib, os
with contextlib.suppress(OSError):  # a closed descriptor
    os.write(2, b'I0000 00:00 start-up chatter\\nE0000 a real error\\n')
"""


@pytest.fixture
def import_keras(tmp_path):
    """Code that imports a keras.py which writes to descriptor 2, after other code has run."""
    (tmp_path / "keras.py").write_text(KERAS_THAT_TALKS, encoding="utf-8")
    code = f"import os, sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    return code + "from vaehelpers import runtime; {}\nruntime._import_keras()\nprint('imported')"


def test_the_start_up_filter_passes_other_messages_on(import_keras):
    assert python(import_keras.format("")) == ("imported", "E0000 a real error")


@pytest.mark.parametrize("state", ["os.close(2)", "sys.stderr = None"])
def test_without_a_stderr_keras_is_imported_all_the_same(import_keras, state):
    assert python(import_keras.format(state))[0] == "imported"


@pytest.mark.skipif(os.name != "posix", reason="a shell of Unix closes it")
def test_a_descriptor_that_was_closed_at_the_start_is_left_alone(tmp_path, import_keras):
    """The next file that is opened gets its number: what is written into it must stay there."""
    code = import_keras.format(f"file = open({str(tmp_path / 'data')!r}, 'wb', buffering=0)")
    code += "\nassert file.fileno() == 2 and sys.stderr is None; file.write(b'data')"
    command = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, code]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == "imported"
    assert (tmp_path / "data").read_bytes().endswith(b"data")


def test_without_the_course_one_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(
        ImportError, match=r"^this needs keras: pip install 'vaehelpers\[course\]'$"
    ):
        runtime.set_seed(0)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the setting")
def test_large_buffers_are_kept():
    """64 MB are 16,000 pages: 80,000 faults if mapped anew each time, hardly any if kept.

    Huge pages, of which the system gives what it has left, are switched off: 160 faults.
    """
    code = """
import ctypes, resource
ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)
import numpy as np
from vaehelpers import runtime
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5): np.ones(2**23)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
mapped = faults()
runtime.keep_large_buffers()
np.ones(2**23)
print(mapped > 1000, faults() < mapped / 10)"""
    assert python(code)[0] == "True True"


def test_the_version_of_a_tensorflow_without_a_gpu_s_part(monkeypatch):
    """`make kit` installs tensorflow_cpu; there are no metadata of one named tensorflow then."""

    def version(package):
        if package == "tensorflow_cpu":
            return "2.21.0"
        raise runtime.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(runtime.metadata, "version", version)
    assert runtime.version_of("tensorflow") == "2.21.0"
    with pytest.raises(runtime.metadata.PackageNotFoundError, match="jax"):
        runtime.version_of("jax")
