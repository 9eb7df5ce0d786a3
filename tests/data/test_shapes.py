"""The generated shapes: what is known of their ink, their places and their factors."""

import numpy as np
import pytest

from vaehelpers import data
from vaehelpers.data import shapes

SIZES = (3, 4, 6, 8, 8)
# of a square, an ellipse, a triangle that reach out to 1
AREAS = np.array([2.0, np.pi / 2, 3 * np.sqrt(3) / 4])


@pytest.fixture(scope="module")
def drawn():
    return data.load_shapes()


@pytest.fixture(scope="module")
def grid(drawn):
    return drawn.x.reshape(*SIZES, 28, 28)


def test_every_combination_once_in_the_order_of_counting(drawn):
    assert drawn.x.shape == (4608, 28, 28, 1) and drawn.x.dtype == np.float32
    assert drawn.factors.dtype == np.int64 and len(drawn.names) == drawn.factors.shape[1] == 5
    np.testing.assert_array_equal(np.ravel_multi_index(drawn.factors.T, SIZES), np.arange(4608))


def test_all_images_differ_and_come_out_the_same_again(drawn):
    assert len({image.tobytes() for image in drawn.x}) == 4608
    np.testing.assert_array_equal(data.load_shapes().x, drawn.x)


def test_ink_on_white_with_grey_edges(drawn):
    assert drawn.x.min() == 0 and drawn.x.max() == 1
    levels = 256 * drawn.x  # whole, which is why sums of ink are exact
    np.testing.assert_array_equal(levels, np.round(levels))
    assert np.all(drawn.x.max(axis=(1, 2, 3)) == 1)
    assert 0.01 < np.mean((drawn.x > 0) & (drawn.x < 1)) < 0.05


def test_no_ink_is_cut_off(grid):
    border = [grid[..., 0, :], grid[..., -1, :], grid[..., :, 0], grid[..., :, -1]]
    assert sum(edge.sum() for edge in border) == 0
    ink = grid.sum(axis=(-2, -1))
    np.testing.assert_array_equal(ink, np.broadcast_to(ink[..., :1, :1], SIZES))


def test_areas_are_those_of_the_figures(grid):
    """So they grow as the square of the scale, and a turn leaves them."""
    ink = grid[:, :, :, 0, 0].sum(axis=(-2, -1))
    expected = AREAS[:, None, None] * np.square(shapes.RADII)[:, None]
    np.testing.assert_allclose(ink, np.broadcast_to(expected, SIZES[:3]), rtol=0.03)


def test_a_position_is_two_pixels(grid):
    places = np.arange(28, dtype="float64")
    mass = grid.sum(axis=(-2, -1), dtype="float64")
    across = (grid.sum(axis=-2) @ places) / mass
    down = (grid.sum(axis=-1) @ places) / mass
    np.testing.assert_allclose(np.diff(across, axis=3), 2, rtol=1e-12)
    np.testing.assert_allclose(np.diff(down, axis=4), 2, rtol=1e-12)
    np.testing.assert_allclose(np.diff(across, axis=4), 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(down, axis=3), 0, atol=1e-12)
    # the middle of a sprite, whatever the turn
    np.testing.assert_allclose(across[:, :, :, 0, 0], 6.5, atol=0.06)


def test_orientation_k_turns_clockwise_by_15_degrees(grid):
    """The angle of the ellipse's long axis, from its second moments; rows count downward."""
    ellipses = grid[1, :, :, 0, 0].astype("float64")
    at = np.arange(28) - 6.5
    across, down = ellipses @ at**2, np.swapaxes(ellipses, -1, -2) @ at**2
    both = np.einsum("...ij,i,j->...", ellipses, at, at)
    angle = np.rad2deg(np.arctan2(2 * both, across.sum(axis=-1) - down.sum(axis=-1)) / 2)
    np.testing.assert_allclose(angle, np.broadcast_to(shapes.DEGREES, (4, 6)), atol=2)


def test_orientations_and_shapes_are_far_apart(grid):
    """Of one size, no two sprites share more than nine tenths of their ink."""
    sprites = grid[:, :, :, 0, 0].transpose(1, 0, 2, 3, 4).reshape(4, 18, -1)
    shared = np.minimum(sprites[:, :, None], sprites[:, None]).sum(axis=-1)
    whole = np.maximum(sprites[:, :, None], sprites[:, None]).sum(axis=-1)
    assert np.all((shared / whole)[:, ~np.eye(18, dtype=bool)] < 0.9)
