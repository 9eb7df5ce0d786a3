"""Images from files, as NumPy arrays."""

import zipfile
from pathlib import Path

import numpy as np

from vaehelpers.data.checks import check_images


def load_images(path, key=None):
    """Load images from an `.npz` file or from a folder of PNG or JPEG files.

    Args:
        path: the file or the folder; a folder's images are taken in the order of their names.
        key: the name of the array in the file; by default its only array.

    Returns:
        float32, `[N, H, W, C]` or as the file's array has it. Whole numbers, which are grey levels from 0 to 255, are
        divided by 255; other numbers are left as they are.

    Raises:
        FileNotFoundError: for a path where nothing is.
        ValueError: for a file that is no `.npz`, several arrays without a key, no images, images of several shapes,
            pixels that are not finite.

    Example:
        >>> load_images(data_folder() / "mnist_sample.npz", key="x_test").shape
        (1000, 28, 28)
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"path is {path}, where nothing is: pass an .npz file or a folder of images")
    images = _read_folder(path) if path.is_dir() else _read_npz(path, key)
    divisor = 255 if images.dtype.kind in "iu" else 1
    return check_images(images, unit_interval=False, name=f"{path.name}") / np.float32(divisor)


def _read_npz(path, key):
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path.name} cannot be read as an .npz file: save it with np.savez")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = list(arrays)
            if key is None and len(names) != 1:
                raise ValueError(f"{path.name} holds the arrays {', '.join(names)}: say which with key")
            if key is not None and key not in names:
                raise ValueError(f"key is {key!r}, {path.name} holds {', '.join(names)}")
            return arrays[key or names[0]]
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise ValueError(f"{path.name} cannot be read as an .npz file of arrays: {error}") from error


def _read_folder(path):
    from matplotlib.image import imread

    files = sorted(file for file in path.iterdir() if file.suffix.lower() in (".png", ".jpg", ".jpeg"))
    if not files:
        raise ValueError(f"{path} holds no PNG or JPEG files")
    images = [imread(file) for file in files]
    for file, image in zip(files, images, strict=True):
        if image.shape != images[0].shape or image.dtype != images[0].dtype:
            said = f"{file.name} is {image.shape}, {files[0].name} {images[0].shape}"
            raise ValueError(f"{path} holds images of several kinds ({said}): make them alike")
    return np.stack(images)
