"""Generated images whose factors of variation are known, drawn in NumPy."""

from typing import NamedTuple

import numpy as np

RADII = (3.6, 4.4, 5.2, 6.0)  # pixels, from a shape's middle to its farthest point
DEGREES = (0, 15, 30, 45, 60, 75)  # a square repeats after 90, a triangle 120, an ellipse 180
POSITIONS = 8  # along an axis
STEP = 2  # pixels from one to the next
BORDER = 1  # pixels before the first
SPRITE = 12  # pixels along a side
IMAGE = 28
SUBPIXELS = 16  # along a pixel's side: ink comes in 1/256, whose sums are exact in float32


class Shapes(NamedTuple):
    """Images x `[N, 28, 28, 1]`, float32 in [0, 1], factors `[N, 5]`, int64, and their names."""

    x: np.ndarray
    factors: np.ndarray
    names: tuple[str, ...]


def load_shapes() -> Shapes:
    """Draw 4,608 images of one shape each: every combination of five known factors, once.

    Ink is 1 on 0, grey at the edges only. The shapes are a square, an ellipse (twice as long as
    wide) and an equilateral triangle. Scale k has its farthest point at 3.6 + 0.8 k pixels from its
    middle. Orientation k is a turn by 15 k degrees, clockwise: no two look alike. Position k is 2 k
    pixels to the right or down. No ink is cut off.

    Returns:
        `Shapes(x, factors, names)`. The factors count from 0: shape (3 values), scale (4),
        orientation (6), position x (8), position y (8). The last one changes fastest, and nothing
        is random.

    Source: after dSprites, Matthey et al. (2017), drawn anew for 28 x 28 pixels.

    Example:
        >>> shapes = load_shapes()
        >>> shapes.x.shape, shapes.names
        ((4608, 28, 28, 1), ('shape', 'scale', 'orientation', 'position x', 'position y'))
        >>> shapes.factors[[0, 1, 8, 4607]].tolist()
        [[0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 1, 0], [2, 3, 5, 7, 7]]
    """
    sprites = np.stack([_sprites(np.deg2rad(degrees)) for degrees in DEGREES], axis=2)
    sizes = (*sprites.shape[:3], POSITIONS, POSITIONS)
    x = np.zeros((*sizes, IMAGE, IMAGE, 1), "float32")
    for i, j in np.ndindex(POSITIONS, POSITIONS):
        left = BORDER + STEP * i
        top = BORDER + STEP * j
        x[:, :, :, i, j, top : top + SPRITE, left : left + SPRITE, 0] = sprites
    factors = np.indices(sizes, dtype="int64").reshape(5, -1).T.copy()
    names = ("shape", "scale", "orientation", "position x", "position y")
    return Shapes(x.reshape(-1, IMAGE, IMAGE, 1), factors, names)


def _sprites(angle):
    """The three shapes at every radius, turned by an angle in radians: `[3, 4, SPRITE, SPRITE]`."""
    across = (np.arange(SPRITE * SUBPIXELS) + 0.5) / SUBPIXELS - SPRITE / 2
    down = across[:, None]
    u = np.cos(angle) * across + np.sin(angle) * down
    v = np.cos(angle) * down - np.sin(angle) * across
    radii = np.array(RADII)[:, None, None] + 1e-9  # on the edge is inside, however it is rounded
    inside = _radius_needed(u, v)[:, None] <= radii
    return inside.reshape(3, len(RADII), SPRITE, SUBPIXELS, SPRITE, SUBPIXELS).mean(
        axis=(3, 5), dtype="float32"
    )


def _radius_needed(u, v):
    """The radius at which square, ellipse and triangle pass through (u, v): `[3, ...]`."""
    square = np.sqrt(2) * np.maximum(abs(u), abs(v))
    ellipse = np.hypot(u, 2 * v)
    triangle = np.maximum(2 * v, np.sqrt(3) * abs(u) - v)
    return np.stack([square, ellipse, triangle])
