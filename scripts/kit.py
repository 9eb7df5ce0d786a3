"""`make kit`: a folder for a stick from which the course installs without a network.

    python scripts/kit.py [PLATFORM [PYTHON_VERSION]]   linux, windows or macos; 3.11 to 3.13

The wheels are those of locks/course.lock for that one platform and Python, by their hashes. On
Linux TensorFlow is replaced by tensorflow_cpu, half the size, from locks/cpu.lock.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
KIT = ROOT / "kit"
MARKERS = ("sys_platform", "platform_system", "os_name", "platform_machine")
SYSTEMS = {  # what pip calls a platform's wheels, and what the markers of a lock are there
    "linux": (
        [*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)), "manylinux2014_x86_64"],
        ("linux", "Linux", "posix", "x86_64"),
    ),
    "windows": (["win_amd64"], ("win32", "Windows", "nt", "AMD64")),
    "macos": (["macosx_14_0_arm64"], ("darwin", "Darwin", "posix", "arm64")),
}
README = """The course on a stick: {platform}, Python {version}. Nothing here needs a network.

1. `python doctor.py` says whether the course will run on this computer.
2. `{command}` installs it into the folder vae-course of your home, or into the folder that you
   name behind it. It needs Python {version} and 4 GB of disk, and takes some minutes.
3. It ends with the line that opens lesson 00.

A laptop on which nothing can be installed: open playground.html in its browser{site}.
"""
UNIX = """#!/bin/sh
# Installs the course from this folder, without a network:  sh install.sh [FOLDER]
set -eu
kit=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=${1:-$HOME/vae-course}
export PYTHON="${PYTHON:-pythonVERSION}"
stop() { printf 'install stopped: %s\\n' "$*" >&2; exit 1; }
[ ! -e "$target" ] || stop "$target is there already: remove it, or name another folder"
"$PYTHON" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "VERSION")' 2>/dev/null ||
    stop "Python VERSION was not found: PYTHON=/path/to/pythonVERSION sh install.sh"
mkdir -p "$target"
cp -R "$kit/course/." "$target"
[ ! -d "$kit/site" ] || cp -R "$kit/site" "$target/_site"
uri='import pathlib, sys; print(pathlib.Path(sys.argv[1]).as_uri())'
wheels=$("$PYTHON" -c "$uri" "$kit/wheels")
cd "$target"
PIP_NO_INDEX=1 PIP_FIND_LINKS="$wheels" sh scripts/setup.sh # pip compares each wheel's hash
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
set python=.venv\\Scripts\\python
set pip=%python% -m pip --disable-pip-version-check --quiet install --no-index --no-deps
%pip% --find-links "%kit%wheels" --require-hashes --requirement locks\\course.lock || exit /b 1
%pip% --no-build-isolation --editable . || exit /b 1
%python% vaehelpers\\doctor.py
set lesson=%python% -m jupyter lab notebooks\\00_the_question.ipynb
echo Lesson 00:  cd /d "%target%"   and   %lesson%
"""


def wanted(lock, cpu_lock, platform, version):
    """The entries of a lock for one platform and Python, without markers."""
    here = dict(zip(MARKERS, SYSTEMS[platform][1], strict=True)) | {
        "python_version": version,
        "python_full_version": f"{version}.9",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    kept = []
    for entry in re.split(r"\n(?=[a-z])", lock.strip()):
        requirement = Requirement(entry.split("\\\n")[0])
        if requirement.marker and not requirement.marker.evaluate(here):
            continue
        if requirement.name == "tensorflow" and platform == "linux":
            entry = cpu_lock.strip()
        kept.append(re.sub(r" ; [^\\]*", " ", entry, count=1))
    return "\n".join(kept) + "\n"


def download(folder, lock, platform, version):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
    command += ["--no-deps", "--require-hashes", "-r", lock, "-d", folder, "--only-binary=:all:"]
    command += ["--implementation=cp", f"--python-version={version}"]
    command += [f"--platform={tag}" for tag in SYSTEMS[platform][0]]
    subprocess.run(command, check=True)


def copy_course(kit, platform, version):
    """The repository as it is committed; its lock lists what is on the stick."""
    command = ["git", "status", "--porcelain"]
    changed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    if changed:
        print("not in the kit, since not committed:", *changed.split()[1::2])
    archive = kit / "course.tar"
    subprocess.run(["git", "archive", "--output", archive, "HEAD"], cwd=ROOT, check=True)
    shutil.unpack_archive(archive, kit / "course", filter="data")
    archive.unlink()
    locks = kit / "course" / "locks"
    lock, cpu_lock = ((locks / f"{name}.lock").read_text() for name in ("course", "cpu"))
    listed = wanted(lock, cpu_lock, platform, version)
    (locks / "course.lock").write_text(listed, encoding="utf-8", newline="\n")
    return locks / "course.lock"


def write_scripts(kit, platform, version, with_site):
    if platform == "windows":
        script, text, command = "install.bat", WINDOWS.replace("\n", "\r\n"), "install.bat"
    else:
        script, text, command = "install.sh", UNIX, "sh install.sh"
    (kit / script).write_bytes(text.replace("VERSION", version).encode())
    site = ", or site/index.html" if with_site else ""
    readme = README.format(platform=platform, version=version, command=command, site=site)
    (kit / "README.md").write_text(readme, encoding="utf-8")


def make_kit(kit, platform, version):
    """Everything into a new folder, in the place of an old one."""
    shutil.rmtree(kit, ignore_errors=True)
    kit.mkdir()
    download(kit / "wheels", copy_course(kit, platform, version), platform, version)
    site = ROOT / "_site"
    if site.is_dir():
        shutil.copytree(site, kit / "site")
    else:
        print("without the site: there is no _site; build it first if the stick is to have it")
    shutil.copy(ROOT / "docs" / "playground.html", kit)
    shutil.copy(ROOT / "vaehelpers" / "doctor.py", kit)
    write_scripts(kit, platform, version, site.is_dir())
    wheels = len(list((kit / "wheels").iterdir()))
    size = sum(file.stat().st_size for file in kit.rglob("*") if file.is_file()) / 1e6
    print(f"{kit.name}/: {platform}, Python {version}: {wheels} wheels, {size:.0f} MB")


if __name__ == "__main__":
    platform, version, *_ = [*sys.argv[1:], *("linux", "3.12")[len(sys.argv) - 1 :]]
    if platform not in SYSTEMS or version not in ("3.11", "3.12", "3.13"):
        raise SystemExit(__doc__)
    make_kit(KIT, platform, version)
