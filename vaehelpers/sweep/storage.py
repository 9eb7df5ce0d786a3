"""Arrays in files: written under another name and renamed, read only if their SHA-256 agrees, never a pickle."""

import hashlib
import json
import os
from pathlib import Path
from uuid import uuid4

import numpy as np

META = "meta"


def digest(arrays, meta):
    """SHA-256 over names, types, shapes and bytes of a dict of arrays, and a dict that JSON can write."""
    sha = hashlib.sha256(json.dumps(meta, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        sha.update(f"{name} {array.dtype.str} {array.shape}".encode())
        sha.update(array.view("uint8").data if array.size else b"")
    return sha.hexdigest()


def write_arrays(path, arrays, meta):
    """Write to a temporary name and rename: a reader sees the old file or the new one, never a part."""
    path = Path(path)
    temporary = path.with_name(f"{path.name}.{uuid4().hex}.tmp")
    try:
        with open(temporary, "xb") as file:
            np.savez(file, **{META: json.dumps({**meta, "sha256": digest(arrays, meta)})}, **arrays)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_arrays(path, kind):
    """The arrays and the dict of a file of that kind; a ValueError that names one that is damaged, or another."""
    with open(path, "rb") as file:
        try:
            stored = np.load(file, allow_pickle=False)
            arrays = {name: stored[name] for name in stored.files}
            meta = json.loads(str(arrays.pop(META)))
            intact = meta.pop("sha256") == digest(arrays, meta)
        except MemoryError:
            raise
        except Exception as error:  # what a damaged archive raises depends on where it is damaged
            said = f"{path} is truncated, or no file of a sweep ({error})"
            raise ValueError(f"{said}: delete it and train again") from error
    if not intact:
        raise ValueError(f"{path} was altered since it was written: delete it and train again")
    if meta.get("kind") != kind:
        raise ValueError(
            f"{path} holds a {meta.get('kind')}, not a {kind}: pass the file that SweepResult.save wrote"
        )
    return arrays, meta
