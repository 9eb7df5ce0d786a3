"""Arrays in files: written under another name and renamed, read only if their SHA-256 agrees.

Nothing is ever a pickle.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import numpy as np

META = "meta"
ABANDONED = 3600  # seconds without a byte, after which nobody writes a file any more


def digest(arrays, meta):
    """SHA-256 over names, types, shapes and bytes of arrays, and a dict that JSON can write."""
    sha = hashlib.sha256(json.dumps(meta, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        sha.update(f"{name} {array.dtype.str} {array.shape}".encode())
        sha.update(array.view("uint8").data if array.size else b"")
    return sha.hexdigest()


def write_arrays(path, arrays, meta):
    """Write to a temporary name and rename: a reader sees the old file or the new one."""
    path = Path(path)
    temporary = path.with_name(f"{path.name}.{uuid4().hex}.tmp")
    try:
        with open(temporary, "xb") as file:
            np.savez(file, **{META: json.dumps({**meta, "sha256": digest(arrays, meta)})}, **arrays)
        os.replace(temporary, path)
    except OSError as error:
        said = f"{path} cannot be written ({error.strerror or error})"
        raise OSError(error.errno, said) from error
    finally:
        temporary.unlink(missing_ok=True)


def make_ready(folder):
    """Make the folder, see that it takes a file, and clear what killed processes left half written.

    A living process writes without a pause: what is an hour older than the file written here, by
    the same clock, is nobody's.
    """
    attempt = folder / f"{uuid4().hex}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        attempt.write_bytes(bytes(4096))
        now = attempt.stat().st_mtime
    except OSError as error:
        raise OSError(
            error.errno,
            f"cache is {folder}, where no file can be written ({error.strerror}): "
            "make room, or pass a folder of your own",
        ) from error
    finally:
        with suppress(OSError):
            attempt.unlink()
    for left in folder.glob("*.npz.*.tmp"):
        with suppress(OSError):  # another process clears it away too, or it is somebody else's
            if now - left.stat().st_mtime > ABANDONED:
                left.unlink()


def read_arrays(path, kind):
    """The arrays and the dict of a file; a ValueError names one that is damaged or another kind."""
    with open(path, "rb") as file:
        try:
            stored = np.load(file, allow_pickle=False)
            arrays = {name: stored[name] for name in stored.files}
            meta = json.loads(str(arrays.pop(META)))
            intact = meta.pop("sha256") == digest(arrays, meta)
        except MemoryError:
            raise
        except Exception as error:  # what a damaged archive raises depends on where it is damaged
            raise ValueError(
                f"{path} is truncated, or no file of a sweep ({error}): delete it and train again"
            ) from error
    if not intact:
        raise ValueError(f"{path} was altered since it was written: delete it and train again")
    if meta.get("kind") != kind:
        raise ValueError(
            f"{path} holds a {meta.get('kind')}, not a {kind}: "
            "pass the file that SweepResult.save wrote"
        )
    return arrays, meta
