"""How a loss is called: orders, names, spreads, draws, further arguments, and what it returns."""

import functools
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from audit_losses import Namespace, cross_entropy, elbo, kl_per_dim, random_loss

from vaehelpers.audit import AuditError, audit_loss
from vaehelpers.audit import audit as pipeline

SMALL = {"image_shape": (6, 5, 1), "latent_dim": 3}
NAMES = {
    "x": ["x", "inputs", "target", "y_true", "original", "data", "images"],
    "x_decoded": ["recon_x", "x_hat", "x_decoded", "y_pred", "reconstruction", "x_logits", "recon"],
    "z_mean": ["mu", "mean", "z_mean", "loc", "latent_mean"],
    "z_log_var": ["logvar", "log_var", "z_log_var", "log_variance", "lv"],
    "z_log_std": ["log_sigma", "logstd", "z_log_std"],
    "z_std": ["sigma", "std", "scale"],
    "z_var": ["var", "z_variance"],
}
TO_LOG_VARIANCE = {
    "z_log_var": lambda s: s,
    "z_log_std": lambda s: 2 * s,
    "z_std": lambda s: 2 * np.log(s),
    "z_var": np.log,
}


class Terms(NamedTuple):
    total: object
    kl: object


RESULTS = {
    "a number": lambda total: total,
    "a dict": lambda total: {"kl": total / 3, "Loss": total},
    "an object": lambda total: SimpleNamespace(loss=total, kl_local=None),
    "the first of a tuple": lambda total: (total, None, np.float64(0.5)),
    "a named tuple": lambda total: Terms(total, total / 3),
    "a list of one": lambda total: [total],
}


def bce(x, p):
    return cross_entropy(x, p).sum((1, 2, 3)).mean()


def kl(m, v):
    return kl_per_dim(m, v).sum(1).mean()


def with_names(function, names):
    """The same function under other names of its arguments, by position or by name alone."""
    scope = {"function": function}
    inside = ", ".join(names)
    exec(f"def named({inside}):\n    return function({inside})", scope)
    return scope["named"]


@pytest.mark.parametrize("seed", range(48))
def test_random_forms(seed):
    """A random loss under random names, in a random order, of a random spread and with a random result."""
    rng = np.random.default_rng(seed)
    loss, sizes, wanted = random_loss(seed, "numpy")
    spread = str(rng.choice(list(TO_LOG_VARIANCE)))
    give = RESULTS[str(rng.choice(list(RESULTS)))]
    roles = list(rng.permutation(["x", "x_decoded", "z_mean", spread]))

    def shuffled(*arguments):
        given = dict(zip(roles, arguments, strict=True))
        return give(
            loss(
                given["x"],
                given["x_decoded"],
                given["z_mean"],
                TO_LOG_VARIANCE[spread](given[spread]),
            )
        )

    found = trains(
        wanted["beta"],
        with_names(shuffled, [str(rng.choice(NAMES[role])) for role in roles]),
        **sizes,
        rel=1e-3,
    )
    assert found.likelihood == wanted["likelihood"]


@pytest.mark.parametrize("order", ["abcd", "bacd", "cdab", "dcba", "acbd"])
def test_names_that_tell_nothing_are_tried(order):
    def loss(*arguments):
        a, b, c, d = (arguments[order.index(name)] for name in "abcd")
        return bce(a, b) + kl(c, d)

    found = audit_loss(with_names(loss, list("klno")), **SMALL)
    assert found.trains_elbo
    assert bool(found.notes) == (order != "abcd")


def test_names_fix_the_order_so_a_loss_that_is_right_in_another_is_swapped():
    refused(
        "x and x_decoded are swapped",
        lambda x_hat, x, mu, logvar: bce(x_hat, x) + kl(mu, logvar),
        **SMALL,
    )
    refused(
        "z_mean and z_log_var are swapped",
        lambda x, x_hat, mu, logvar: bce(x, x_hat) + kl(logvar, mu),
        **SMALL,
    )
    refused(
        "x and x_decoded are swapped",
        lambda y_true, y_pred, m, v: bce(y_pred, y_true) + kl(m, v),
        **SMALL,
    )


def test_the_order_may_be_said():
    found = audit_loss(
        lambda *a: bce(a[1], a[0]) + kl(a[3], a[2]), order="x_decoded,x,z_log_var,z_mean", **SMALL
    )
    assert found.trains_elbo
    for wrong in ("x,mu", "x,x_decoded,z_mean", "x,x,x_decoded,z_mean,z_std"):
        with pytest.raises(ValueError, match=f"order is '{wrong}': pass x, x_decoded, z_mean"):
            audit_loss(elbo, order=wrong)
    assert audit_loss(elbo, order="x, x_decoded, z_mean, z_log_var").trains_elbo


def test_a_log_variance_by_name_that_is_read_as_another_is_a_fault():
    refused(
        "as the logarithm of the standard deviation",
        lambda x, x_hat, mu, logvar: bce(x, x_hat) + kl(mu, 2 * logvar),
        **SMALL,
    )


@pytest.mark.parametrize(
    ("spread", "said"), [("z_std", "standard deviation"), ("z_var", "variance")]
)
def test_a_log_variance_by_name_that_is_refused_is_none(spread, said):
    def loss(x, x_decoded, z_mean, z_log_var):
        if (z_log_var <= 0).any():
            raise ValueError("expected a positive scale")
        return bce(x, x_decoded) + kl(z_mean, TO_LOG_VARIANCE[spread](z_log_var))

    found = audit_loss(loss, **SMALL)
    assert found.trains_elbo
    assert f"z_log_var holds the {said}, for it refuses a log variance" in found.notes


def test_probing_tells_what_sigma_is():
    found = audit_loss(lambda x, x_hat, mu, log_sigma: bce(x, x_hat) + kl(mu, log_sigma), **SMALL)
    assert found.trains_elbo
    assert found.notes == ("log_sigma holds the log variance, found by probing",)


def test_a_draw_is_made():
    def loss(x, recon, z, mu, sigma):
        log_ratio = 0.5 * (z**2 - ((z - mu) / sigma) ** 2) - np.log(sigma)
        return bce(x, recon) + 3 * log_ratio.sum(1).mean()

    trains(3, loss, **SMALL, rel=1e-2)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, recon, mu, logvar, beta: bce(x, recon) + beta * kl(mu, logvar),
        lambda x, recon, mu, logvar, *, beta: bce(x, recon) + beta * kl(mu, logvar),
        lambda *outputs, **options: bce(*outputs[:2]) + options["beta"] * kl(*outputs[2:]),
        lambda x, recon, mu, logvar, **options: bce(x, recon) + options["beta"] * kl(mu, logvar),
    ],
)
def test_further_arguments(loss):
    trains(4, loss, arguments={"beta": 4}, **SMALL)
    refused(r"the loss wants 'beta' as well: .*--with beta=1", loss, **SMALL)


def test_arguments_with_a_default_are_left_alone():
    trains(2, lambda x, p, m, v, beta=2, epoch=None: bce(x, p) + beta * kl(m, v), **SMALL)


@pytest.mark.parametrize(
    ("pack", "total"),
    [
        (lambda r, k: (r, k), lambda x, p, m, v: (bce(x, p), 2 * kl(m, v))),
        (lambda r, k: (r, k), lambda x, p, m, v: (bce(x, p), 2 * kl(m, v), None)),
    ],
)
def test_terms_without_a_total_are_added(pack, total):
    found = trains(2, total, **SMALL)
    assert "the sum of what it returns is taken as the total" in found.notes


def test_a_total_beside_its_terms_is_taken_and_not_their_sum():
    def loss(x, p, m, v):
        return bce(x, p) + 2 * kl(m, v), bce(x, p), 5 * kl(m, v)

    found = trains(2, loss, **SMALL)
    assert "entry 0 of what it returns is taken as the total" in found.notes


def test_two_totals_are_not_guessed_between():
    def loss(x, p, m, v):
        return bce(x, p) + kl(m, v), bce(x, p) + 3 * kl(m, v)

    refused(
        "several ways: beta = 1 with result=0; beta = 3 with result=1: say which", loss, **SMALL
    )
    trains(3, loss, result=1, **SMALL)


@pytest.mark.parametrize(
    ("returned", "result", "said"),
    [
        (
            {"recon": 1.0, "kl": 2.0},
            None,
            "loss_fn returned recon, kl, none of them called a total",
        ),
        ({"recon": 1.0, "kl": 2.0}, "elbo", "result is 'elbo', but loss_fn returned recon, kl"),
        (None, None, "loss_fn returned None"),
        (1.0, "loss", "result is 'loss', but loss_fn returned one float"),
    ],
)
def test_results_that_hold_no_total(returned, result, said):
    refused(said, lambda x, p, m, v: returned, result=result, **SMALL)


def test_the_sum_of_a_dict_may_be_asked_for():
    assert audit_loss(
        lambda x, p, m, v: {"r": bce(x, p), "k": kl(m, v)}, result="sum", **SMALL
    ).trains_elbo


@pytest.mark.parametrize("which", ["x_decoded", "both"])
def test_a_loss_that_flattens_inside_gets_flat_images(which):
    def loss(recon_x, x, mu, logvar):
        assert recon_x.ndim == 2
        assert x.ndim == (2 if which == "both" else 4)
        return cross_entropy(x.reshape(len(x), -1), recon_x).sum() + kl_per_dim(mu, logvar).sum()

    found = audit_loss(loss, **SMALL)
    assert found.trains_elbo
    assert any("given flat" in note for note in found.notes)


@pytest.mark.parametrize("reads", ["logits", "log-probabilities"])
def test_targets_that_are_whole_numbers(reads):
    def loss(logits, targets, mu, logvar):
        if targets.dtype.kind != "i" or targets.ndim != 2:
            raise TypeError("expected classes")
        log_p = (
            logits - np.log(np.exp(logits).sum(-1, keepdims=True)) if reads == "logits" else logits
        )
        return -np.take_along_axis(log_p, targets[..., None], -1).sum((1, 2)).mean() + 3 * kl(
            mu, logvar
        )

    found = audit_loss(loss, image_shape=(6, 9), latent_dim=3)
    holds(found, likelihood="categorical", x_decoded=reads, beta=pytest.approx(3))
    assert any("whole numbers" in note for note in found.notes)


def test_codes_that_are_no_vectors():
    def loss(x, p, m, v):
        assert m.shape[1:] == (4, 2, 2)
        return bce(x, p) + kl_per_dim(m, v).sum((1, 2, 3)).mean()

    assert audit_loss(loss, image_shape=(6, 5, 1), latent_shape=(4, 2, 2)).trains_elbo


@pytest.mark.parametrize("outputs_first", [True, False])
@pytest.mark.parametrize("unpack", ["tuple", "dict", "object"])
def test_a_model_s_outputs_and_a_target(outputs_first, unpack):
    def loss(outputs, target):
        if unpack == "tuple":
            recon, mu, logvar = outputs
        elif unpack == "dict":
            recon, mu, logvar = outputs["recon_x"], outputs["mu"], outputs["logvar"]
        else:
            recon, mu, logvar = outputs.reconstruction, outputs.mean, outputs.log_var
        return bce(target, recon) + kl(mu, logvar)

    form = loss if outputs_first else lambda target, outputs: loss(outputs, target)
    assert audit_loss(form, **SMALL).trains_elbo


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_mean_and_spread_as_one_argument(order):
    def loss(x, x_hat, posterior):
        mean, std = posterior
        return bce(x, x_hat) + kl(mean, 2 * np.log(std))

    names = [("x", "x_hat", "posterior")[k] for k in order]
    form = with_names(lambda *given: loss(*(given[order.index(k)] for k in range(3))), names)
    assert audit_loss(form, **SMALL).trains_elbo


def test_outputs_that_repeat_the_input():
    def loss(results, target):
        recons, _, mu, log_var = results
        return bce(target, recons) + 2 * kl(mu, log_var)

    trains(2, loss, **SMALL)


def test_an_argument_that_is_none_of_the_known_ones_is_asked_for():
    refused(
        "the loss wants 'M_N' as well",
        lambda x, recon, mu, logvar, M_N: bce(x, recon) + M_N * kl(mu, logvar),
        **SMALL,
    )


@pytest.mark.parametrize("batch_size", [8, 5])
def test_lists_of_levels_are_lists(batch_size):
    """Given as one tensor, the loop would run over the examples."""

    def loss(recon_x, x, mus, logvars):
        return bce(x, recon_x) + 2 * sum(kl(m, v) for m, v in zip(mus, logvars, strict=True))

    found = audit_loss(loss, batch_size=batch_size, **SMALL)
    assert (found.beta, found.batch_reduction) == (pytest.approx(2), "mean")


@pytest.mark.parametrize("framework", ["numpy", "tensorflow"])
def test_plural_names_may_be_one_tensor(framework):
    """A list of one level, taken for an array [1, B, J], would be summed over the wrong axis."""
    f = Namespace(framework)
    square = np.square if framework == "numpy" else pytest.importorskip("tensorflow").square

    def loss(x, recon, mus, logvars):
        per_latent = 0.5 * (f.exp(logvars) + square(mus) - 1 - logvars)
        return f.mean(f.sum(0.5 * (x - recon) ** 2, (1, 2, 3))) + f.mean(f.sum(per_latent, 1))

    found = audit_loss(loss, **SMALL)
    assert (found.framework, found.beta) == (framework, pytest.approx(1))


def test_mean_and_spread_side_by_side():
    def loss(x, x_tilde, mu_logvar):
        return bce(x, x_tilde) + kl(*np.split(mu_logvar, 2, axis=-1))

    assert audit_loss(loss, **SMALL).trains_elbo


def test_arguments_without_names_are_not_called_swapped_without_a_word():
    def undecorated(*arguments):
        return (lambda recon, x, mu, logvar: bce(x, recon) + kl(mu, logvar))(*arguments)

    refused(
        "show no names: if they stand in another order, say order='x_decoded,x",
        undecorated,
        **SMALL,
    )
    assert audit_loss(undecorated, order="x_decoded,x,z_mean,z_log_var", **SMALL).trains_elbo


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (lambda recon_x, x, q_mu, q_logvar, p_mu, p_logvar: 0.0, "a learned prior"),
        (lambda x, mu_x, logvar_x, mu_z, logvar_z: 0.0, "a learned decoder variance"),
        (lambda x, x_hat, kl_d, beta=1.0: 0.0, r"a KL that is computed already \(kl_d\)"),
        (
            lambda preds, labels, mu, logvar, norm, pos_weight: 0.0,
            "'norm' and 'pos_weight' as well",
        ),
    ],
)
def test_what_no_single_encoder_s_kl_needs_is_named(loss, said):
    refused(said, loss, **SMALL)


def test_a_loss_that_calls_the_networks_itself_is_said_to_do_so():
    refused(
        r"calls the networks itself \(it wants params, rng\): audit the function",
        lambda params, batch, rng: 0.0,
        **SMALL,
    )


def test_three_batches_of_which_entries_are_taken_by_name():
    def loss(tensors, inference_outputs, generative_outputs):
        variance = inference_outputs["qz_v"]
        assert (variance > 0).all()
        return bce(tensors["X"], generative_outputs["px"]) + 2 * kl(
            inference_outputs["qz_m"], np.log(variance)
        )

    trains(2, loss, **SMALL)


def test_a_schedule_ends_the_search_for_another_order(monkeypatch):
    tried, calls = [], []
    fits_of = pipeline._fits_of
    monkeypatch.setattr(pipeline, "_fits_of", lambda *given: tried.append(1) or fits_of(*given))

    def loss(a, b, c, d):
        calls.append(1)
        return bce(a, b) + len(calls) / 1000 * kl(c, d)

    refused("counts its calls", loss, **SMALL)
    assert len(tried) == 1


def test_a_loss_of_images_alone_has_no_kl():
    refused("a loss of images alone has no KL", lambda y_true, y_pred: bce(y_true, y_pred), **SMALL)


def test_what_is_asked_for_is_one_line():
    for loss in (lambda x, p, m, v: 1 / 0, lambda a, b, c, d, e, f: 0, lambda x, q, r, s, t: 0):
        with pytest.raises(AuditError) as raised:
            audit_loss(loss, **SMALL)
        assert "\n" not in str(raised.value)


def test_a_partial_and_a_method_are_functions_too():
    class Criterion:
        def __call__(self, reconstruction, original, mu, log_variance):
            return bce(original, reconstruction) + 5 * kl(mu, log_variance)

    class Model:
        def forward(self, x):
            raise AssertionError("not the loss")

        def loss_function(self, recon, x, mu, logvar, weight):
            return {"loss": bce(x, recon) + weight * kl(mu, logvar)}

    trains(7, functools.partial(elbo, beta=7.0), **SMALL)
    trains(5, Criterion(), **SMALL)
    trains(5, Criterion, **SMALL)
    trains(2, Model(), arguments={"weight": 2}, **SMALL)
    trains(2, Model().loss_function, arguments={"weight": 2}, **SMALL)


def test_a_class_that_wants_arguments_says_so():
    class Criterion:
        def __init__(self, beta):
            self.beta = beta

    refused(r"Criterion wants \(beta\): make one, loss = Criterion\(beta=...\)", Criterion)
