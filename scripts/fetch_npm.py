"""One file of an npm package, by version and SHA-256, kept in `.npm/`: it is downloaded once."""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

CACHE = Path(__file__).parent.parent / ".npm"


def fetch_npm(name, version, member, sha256):
    """The path of `member`, "dist/a.js" say, of the package `name` at `version`.

    Raises:
        RuntimeError: without npm or a network, or for a file of another SHA-256.
    """
    kept = CACHE / f"{name}-{version}" / Path(member).name
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(download(name, version, member))
    found = hashlib.sha256(kept.read_bytes()).hexdigest()
    if found != sha256:
        kept.unlink()
        raise RuntimeError(f"{member} of {name} {version} has the SHA-256 {found}, not {sha256}")
    return kept


def download(name, version, member):
    wanted = f"{name} {version}"
    if not shutil.which("npm"):
        raise RuntimeError(f"npm is not installed, and {wanted} is needed from it: install Node.js")
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{name}@{version}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        packed = next(Path(folder).glob("*.tgz"), None)
        if done.returncode != 0 or packed is None:
            why = f"Is there a network? {done.stderr.strip()[-300:]}"
            raise RuntimeError(f"{wanted} could not be fetched by npm. {why}")
        with tarfile.open(packed) as archive:
            return archive.extractfile(f"package/{member}").read()
