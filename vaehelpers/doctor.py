"""Will the course run on this computer? One line each with the cure; exit status 0 yes, 1 no.

    python doctor.py

This file needs nothing but Python, so it can be mailed alone and run the day before. It imports no
framework and takes a second; it needs no network and changes nothing.
"""

from __future__ import annotations  # an old Python, too, is to read this file and be told

import ctypes
import os
import platform
import re
import shutil
import sys
from importlib import metadata

COURSE = {  # as in pyproject.toml: a test keeps them equal
    "anywidget": ">=0.11,<1",
    "jupyterlab": ">=4.4,<5",
    "keras": ">=3.15,<4",
    "matplotlib": ">=3.10,<4",
    "numpy": ">=2.1,<3",
    "pandas": ">=2.2,<4",
    "pillow": ">=11",
    "scipy": ">=1.15,<2",
    "tensorflow": ">=2.21,<2.22",
    "tqdm": ">=4.67,<5",
    "traitlets": ">=5.14,<6",
}
PYTHON = ">=3.11,<3.14"  # that TensorFlow has wheels for
DISK, MEMORY = 4.0, 4.0  # GB: of .venv with the course, and of JupyterLab with one lesson
INSTALL = "in the course's folder: make lab"
GOOD, BAD, NOTE = "ok   ", "NO   ", "note "


def numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with: `2.21.0rc1` is (2, 21, 0)."""
    return tuple(int(part) for part in re.split(r"[^\d.]", version)[0].split(".") if part)


def within(version: str, range_: str) -> bool:
    """Whether a version lies in a range like `>=2.21,<2.22`.

    Example:
        >>> within("2.21.3", ">=2.21,<2.22"), within("2.22.0", ">=2.21,<2.22")
        (True, False)
    """
    found = numbers(version)
    for bound in range_.split(","):
        wanted = numbers(bound.lstrip(">=<"))
        if found < wanted if bound.startswith(">=") else found >= wanted:
            return False
    return True


def check_python() -> tuple[str, str]:
    version = platform.python_version()
    if within(version, PYTHON):
        return GOOD, f"Python {version}"
    return BAD, f"Python {version}: TensorFlow has wheels for {PYTHON}; install 3.12 and use that"


def has_avx() -> bool | None:
    """Whether the processor has AVX, without which TensorFlow cannot start; `None`: unknown."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return True
    if sys.platform.startswith("linux"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return re.search(r"^flags\b.*\bavx\b", file.read(), re.MULTILINE) is not None
    if sys.platform == "win32":
        return bool(ctypes.windll.kernel32.IsProcessorFeaturePresent(39))
    return None


def check_processor() -> tuple[str, str]:
    avx = has_avx()
    if avx is None:
        return NOTE, "processor: whether it has AVX could not be read; any Mac since 2012 has it"
    if avx:
        return GOOD, f"processor: {os.cpu_count()} cores, with what TensorFlow needs"
    return BAD, (
        "processor without AVX: TensorFlow cannot run here; use docs/playground.html, or another "
        "computer"
    )


def check_disk() -> tuple[str, str]:
    free = shutil.disk_usage(".").free / 1e9
    if free >= DISK or metadata_of("tensorflow"):
        return GOOD, f"disk: {free:.0f} GB free"
    return BAD, f"disk: {free:.1f} GB free, {DISK:.0f} are needed: make room, or use another disk"


def memory() -> float | None:
    """GB of memory in all; `None` where it cannot be read."""
    if sys.platform == "win32":
        status = (ctypes.c_ulonglong * 8)()
        ctypes.cast(status, ctypes.POINTER(ctypes.c_ulong))[0] = ctypes.sizeof(status)
        found = ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return status[1] / 1e9 if found else None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (OSError, ValueError):
        return None


def check_memory() -> tuple[str, str]:
    found = memory()
    if found is None:
        return NOTE, "memory: could not be read"
    if found >= MEMORY * 0.9:
        return GOOD, f"memory: {found:.0f} GB"
    return BAD, (
        f"memory: {found:.1f} GB, {MEMORY:.0f} are needed: close other programs, or use "
        "docs/playground.html"
    )


def metadata_of(package: str) -> str | None:
    """The installed version of a package, or `None`; TensorFlow may be there as tensorflow_cpu."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return metadata_of("tensorflow_cpu") if package == "tensorflow" else None


def check_packages() -> list[tuple[str, str]]:
    """One line for all packages that are as they should be, one for each that is not."""
    found = {package: metadata_of(package) for package in COURSE}
    if not any(found[package] for package in ("tensorflow", "keras", "jupyterlab")):
        return [(NOTE, f"the course is not installed here yet ({INSTALL})")]
    right = [name for name, version in found.items() if version and within(version, COURSE[name])]
    lines = [(GOOD, f"packages: {', '.join(f'{name} {found[name]}' for name in right)}")]
    wrong = [
        (BAD, f"{name} {found[name] or 'is missing'}: {COURSE[name]} is wanted; {INSTALL}")
        for name in COURSE
        if name not in right
    ]
    return lines + wrong


def check_widgets() -> tuple[str, str]:
    if not metadata_of("jupyterlab"):
        return NOTE, "widgets: JupyterLab is not installed here yet"
    if metadata_of("jupyterlab_widgets"):
        return GOOD, "widgets: JupyterLab will show them"
    return BAD, (
        "widgets: jupyterlab_widgets is missing, sliders would not show: pip install ipywidgets"
    )


def check_gpu() -> tuple[str, str]:
    if shutil.which("nvidia-smi"):
        return GOOD, "GPU: NVIDIA's driver is here, and used on Linux"
    return NOTE, "GPU: none of NVIDIA's was found; nothing in the course needs one"


def examine() -> list[tuple[str, str]]:
    """All lines, each with one of GOOD, BAD and NOTE."""
    checks = (check_python, check_processor, check_disk, check_memory)
    return [*(check() for check in checks), *check_packages(), check_widgets(), check_gpu()]


def main() -> int:
    """Print all lines; the exit status."""
    lines = examine()
    for mark, line in lines:
        print(mark + line)
    bad = sum(mark == BAD for mark, _ in lines)
    print("The course will run here." if not bad else f"{bad} of these stand in the way.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
