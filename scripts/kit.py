"""`make kit`: a folder for a stick from which the course installs without a network.

    python scripts/kit.py [PLATFORM [PYTHON_VERSION]]     linux (as here), windows or macos; 3.11, 3.12 or 3.13

The wheels are those of locks/course.lock for that one platform and Python, by their hashes. On Linux TensorFlow is
replaced by tensorflow_cpu of the same version, half the size, from locks/cpu.lock.
"""

import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
KIT = ROOT / "kit"
SYSTEMS = {  # what pip calls a platform's wheels, and what a lock's markers say there
    "linux": (
        [
            f"manylinux{tag}_x86_64"
            for tag in ("_2_28", "_2_27", "_2_26", "_2_24", "_2_17", "2014", "_2_12", "2010", "1")
        ],
        {
            "sys_platform": "linux",
            "platform_system": "Linux",
            "os_name": "posix",
            "platform_machine": "x86_64",
        },
    ),
    "windows": (
        ["win_amd64"],
        {
            "sys_platform": "win32",
            "platform_system": "Windows",
            "os_name": "nt",
            "platform_machine": "AMD64",
        },
    ),
    "macos": (
        ["macosx_14_0_arm64"],
        {
            "sys_platform": "darwin",
            "platform_system": "Darwin",
            "os_name": "posix",
            "platform_machine": "arm64",
        },
    ),
}
PIP = [
    sys.executable,
    "-m",
    "pip",
    "--disable-pip-version-check",
    "--quiet",
    "download",
    "--no-deps",
]
README = """The course on a stick: {platform}, Python {version}. Nothing here needs a network.

1. `python doctor.py` says whether the course will run on this computer.
2. {command} installs it into the folder vae-course of your home, or into the folder that you name behind
   it. It needs Python {version} and 4 GB of disk, and takes some minutes.
3. It ends with the line that opens lesson 00.

A laptop on which nothing can be installed: open playground.html in its browser{site}.
"""
UNIX = """#!/bin/sh
# Installs the course from this folder, without a network:  sh install.sh [FOLDER]
set -eu
kit=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=${1:-$HOME/vae-course}
python=${PYTHON:-pythonVERSION}
stop() { printf 'install stopped: %s\\n' "$*" >&2; exit 1; }
[ ! -e "$target" ] || stop "$target is there already: remove it, or name another folder"
"$python" -c 'import ensurepip, sys, venv; sys.exit("%d.%d" % sys.version_info[:2] != "VERSION")' 2>/dev/null ||
    stop "Python VERSION with its venv module was not found: PYTHON=/path/to/pythonVERSION sh install.sh"
cd "$kit"
if command -v sha256sum >/dev/null; then sha256sum -c SHA256SUMS >/dev/null || stop "this copy of the kit is damaged"
else shasum -a 256 -c SHA256SUMS >/dev/null || stop "this copy of the kit is damaged"; fi
mkdir -p "$target"
cp -R course/. "$target"
[ ! -d site ] || cp -R site "$target/_site"
cd "$target"
"$python" -m venv .venv
pip() { .venv/bin/python -m pip --disable-pip-version-check --quiet install --no-index --no-deps "$@"; }
pip --find-links "$kit/wheels" --require-hashes --requirement "$kit/requirements.txt"
pip --no-build-isolation --editable .
# The stamps of scripts/setup.sh: make lab finds .venv made.
printf '%s' "$PWD: VERSION locks/course.lock $(cksum <locks/course.lock)" >.venv/environment.stamp
cksum <pyproject.toml >.venv/package.stamp
.venv/bin/python vaehelpers/doctor.py
echo "Lesson 00:  cd '$target' && .venv/bin/python -m jupyter lab notebooks/00_the_question.ipynb"
"""
WINDOWS = """@echo off
rem Installs the course from this folder, without a network:  install.bat [FOLDER]
setlocal
set "kit=%~dp0"
set "target=%~1"
if "%target%"=="" set "target=%USERPROFILE%\\vae-course"
if exist "%target%" echo %target% is there already: remove it, or name another folder & exit /b 1
py -VERSION -c "import venv" || (echo Python VERSION was not found & exit /b 1)
xcopy /e /i /q "%kit%course" "%target%" >nul || exit /b 1
if exist "%kit%site" xcopy /e /i /q "%kit%site" "%target%\\_site" >nul
cd /d "%target%"
py -VERSION -m venv .venv || exit /b 1
set pip=.venv\\Scripts\\python -m pip --disable-pip-version-check --quiet install --no-index --no-deps
%pip% --find-links "%kit%wheels" --require-hashes --requirement "%kit%requirements.txt" || exit /b 1
%pip% --no-build-isolation --editable . || exit /b 1
.venv\\Scripts\\python vaehelpers\\doctor.py
echo Lesson 00:  cd /d "%target%"   and   .venv\\Scripts\\python -m jupyter lab notebooks\\00_the_question.ipynb
"""


def wanted(lock, cpu_lock, platform, version):
    """What of a lock is installed on one platform and Python, as a list with hashes; Linux takes tensorflow_cpu."""
    python = {
        "python_version": version,
        "python_full_version": f"{version}.9",
        "implementation_name": "cpython",
    }
    here = SYSTEMS[platform][1] | python | {"platform_python_implementation": "CPython"}
    kept = []
    for entry in re.split(r"\n(?=[a-z])", lock.strip()):
        requirement = Requirement(entry.split("\\\n")[0])
        if requirement.marker and not requirement.marker.evaluate(here):
            continue
        if requirement.name == "tensorflow" and platform == "linux":
            entry = cpu_lock.strip()
            if Requirement(entry.split("\\\n")[0]).specifier != requirement.specifier:
                raise SystemExit("locks/cpu.lock has another version of TensorFlow: make lock")
        kept.append(re.sub(r" ; [^\\]*", " ", entry, count=1))
    return "\n".join(kept) + "\n"


def download(folder, requirements, platform, version):
    tags = [f"--platform={tag}" for tag in SYSTEMS[platform][0]]
    target = ["--only-binary=:all:", "--implementation=cp", f"--python-version={version}", *tags]
    subprocess.run(
        [*PIP, "--require-hashes", "-r", requirements, "-d", folder, *target], check=True
    )


def copy_course(folder):
    """The repository as it is committed."""
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    if changed.stdout:
        print("not in the kit, since not committed:", *changed.stdout.split()[1::2])
    archive = subprocess.run(
        ["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


def write_scripts(kit, platform, version, with_site):
    if platform == "windows":
        text = WINDOWS.replace("VERSION", version).replace("\n", "\r\n")
        (kit / "install.bat").write_bytes(text.encode())
        command = "`install.bat`"
    else:
        (kit / "install.sh").write_text(UNIX.replace("VERSION", version), encoding="utf-8")
        command = "`sh install.sh`"
    site = ", or site/index.html" if with_site else ""
    readme = README.format(platform=platform, version=version, command=command, site=site)
    (kit / "README.md").write_text(readme, encoding="utf-8")


def write_checksums(kit):
    files = sorted(file for file in kit.rglob("*") if file.is_file())
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(kit).as_posix()}"
        for file in files
    ]
    (kit / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def megabytes(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def make_kit(kit, platform, version):
    """Everything into a new folder, in the place of an old one."""
    start = time.perf_counter()
    shutil.rmtree(kit, ignore_errors=True)
    kit.mkdir()
    lock, cpu_lock = (ROOT / f"requirements{name}.lock" for name in ("", "-cpu"))
    listed = wanted(
        lock.read_text(encoding="utf-8"), cpu_lock.read_text(encoding="utf-8"), platform, version
    )
    (kit / "requirements.txt").write_text(listed, encoding="utf-8", newline="\n")
    download(kit / "wheels", kit / "requirements.txt", platform, version)
    copy_course(kit / "course")
    site = ROOT / "_site"
    if site.is_dir():
        shutil.copytree(site, kit / "site")
    else:
        print("without the site: there is no _site; build it first if the stick is to have it")
    shutil.copy(ROOT / "docs" / "playground.html", kit)
    shutil.copy(ROOT / "vaehelpers" / "doctor.py", kit)
    write_scripts(kit, platform, version, site.is_dir())
    write_checksums(kit)
    wheels = len(list((kit / "wheels").iterdir()))
    seconds = time.perf_counter() - start
    print(
        f"{kit.name}/: {platform}, Python {version}: {wheels} wheels, {megabytes(kit):.0f} MB, {seconds:.0f} s"
    )


if __name__ == "__main__":
    platform, version, *_ = [*sys.argv[1:], *("linux", "3.12")[len(sys.argv) - 1 :]]
    if platform not in SYSTEMS or version not in ("3.11", "3.12", "3.13"):
        raise SystemExit(__doc__)
    make_kit(KIT, platform, version)
