"""What a figure shows is read back from its axis."""

from types import SimpleNamespace
from xml.etree import ElementTree

import matplotlib
import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.text import Text
from nbclient import NotebookClient

from vaehelpers import plots
from vaehelpers.diagnostics.tree import Step
from vaehelpers.plots.diagram import EVERYTHING, LIT
from vaehelpers.plots.style import INK


def texts(labels):
    return [label.get_text() for label in labels]


def heights(lines):
    return [list(line.get_ydata()) for line in lines]


def test_tile_lays_images_out_row_by_row():
    images = np.arange(5)[:, None, None] * np.ones([5, 2, 3])
    expected = np.array([[0, 1, 2], [3, 4, 0]])  # a missing place is white, of grey images 0
    np.testing.assert_array_equal(plots.tile(images, 3)[::2, ::3], expected)
    np.testing.assert_array_equal(plots.tile(images[..., None], 3), plots.tile(images, 3))
    in_colour = plots.tile(np.zeros([3, 2, 3, 3]), 2)
    assert in_colour.shape == (4, 6, 3) and in_colour[2:, 3:].min() == 1
    shown = plots.plot_image_grid(images, 3).get_images()[0]
    assert tuple(shown.to_rgba(shown.get_array())[-1, -1]) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("shape", "columns", "error", "said"),
    [
        ((0, 2, 2), 1, ValueError, "^images"),
        ((2, 2), 1, ValueError, "^images"),
        ((2, 2, 2), 0, ValueError, "^n_columns"),
        ((2, 2, 2), 2.5, TypeError, "^n_columns is 2.5: pass a whole number of at least 1"),
    ],
)
def test_tile_names_what_is_wrong(shape, columns, error, said):
    with pytest.raises(error, match=said):
        plots.tile(np.zeros(shape), columns)


def test_image_rows_show_every_row_under_its_label():
    rows = {"black": np.ones([4, 28, 28, 1]), "white": np.zeros([4, 28, 28, 1])}
    ax = plots.plot_image_rows(rows)
    shown = ax.get_images()[0].get_array()
    assert shown[:28].min() == 1 and shown[28:].max() == 0
    assert texts(ax.get_yticklabels()) == ["black", "white"]


def test_the_latent_plane_shows_each_class_by_colour_and_marker():
    labels = np.repeat(np.arange(10), 3)
    ax = plots.plot_latent_plane(np.random.default_rng(0).normal(size=[30, 2]), labels)
    assert len({tuple(c.get_facecolor()[0]) for c in ax.collections}) == 10
    assert len({c.get_paths()[0].vertices.tobytes() for c in ax.collections}) == 10
    radii = [patch.radius for patch in ax.patches]
    np.testing.assert_allclose(1 - np.exp(-np.square(radii) / 2), [0.5, 0.95])
    tops = {text.get_text(): text.get_position() for text in ax.texts}
    assert tops["50% of the prior"] == (0, radii[0]) and tops["95% of the prior"] == (0, radii[1])


def test_a_class_is_named_where_it_stands_apart():
    codes = np.array([[-2.0, 0.0], [-2.2, 0.1], [-1.9, -0.2], [2.0, 1.0], [2.1, 1.0]])
    ax = plots.plot_latent_plane(codes, ["a", "a", "a", "b", "c"])
    named = {text.get_text(): text.get_position() for text in ax.texts if len(text.get_text()) == 1}
    assert named == {"a": (-2.0, 0.0)}  # b and c share a place: the legend names them
    assert texts(ax.get_legend().get_texts()) == ["a", "b", "c"]
    alone = plots.plot_latent_plane(codes, np.zeros(5))
    assert all("prior" in text.get_text() for text in alone.texts)


def test_history_shows_training_and_validation():
    history = {"rate": [1.0, 2.0], "val_rate": [1.5, 2.5], "loss": [9.0, 8.0]}
    ax = plots.plot_history(history, names=["rate", "loss"])
    assert heights(ax.lines) == [[1, 2], [1.5, 2.5], [9, 8]]
    assert list(ax.lines[0].get_xdata()) == [1, 2]
    assert [line.get_linestyle() for line in ax.lines] == ["-", "--", "-"]


def test_a_line_of_a_history_has_its_meaning_colour_and_its_name_at_its_end():
    history = {"rate": [1.0, 2.0], "val_rate": [1.5, 2.5], "loss": [9.0, 8.0], "extra": []}
    ax = plots.plot_history(history, names=["rate", "loss", "extra"])
    rate = plots.MEANING["rate"]
    assert [line.get_color() for line in ax.lines] == [rate, rate, INK]
    ends = [(text.get_text(), text.xy, text.get_va(), text.get_color()) for text in ax.texts]
    assert ends == [
        ("rate, training", (2, 2.0), "top", rate),
        ("rate, validation", (2, 2.5), "bottom", rate),
        ("loss, training", (2, 8.0), "center", INK),
    ]
    assert ax.get_legend() is None


def test_more_metrics_than_colours_are_drawn():
    names = [f"metric {k}" for k in range(len(plots.COLORS) + 2)]
    lines = plots.plot_history({name: [1.0, 2.0] for name in names}, names=names).lines
    assert len(lines) == len(names) and lines[-2].get_color() == plots.COLORS[0]


TWO_SHAPES = {"a": np.zeros([4, 2, 2]), "b": np.zeros([3, 2, 2])}


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: plots.plot_history({"loss": [1.0]}, names=[]), "names holds nothing"),
        (lambda: plots.plot_history({"loss": [1.0]}, names=["kl"]), r"names holds \['kl'\]"),
        (lambda: plots.plot_densities(np.zeros(3), {}), "densities is empty"),
        (lambda: plots.plot_lengths({}), "rows is empty"),
        (lambda: plots.plot_image_rows({}), "rows holds"),
        (lambda: plots.plot_image_rows(TWO_SHAPES), "rows holds"),
        (lambda: plots.plot_lines([0], {}), "lines is empty"),
        (lambda: plots.plot_seeds({}), "groups is empty"),
        (lambda: plots.plot_stacked([], {}), "parts is empty"),
        (lambda: plots.plot_leads({}), "groups is empty"),
        (lambda: plots.plot_leads({"beta 4": [1.0]}), "leads holds .*beta 4"),
        (lambda: plots.plot_latent_plane(np.zeros([3, 3]), np.zeros(3)), "z_mean has"),
        (lambda: plots.plot_latent_plane(np.zeros([3, 2]), np.zeros(2)), "z_mean has"),
        (lambda: plots.plot_over_beta([1, 10], [[1.0], [0.0]]), "values has"),
        (lambda: plots.plot_over_beta([1], [[1.0, 2.0], [0.0, 1.0]]), "values has"),
        (lambda: plots.plot_prices([1, 2], [1.0, 2.0], [0.1, 0.1]), "paid holds 2"),
        (lambda: plots.plot_rate_distortion([1], np.ones([2, 2]), np.ones([2, 2])), "rate has"),
        (lambda: plots.plot_diagnosis(None, [1, 2]), "axes holds 2"),
    ],
)
def test_what_cannot_be_drawn_is_named(draw, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        draw()


@pytest.mark.parametrize("label", ["$$", r"$\foo$", "5 $ or 6 $", r"\$5"])
@pytest.mark.parametrize(
    "draw",
    [
        lambda label: plots.plot_history({label: [1.0], f"val_{label}": [2.0]}, names=label),
        lambda label: plots.plot_lines([0, 1], {label: [0, 1]}),
        lambda label: plots.plot_densities([0, 1], {label: [1.0, 1.0]}),
        lambda label: plots.plot_lengths({label: {label: 1.0}}),
        lambda label: plots.plot_image_rows({label: np.zeros([2, 2, 2])}),
        lambda label: plots.plot_latent_plane(np.zeros([2, 2]), [label, label]),
        lambda label: plots.plot_leads({label: [1.0, 2.0]}),
        lambda label: plots.plot_stacked([label], {label: [1.0]}),
        lambda label: plots.plot_tree([Step(label, label, label, label)], label),
        lambda label: plots.plot_over_beta([1], [[1.0, 2.0]], label=label),
    ],
)
def test_a_label_is_shown_as_it_is(draw, label):
    """matplotlib takes what stands between two dollar signs for a formula, and may not know it."""
    ax = draw(label)
    if ax.get_legend_handles_labels()[1]:
        ax.legend()
    ax.figure.canvas.draw()
    drawn = [text._preprocess_math(text.get_text()) for text in ax.findobj(Text)]
    assert any(label in shown and not is_formula for shown, is_formula in drawn)


def test_densities_that_are_0_everywhere_are_drawn():
    ax = plots.plot_densities(np.linspace(-1, 2, 4), {"q": np.zeros(4)})
    assert ax.get_xlim() == (-1, 2)


def test_a_given_axis_is_used():
    ax = plots.plot_image_grid(np.zeros([4, 2, 2]), 2)
    assert plots.plot_image_grid(np.zeros([4, 2, 2]), 2, ax=ax) is ax


def diagnosis_of(z_mean, kl_per_dim, image_shape=(4, 4, 1)):
    images = np.random.default_rng(0).random([3, *image_shape])
    evaluation = SimpleNamespace(z_mean=z_mean, kl_per_dim=np.array(kl_per_dim))
    decoded = {"reconstructions": images / 2, "samples": 0 * images}
    return SimpleNamespace(images=images, **decoded, evaluation=evaluation)


def dimensions(ax):
    return [int(label().rpartition(" ")[-1]) for label in (ax.get_xlabel, ax.get_ylabel)]


def test_a_diagnosis_shows_images_kl_and_the_two_dimensions_of_largest_kl():
    z_mean = np.random.default_rng(0).normal(size=[50, 3])
    diagnosis = diagnosis_of(z_mean, [0.2, 0.0, 1.5])
    pictures, bars, plane = axes = plots.plot_diagnosis(diagnosis)
    assert isinstance(axes, np.ndarray) and plane.get_legend() is None
    shown = pictures.get_images()[0].get_array()
    np.testing.assert_array_equal(shown[:4], np.hstack(diagnosis.images[..., 0]))
    assert texts(pictures.get_yticklabels()) == ["images", "reconstructions", "samples"]
    assert [bar.get_height() for bar in bars.patches] == [0.2, 0.0, 1.5]
    assert texts(bars.get_xticklabels()) == ["1", "2", "3"] and "nats" in bars.get_ylabel()
    np.testing.assert_array_equal(plane.collections[0].get_offsets(), z_mean[:, [0, 2]])
    assert plane.get_xlabel() == "z_mean, dimension 1" and dimensions(plane) == [1, 3]
    assert len(plane.patches) == 2 and not any(ax.get_title() for ax in axes)


def test_a_diagnosis_of_one_dimension_shows_a_histogram_and_the_priors_density():
    z_mean = np.array([[-1.0], [0.0], [0.5], [4.0]])
    codes = plots.plot_diagnosis(diagnosis_of(z_mean, [0.3]))[2]
    assert sum(bar.get_height() * bar.get_width() for bar in codes.patches) == pytest.approx(1)
    grid, density = codes.lines[0].get_data()
    assert (grid.min(), grid.max()) == (-3, 4)
    assert density.max() == pytest.approx(1 / np.sqrt(2 * np.pi), rel=1e-3)
    diverged = diagnosis_of(np.full([4, 1], np.nan), [np.nan])
    plots.plot_diagnosis(diverged)  # is drawn, too


def test_a_diagnosis_with_a_learned_prior_shows_the_means_that_move():
    z_mean = np.random.default_rng(0).normal(size=[50, 12]) * [*[0.1] * 10, 1.0, 2.0]
    _, bars, plane = plots.plot_diagnosis(diagnosis_of(z_mean, [2.0]))
    assert texts(bars.get_xticklabels()) == ["all"] and dimensions(plane) == [11, 12]
    ticks = plots.plot_diagnosis(diagnosis_of(z_mean, [0.1] * 12))[1].get_xticks()
    assert all(float(tick).is_integer() for tick in ticks)


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


@pytest.mark.parametrize(("join", "style"), [(False, "None"), (True, "-")])
def test_values_over_beta_have_their_spread_as_bars(join, style):
    ax = plots.plot_over_beta([1, 10], [[1.0, 3.0], [0.0, 0.0]], k=1, label="rate", join=join)
    line, _, (bars,) = ax.containers[0]
    look = (ax.get_xscale(), line.get_linestyle(), line.get_color())
    assert look == ("log", style, plots.COLORS[1])
    assert list(line.get_ydata()) == [2, 0]
    low, high = bars.get_segments()[0][:, 1]
    assert high - low == pytest.approx(2 * np.sqrt(2))  # of two values, ddof 1


def test_seeds_stand_in_a_column_a_group():
    ax = plots.plot_seeds({"plain": [0.0, 0.2], "warm-up": [0.5, 0.4, 0.6]})
    assert heights(ax.lines) == [[0.0, 0.2], [0.5, 0.4, 0.6]]
    np.testing.assert_allclose([line.get_xdata().mean() for line in ax.lines], [0, 1])
    assert len({line.get_marker() for line in ax.lines}) == 2


def test_prices_stand_over_the_bars_of_their_betas():
    ax = plots.plot_prices([1, 2, 8], [1.5, 5.0], [0.1, 0.2])
    assert [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in ax.patches] == [(1, 2), (2, 8)]
    assert heights(ax.lines[:1]) == [[1.5, 5.0]]


def test_stacked_parts_add_up():
    ax = plots.plot_stacked(["1", "4"], {"information": [4.0, 3.0], "rest": [1.0, 0.5]})
    assert [bar.get_y() + bar.get_height() for bar in ax.patches] == [4.0, 3.0, 5.0, 3.5]
    assert texts(ax.get_legend().get_texts()) == ["information", "rest"]


def test_each_beta_that_has_a_rate_has_its_slope():
    rate = [[5.0, 6.0], [2.0, 2.0], [0.0, 0.0]]
    distortion = [[160.0, 162.0], [170.0, 172.0], [211.0, 211.0]]
    lines = plots.plot_rate_distortion([1, 4, 64], rate, distortion).lines
    slopes = np.array([line.get_xydata() for line in lines if line.get_marker() == "None"])
    run, rise = (slopes[:, 1] - slopes[:, 0]).T
    np.testing.assert_allclose(rise / run, [-1, -4])
    np.testing.assert_allclose(slopes.mean(axis=1), [[5.5, 161], [2, 171]])


def test_lines_are_told_apart_by_colour_and_dashes():
    lines = plots.plot_lines([0, 1], {"a": [2, 3], "b": [4, 5]}).lines
    assert heights(lines) == [[2, 3], [4, 5]]
    assert [line.get_color() for line in lines] == [*plots.COLORS[:2]]
    assert [line.get_linestyle() for line in lines] == ["-", "--"]


def test_a_line_has_its_label_at_its_end_and_labels_keep_apart():
    ax = plots.plot_lines([0, 1], {"a": [0, 1.0], "posterior": [9, 1.0], "b": [3, np.nan]})
    words = {text.get_text(): text for text in ax.texts}
    assert words["posterior"].get_color() == plots.MEANING["posterior"]
    assert words["b"].xy[0] == 0 and words["a"].xy[0] == 1
    assert abs(words["a"].xy[1] - words["posterior"].xy[1]) > 0.5
    assert ax.get_legend() is None


def test_a_density_has_its_colour_and_its_label_where_it_is_highest_alone():
    grid = np.linspace(0, 4, 5)
    curves = {"posterior p(z|x)": [0, 1, 0, 0, 0], "best normal q": [0, 0.5, 0, 2, 0]}
    ax = plots.plot_densities(grid, curves)
    colors = [plots.MEANING["posterior"], plots.MEANING["q"]]
    assert [line.get_color() for line in ax.lines] == colors
    assert [text.xy for text in ax.texts] == [(1, 1), (3, 2)]


def test_a_length_has_its_label_in_it_or_outside_where_it_is_short():
    rows = {"loss": {"rate": 0.1, "distortion": 9.0, "gap": 0.2}}
    first, second, third = plots.plot_lengths(rows).texts
    assert second.get_color() == "white" and second.xy == pytest.approx((4.6, 0))
    assert first.xy[1] < -0.3 and third.xy == pytest.approx((9.3, 0))
    patches = plots.plot_lengths({"with": {"-log p(x)": 3.0, "with": 2.0}}).patches
    meant = [plots.MEANING["evidence"], plots.MEANING["with"]]
    assert [bar.get_facecolor() for bar in patches] == [to_rgba(name) for name in meant]
    assert not any(bar.get_hatch() for bar in patches)


def test_lengths_keep_the_limits_of_their_caller():
    _, ax = plots.subplots("Two lengths")
    ax.set_xlim(0, 50)
    assert plots.plot_lengths({"loss": {"rate": 1.0}}, ax).get_xlim() == (0, 50)


def test_leads_have_their_mean_and_their_bar():
    ax = plots.plot_leads({"beta 4": [1.0, 3.0], "beta 2": [0.0, 0.5, 1.0]}, bar=4.3)
    assert ax.get_lines()[-1].get_ydata() == [0, 0]  # the line across
    for container, mean, error in zip(ax.containers, (2, 0.5), (1, 0.5 / np.sqrt(3)), strict=True):
        lower, upper = container.lines[2][0].get_segments()[0][:, 1]
        np.testing.assert_allclose([(lower + upper) / 2, upper - lower], [mean, 2 * 4.3 * error])


@pytest.mark.parametrize("lit", LIT)
def test_the_diagram_is_well_formed_and_lights_its_part_alone(lit):
    root = ElementTree.fromstring(plots.vae_diagram(lit).svg)
    groups = [part for part in root if part.tag.endswith("}g")]
    bright = [part for part in groups if part.get("opacity") == "1"]
    assert len(bright) == len(LIT[lit])
    assert len(groups) == len({*EVERYTHING, *LIT[lit]} - ({"loss"} if lit == "weights" else set()))
    assert plots.vae_diagram(lit)._repr_svg_() == plots.vae_diagram(lit).svg


def test_a_part_that_the_diagram_lacks_is_named():
    with pytest.raises(ValueError, match="lit is 'prior': pass one of 'all', "):
        plots.vae_diagram("prior")


def test_the_house_style_stays_in_its_figures():
    before = dict(matplotlib.rcParams)
    figure, axes = plots.subplots("Two of a kind", columns=2)
    assert dict(matplotlib.rcParams) == before
    assert figure._suptitle.get_text() == "Two of a kind" and len(axes) == 2
    assert not axes[0].spines["top"].get_visible() and figure.dpi == 144


def test_a_figure_without_a_message_is_refused():
    with pytest.raises(ValueError, match="say in one sentence what the figure shows"):
        plots.subplots(" ")


def test_ticks_stand_at_the_values_that_were_used():
    _, ax = plots.subplots("Betas")
    ax.set_xscale("log")
    plots.ticks_at(ax, x=[1e-5, 0.25, 0.7, 1, 784, 21_376], y=[2])
    words = [tick.get_text() for tick in ax.get_xticklabels()]
    assert words == ["1/100,000", "1/4", "0.7", "1", "784", "21,376"]
    assert len(ax.get_xticks(minor=True)) == 0 and list(ax.get_yticks()) == [2]


def test_a_row_of_images_says_at_its_end_what_it_is_given():
    digits = np.zeros([4, 28, 28, 1])
    ax = plots.plot_image_rows({"a": digits, "b": digits}, ends=["rate 5 $", "rate 0"])
    assert texts(ax.texts) == [r"rate 5 \$", "rate 0"]
    assert [text.get_position() for text in ax.texts] == [(118, 14), (118, 42)]
    with pytest.raises(ValueError, match="ends holds 1 texts for 2 rows: pass one a row"):
        plots.plot_image_rows({"a": digits, "b": digits}, ends=["rate 5"])


def test_a_notebook_shows_figures_without_being_told_to(monkeypatch):
    """The style's context must not take back what the notebook's backend has switched on."""
    monkeypatch.delenv("MPLBACKEND", raising=False)
    cells = [
        nbformat.v4.new_code_cell(
            "from vaehelpers import plots\nax = plots.plot_lines([0], {1: [2]})"
        ),
        nbformat.v4.new_code_cell(
            "import matplotlib.pyplot as plt\nax = plt.figure().add_subplot()"
        ),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    shown = [[set(output["data"]) for output in cell["outputs"]] for cell in cells]
    assert shown == [[{"image/png", "text/plain"}]] * 2
