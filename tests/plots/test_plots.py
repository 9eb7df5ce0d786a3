"""What a figure shows is read back from its axis."""

from types import SimpleNamespace

import numpy as np
import pytest

from vaehelpers import plots


def test_tile_lays_images_out_row_by_row():
    images = np.arange(5)[:, None, None] * np.ones([5, 2, 3])
    expected = np.array(
        [[0, 1, 2], [3, 4, 0]]
    )  # the missing sixth place is white: 0 for grey images, drawn as ink
    np.testing.assert_array_equal(plots.tile(images, 3)[::2, ::3], expected)
    np.testing.assert_array_equal(plots.tile(images[..., None], 3), plots.tile(images, 3))
    in_colour = plots.tile(np.zeros([3, 2, 3, 3]), 2)
    assert in_colour.shape == (4, 6, 3) and in_colour[2:, 3:].min() == 1
    shown = plots.plot_image_grid(images, 3).get_images()[0]
    assert tuple(shown.to_rgba(shown.get_array())[-1, -1]) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("shape", "columns", "name"),
    [((0, 2, 2), 1, "images"), ((2, 2), 1, "images"), ((2, 2, 2), 0, "n_columns")],
)
def test_tile_names_what_is_wrong(shape, columns, name):
    with pytest.raises(ValueError, match=f"^{name}"):
        plots.tile(np.zeros(shape), columns)


def test_image_rows_show_every_row_under_its_label():
    rows = {"black": np.ones([4, 28, 28, 1]), "white": np.zeros([4, 28, 28, 1])}
    ax = plots.plot_image_rows(rows)
    shown = ax.get_images()[0].get_array()
    assert shown[:28].min() == 1 and shown[28:].max() == 0
    assert [label.get_text() for label in ax.get_yticklabels()] == ["black", "white"]
    with pytest.raises(ValueError, match="rows"):
        plots.plot_image_rows({"a": np.zeros([4, 2, 2]), "b": np.zeros([3, 2, 2])})


def test_the_latent_plane_shows_each_class_by_colour_and_marker():
    labels = np.repeat(np.arange(10), 3)
    ax = plots.plot_latent_plane(np.random.default_rng(0).normal(size=[30, 2]), labels)
    assert len({tuple(c.get_facecolor()[0]) for c in ax.collections}) == 10
    assert len({c.get_paths()[0].vertices.tobytes() for c in ax.collections}) == 10
    radii = [patch.radius for patch in ax.patches]
    np.testing.assert_allclose(1 - np.exp(-np.square(radii) / 2), [0.5, 0.95])
    with pytest.raises(ValueError, match="z_mean"):
        plots.plot_latent_plane(np.zeros([3, 3]), np.zeros(3))


def test_history_shows_training_and_validation():
    ax = plots.plot_history(
        {"rate": [1.0, 2.0], "val_rate": [1.5, 2.5], "loss": [9.0, 8.0]}, names=["rate", "loss"]
    )
    assert [list(line.get_ydata()) for line in ax.lines] == [[1, 2], [1.5, 2.5], [9, 8]]
    assert list(ax.lines[0].get_xdata()) == [1, 2]
    assert [line.get_linestyle() for line in ax.lines] == ["-", "--", "-"]
    with pytest.raises(ValueError, match="kl"):
        plots.plot_history({"loss": [1.0]}, names=["kl"])


def test_more_metrics_than_colours_are_drawn():
    n = len(plots.COLORS) + 2
    names = [f"metric {k}" for k in range(n)]
    ax = plots.plot_history({name: [1.0, 2.0] for name in names}, names=names)
    assert len(ax.lines) == n and ax.lines[n - 2].get_color() == plots.COLORS[0]


@pytest.mark.parametrize(
    ("draw", "name"),
    [
        (lambda: plots.plot_history({"loss": [1.0]}, names=[]), "names"),
        (lambda: plots.plot_densities(np.zeros(3), {}), "densities"),
        (lambda: plots.plot_lengths({}), "rows"),
        (lambda: plots.plot_image_rows({}), "rows"),
        (lambda: plots.plot_lines([0], {}), "lines"),
        (lambda: plots.plot_histograms({}, bins=2), "groups"),
        (lambda: plots.plot_seeds({}), "groups"),
        (lambda: plots.plot_stacked([], {}), "parts"),
    ],
)
def test_nothing_to_draw_is_named(draw, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        draw()


def test_densities_that_are_0_everywhere_are_drawn():
    ax = plots.plot_densities(np.linspace(-1, 2, 4), {"q": np.zeros(4)})
    assert ax.get_xlim() == (-1, 2)


def test_a_number_of_columns_that_is_not_whole_is_named():
    with pytest.raises(TypeError, match=r"^n_columns is 2.5: pass a whole number of at least 1"):
        plots.tile(np.zeros([4, 2, 2]), 2.5)


def test_a_given_axis_is_used():
    ax = plots.plot_image_grid(np.zeros([4, 2, 2]), 2)
    assert plots.plot_image_grid(np.zeros([4, 2, 2]), 2, ax=ax) is ax


def diagnosis_of(z_mean, kl_per_dim, image_shape=(4, 4, 1)):
    images = np.random.default_rng(0).random([3, *image_shape])
    evaluation = SimpleNamespace(z_mean=z_mean, kl_per_dim=np.array(kl_per_dim))
    return SimpleNamespace(
        images=images, reconstructions=images / 2, samples=0 * images, evaluation=evaluation
    )


def test_a_diagnosis_shows_images_kl_and_the_two_dimensions_of_largest_kl():
    z_mean = np.random.default_rng(0).normal(size=[50, 3])
    diagnosis = diagnosis_of(z_mean, [0.2, 0.0, 1.5])
    pictures, bars, plane = axes = plots.plot_diagnosis(diagnosis)
    assert isinstance(axes, np.ndarray) and plane.get_legend() is None
    shown = pictures.get_images()[0].get_array()
    np.testing.assert_array_equal(shown[:4], np.hstack(diagnosis.images[..., 0]))
    assert [label.get_text() for label in pictures.get_yticklabels()] == [
        "images",
        "reconstructions",
        "samples",
    ]
    assert [bar.get_height() for bar in bars.patches] == [0.2, 0.0, 1.5]
    assert [label.get_text() for label in bars.get_xticklabels()] == [
        "1",
        "2",
        "3",
    ] and "nats" in bars.get_ylabel()
    np.testing.assert_array_equal(plane.collections[0].get_offsets(), z_mean[:, [0, 2]])
    assert (plane.get_xlabel(), plane.get_ylabel()) == (
        "z_mean, dimension 1",
        "z_mean, dimension 3",
    )
    assert len(plane.patches) == 2 and not any(ax.get_title() for ax in axes)


def test_a_diagnosis_of_one_dimension_shows_a_histogram_and_the_priors_density():
    z_mean = np.array([[-1.0], [0.0], [0.5], [4.0]])
    codes = plots.plot_diagnosis(diagnosis_of(z_mean, [0.3]))[2]
    assert sum(bar.get_height() * bar.get_width() for bar in codes.patches) == pytest.approx(1)
    grid, density = codes.lines[0].get_data()
    assert (grid.min(), grid.max()) == (-3, 4) and density.max() == pytest.approx(
        1 / np.sqrt(2 * np.pi), rel=1e-3
    )
    plots.plot_diagnosis(
        diagnosis_of(np.full([4, 1], np.nan), [np.nan])
    )  # a diverged model is drawn, too


def test_a_diagnosis_with_a_learned_prior_shows_the_means_that_move():
    z_mean = np.random.default_rng(0).normal(size=[50, 12]) * [*[0.1] * 10, 1.0, 2.0]
    _, bars, plane = plots.plot_diagnosis(diagnosis_of(z_mean, [2.0]))
    assert [label.get_text() for label in bars.get_xticklabels()] == ["all"]
    assert (plane.get_xlabel(), plane.get_ylabel()) == (
        "z_mean, dimension 11",
        "z_mean, dimension 12",
    )
    assert all(
        float(tick).is_integer()
        for tick in plots.plot_diagnosis(diagnosis_of(z_mean, [0.1] * 12))[1].get_xticks()
    )


@pytest.mark.parametrize(
    ("image_shape", "size"), [((3, 8, 6), (24, 18)), ((1, 8, 6), (24, 18)), ((3, 8, 3), (9, 24))]
)
def test_channels_first_are_told_by_their_axis(image_shape, size):
    """The last is as well a 3 x 8 picture in colour, and stays one."""
    diagnosis = diagnosis_of(np.zeros([3, 2]), [0.0, 0.0], image_shape)
    shown = plots.plot_diagnosis(diagnosis)[0].get_images()[0].get_array()
    assert shown.shape[:2] == size
    first = diagnosis.images[0] if image_shape[-1] == 3 else np.moveaxis(diagnosis.images[0], 0, -1)
    np.testing.assert_array_equal(shown[: size[0] // 3, : size[1] // 3], first.squeeze())


@pytest.mark.parametrize("image_shape", [(6,), (4, 4), (4, 4, 2), (4, 4, 3), (2, 4, 4, 1)])
def test_a_diagnosis_draws_images_of_any_shape(image_shape):
    diagnosis = diagnosis_of(np.zeros([3, 2]), [0.0, 0.0], image_shape)
    axes = plots.plot_diagnosis(diagnosis)
    assert plots.plot_diagnosis(diagnosis, axes)[0] is axes[0]
    with pytest.raises(ValueError, match=r"^axes holds 2"):
        plots.plot_diagnosis(diagnosis, axes[:2])


def test_values_over_beta_have_their_spread_as_bars():
    ax = plots.plot_over_beta([1, 10], [[1.0, 3.0], [0.0, 0.0]], k=1, label="rate")
    line, _, (bars,) = ax.containers[0]
    assert (ax.get_xscale(), line.get_linestyle(), line.get_color()) == (
        "log",
        "None",
        plots.COLORS[1],
    )
    np.testing.assert_allclose(line.get_ydata(), [2, 0])
    np.testing.assert_allclose(
        np.ptp(bars.get_segments()[0][:, 1]), 2 * np.sqrt(2)
    )  # of two values, ddof 1
    assert (
        plots.plot_over_beta([1, 10], [[1.0, 3.0], [0.0, 0.0]], join=True).lines[0].get_linestyle()
        == "-"
    )
    with pytest.raises(ValueError, match="values"):
        plots.plot_over_beta([1, 10], [[1.0], [0.0]])


def test_seeds_stand_in_a_column_a_group():
    ax = plots.plot_seeds({"plain": [0.0, 0.2], "warm-up": [0.5, 0.4, 0.6]})
    assert [list(line.get_ydata()) for line in ax.lines] == [[0.0, 0.2], [0.5, 0.4, 0.6]]
    np.testing.assert_allclose([line.get_xdata().mean() for line in ax.lines], [0, 1])
    assert len({line.get_marker() for line in ax.lines}) == 2


def test_prices_stand_over_the_bars_of_their_betas():
    ax = plots.plot_prices([1, 2, 8], [1.5, 5.0], [0.1, 0.2])
    assert [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in ax.patches] == [(1, 2), (2, 8)]
    assert list(ax.lines[0].get_ydata()) == [1.5, 5.0]
    with pytest.raises(ValueError, match="paid"):
        plots.plot_prices([1, 2], [1.0, 2.0], [0.1, 0.1])


def test_stacked_parts_add_up():
    ax = plots.plot_stacked(["1", "4"], {"information": [4.0, 3.0], "rest": [1.0, 0.5]})
    assert [bar.get_y() + bar.get_height() for bar in ax.patches] == [4.0, 3.0, 5.0, 3.5]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["information", "rest"]


def test_each_beta_that_has_a_rate_has_its_slope():
    rate = [[5.0, 6.0], [2.0, 2.0], [0.0, 0.0]]
    distortion = [[160.0, 162.0], [170.0, 172.0], [211.0, 211.0]]
    ax = plots.plot_rate_distortion([1, 4, 64], rate, distortion)
    slopes = [
        line.get_xydata()
        for line in ax.lines
        if line.get_color() == "black" and line.get_marker() == "None"
    ]
    np.testing.assert_allclose([(b - a)[1] / (b - a)[0] for a, b in slopes], [-1, -4])
    np.testing.assert_allclose([points.mean(axis=0) for points in slopes], [[5.5, 161], [2, 171]])
    with pytest.raises(ValueError, match="rate"):
        plots.plot_rate_distortion([1], rate, distortion)


def test_lines_and_histograms_are_told_apart_by_colour_and_dashes():
    ax = plots.plot_lines([0, 1], {"a": [2, 3], "b": [4, 5]})
    assert [list(line.get_ydata()) for line in ax.lines] == [[2, 3], [4, 5]]
    assert [(line.get_color(), line.get_linestyle()) for line in ax.lines] == [
        (plots.COLORS[0], "-"),
        (plots.COLORS[1], "--"),
    ]
    ax = plots.plot_histograms({"a": [0.1, 0.2, 0.9], "b": [0.6]}, bins=[0, 0.5, 1])
    assert [list(patch.get_data().values) for patch in ax.patches] == [[2, 1], [0, 1]]
    assert [patch.get_linestyle() for patch in ax.patches] == ["-", "--"]


def test_leads_have_their_mean_and_their_bar():
    ax = plots.plot_leads({"beta 4": [1.0, 3.0], "beta 2": [0.0, 0.5, 1.0]}, bar=4.3)
    assert ax.get_lines()[-1].get_ydata() == [0, 0]  # the line across
    for container, mean, error in zip(ax.containers, (2, 0.5), (1, 0.5 / np.sqrt(3)), strict=True):
        lower, upper = container.lines[2][0].get_segments()[0][:, 1]
        np.testing.assert_allclose([(lower + upper) / 2, upper - lower], [mean, 2 * 4.3 * error])
    with pytest.raises(ValueError, match="beta 4"):
        plots.plot_leads({"beta 4": [1.0]})
