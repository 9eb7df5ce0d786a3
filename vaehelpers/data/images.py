"""Images from files, as NumPy arrays."""

import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from vaehelpers.data.checks import check_images

SUFFIXES = (".png", ".jpg", ".jpeg")
GREY_LEVELS = 255
GREY_LEVELS_16 = 65535  # of a grey PNG with 16 bits a pixel


def load_images(path, key=None):
    """Load images from an `.npz` file or from a folder of PNG or JPEG files.

    Args:
        path: the file or the folder; a folder's images are taken in the order of their names, hidden and other files
            are left out.
        key: the name of the array in the file; by default its only array.

    Returns:
        float32. A file's array keeps its shape `[N, ...]`. Its booleans are bits, and so are whole numbers where the
        largest is at most 1; other whole numbers are grey levels from 0 to 255 and divided by 255. Floats are left as
        they are, whatever their range.
        A folder's images are `[N, H, W, C]` in [0, 1], of 1, 8 or 16 bits a pixel: C is 1 where all files are grey,
        else 3. An opaque alpha channel is dropped.

    Raises:
        FileNotFoundError: for a path where nothing is.
        TypeError: for an array that holds no real numbers.
        ValueError: for a file that is damaged or no `.npz`, several arrays without a key, no images, images of several
            sizes, transparent pixels, pixels that are not finite, whole numbers below 0 or above 255.

    Example:
        >>> from vaehelpers.data import data_folder
        >>> load_images(data_folder() / "mnist_sample.npz", key="x_test").shape
        (1000, 28, 28)
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"path is {path}, where nothing is: pass an .npz file or a folder of images"
        )
    if path.is_dir():
        return _read_folder(path)
    return _unit_interval(_read_npz(path, key), path.name)


def _unit_interval(stored, name):
    """Bits as they are, grey levels divided by 255, floats as they are."""
    images = check_images(stored, unit_interval=False, name=name)
    if stored.dtype.kind not in "iu":
        return images
    low = stored.min()
    high = stored.max()
    if low < 0 or high > GREY_LEVELS:
        said = f"{name} holds whole numbers from {low} to {high}"
        raise ValueError(
            f"{said}: grey levels go from 0 to 255; divide by the largest level and save floats"
        )
    return images if high <= 1 else images / np.float32(GREY_LEVELS)


def _read_npz(path, key):
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path.name} cannot be read as an .npz file: save it with np.savez")
    with _damage_named(path, "an .npz file of arrays"), np.load(path, allow_pickle=False) as arrays:
        names = list(arrays)
        found = {name: arrays[name] for name in ([key] if key in names else names[:1])}
    if key is None and len(names) != 1:
        raise ValueError(f"{path.name} holds the arrays {', '.join(names)}: say which with key")
    if key is not None and key not in names:
        raise ValueError(f"key is {key!r}, {path.name} holds {', '.join(names)}")
    return np.asarray(found[key or names[0]])


def _read_folder(path):
    files = sorted(
        file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.name[0] != "."
    )
    files = [file for file in files if file.is_file()]
    if not files:
        raise ValueError(f"{path} holds no PNG or JPEG files")
    images = [_read_image(file) for file in files]
    for file, image in zip(files, images, strict=True):
        if image.shape[:2] != images[0].shape[:2]:
            said = (
                f"{file.name} has {image.shape[:2]} pixels, {files[0].name} {images[0].shape[:2]}"
            )
            raise ValueError(f"{path} holds images of several sizes ({said}): make them alike")
    channels = max(image.shape[2] for image in images)
    return np.stack([np.broadcast_to(image, (*image.shape[:2], channels)) for image in images])


def _read_image(file):
    """One file, `[H, W, 1]` or `[H, W, 3]`, float32 in [0, 1]."""
    from PIL import Image

    with _damage_named(file, "an image"), Image.open(file) as image:
        image.load()
        transparent = _is_transparent(image)
        pixels = _pixels(image)
    if transparent:
        raise ValueError(
            f"{file.name} has transparent pixels: save it on the ground that your model sees"
        )
    return np.atleast_3d(pixels)


def _is_transparent(image):
    if not image.has_transparency_data:
        return False
    return (
        _has_16_bits(image) or image.convert("RGBA").getchannel("A").getextrema()[0] < GREY_LEVELS
    )


def _has_16_bits(image):
    return image.mode.startswith("I")


def _pixels(image):
    if _has_16_bits(image):  # a conversion to 8 bits would clip them
        return np.asarray(image, "float32") / np.float32(GREY_LEVELS_16)
    mode = "L" if image.mode in ("1", "L", "LA") else "RGB"
    return np.asarray(image.convert(mode), "float32") / np.float32(GREY_LEVELS)


@contextmanager
def _damage_named(file, kind):
    """Whatever a damaged file raises, which depends on where it is damaged, as one ValueError with its name."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"{file.name} cannot be read as {kind}: {error}") from error
