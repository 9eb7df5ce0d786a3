"""Images from files, as NumPy arrays."""

import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from vaehelpers.data.checks import check_images

SUFFIXES = (".png", ".jpg", ".jpeg")
GREY_LEVELS = 255
GREY_LEVELS_16 = 65535  # of a grey PNG with 16 bits a pixel
EIGHT_BITS = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")  # Pillow's names for their kinds


def load_images(path: str | Path, key: str | None = None) -> np.ndarray:
    """Load images from an `.npz` file or from a folder of PNG or JPEG files.

    Args:
        path: the file or the folder; a folder's images are taken in the order of their names,
            hidden and other files are left out.
        key: the name of the array in the file; by default its only array.

    Returns:
        float32. A file's array keeps its shape `[N, ...]`. Its booleans are bits, and so are whole
        numbers where the largest is at most 1; other whole numbers are grey levels from 0 to 255
        and divided by 255. Floats are left as they are, whatever their range.
        A folder's images are `[N, H, W, C]` in [0, 1], of 1, 8 or 16 bits a pixel, turned as their
        EXIF tag says. C is 1 where all are grey, which an image is whose three channels are equal,
        however it is stored; else it is 3 for all of them. An opaque alpha channel is dropped.

    Raises:
        FileNotFoundError: for a path where nothing is.
        TypeError: for an array that holds no real numbers.
        ValueError: for a file that is damaged or no `.npz`, no array or several without a key, no
            images, images of several sizes, transparent pixels or such as no PNG or JPEG has,
            pixels that are not finite, whole numbers below 0 or above 255.

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
    if high > 1:
        images /= GREY_LEVELS  # in place: whole numbers have been copied already
    return images


def _read_npz(path, key):
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path.name} cannot be read as an .npz file: save it with np.savez")
    with _damage_named(path, "an .npz file of arrays"), np.load(path, allow_pickle=False) as arrays:
        names = arrays.files
        chosen = names[:1] if key is None else [key]
        found = [arrays[name] for name in chosen if name in names]
    if not names:
        raise ValueError(f"{path.name} holds no arrays: save it with np.savez")
    if key is None and len(names) > 1:
        raise ValueError(f"{path.name} holds the arrays {', '.join(names)}: say which with key")
    if not found:
        raise ValueError(f"key is {key!r}, {path.name} holds {', '.join(names)}")
    return found[0]


def _read_folder(path):
    files = sorted(
        file
        for file in path.iterdir()
        if file.suffix.lower() in SUFFIXES and file.name[0] != "." and file.is_file()
    )
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
    """One file, `[H, W, 1]` where all channels are equal, else `[H, W, 3]`, float32 in [0, 1]."""
    from PIL import Image, ImageOps

    with _damage_named(file, "an image"), Image.open(file) as stored:
        image = ImageOps.exif_transpose(stored)
        has_16_bits = image.mode == "I;16"  # a conversion to 8 bits would clip them
        if not has_16_bits and image.mode not in EIGHT_BITS:
            raise ValueError(f"its pixels are {image.mode}: save 8 or 16 bits a pixel")
        colours = image if has_16_bits else image.convert("RGB")
        transparent = image.has_transparency_data and (
            has_16_bits or image.convert("RGBA").getextrema()[3][0] < GREY_LEVELS
        )
    if transparent:
        raise ValueError(
            f"{file.name} has transparent pixels: save it on the ground that your model sees"
        )
    pixels = np.atleast_3d(np.asarray(colours, "float32"))
    if (pixels == pixels[..., :1]).all():
        pixels = pixels[..., :1]
    return pixels / np.float32(GREY_LEVELS_16 if has_16_bits else GREY_LEVELS)


@contextmanager
def _damage_named(file, kind):
    """Whatever a damaged file raises, as one ValueError with its name."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"{file.name} cannot be read as {kind}: {error}") from error
