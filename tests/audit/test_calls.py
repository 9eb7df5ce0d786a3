"""How a loss is called: orders, names, spreads, draws, further arguments, and what it returns."""

import functools
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from audit_losses import (
    PIXELS,
    SMALL,
    bce,
    cross_entropy,
    elbo,
    holds,
    kl,
    kl_per_dim,
    log_softmax,
    namespace,
    random_loss,
    refused,
    trains,
)

from vaehelpers.audit import AuditError, audit_loss
from vaehelpers.audit import audit as pipeline
from vaehelpers.audit.calls import Way
from vaehelpers.audit.names import DOCUMENTED
from vaehelpers.audit.targets import find_loss

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


def with_names(function, names):
    """The same function under other names of its arguments, by position or by name alone."""
    scope = {"function": function}
    inside = ", ".join(names)
    exec(f"def named({inside}):\n    return function({inside})", scope)
    return scope["named"]


@pytest.mark.parametrize("seed", range(48))
def test_random_forms(seed):
    """A random loss under random names, in any order, of a random spread, with a random result."""
    rng = np.random.default_rng(seed)
    loss, sizes, wanted = random_loss(seed, "numpy")
    spread = str(rng.choice(list(TO_LOG_VARIANCE)))
    give = RESULTS[str(rng.choice(list(RESULTS)))]
    roles = list(rng.permutation(["x", "x_decoded", "z_mean", spread]))

    def shuffled(*arguments):
        given = dict(zip(roles, arguments, strict=True))
        z_log_var = TO_LOG_VARIANCE[spread](given[spread])
        return give(loss(given["x"], given["x_decoded"], given["z_mean"], z_log_var))

    named = with_names(shuffled, [str(rng.choice(NAMES[role])) for role in roles])
    holds(trains(wanted["beta"], named, rel=1e-3, **sizes), likelihood=wanted["likelihood"])


@pytest.mark.parametrize("order", ["abcd", "bacd", "cdab", "dcba", "acbd"])
def test_names_that_tell_nothing_are_tried(order):
    def loss(*arguments):
        a, b, c, d = (arguments[order.index(name)] for name in "abcd")
        return bce(a, b) + kl(c, d)

    found = trains(1, with_names(loss, list("klno")), **SMALL)
    assert bool(found.notes) == (order != "abcd")


def test_the_order_may_be_said():
    def turned(*a):
        return bce(a[1], a[0]) + kl(a[3], a[2])

    trains(1, turned, order="x_decoded,x,z_log_var,z_mean", **SMALL)
    for wrong in ("x,mu", "x,x_decoded,z_mean", "x,x,x_decoded,z_mean,z_std"):
        with pytest.raises(ValueError, match=f"order is '{wrong}': pass x, x_decoded, z_mean"):
            audit_loss(elbo, order=wrong)
    trains(1, elbo, order="x, x_decoded, z_mean, z_log_var")


def test_a_log_variance_by_name_that_is_read_as_another_is_a_fault():
    def loss(x, x_hat, mu, logvar):
        return bce(x, x_hat) + kl(mu, 2 * logvar)

    refused("as the logarithm of the standard deviation", loss, **SMALL)


@pytest.mark.parametrize(
    ("spread", "said"), [("z_std", "standard deviation"), ("z_var", "variance")]
)
def test_a_log_variance_by_name_that_is_refused_is_none(spread, said):
    def loss(x, x_decoded, z_mean, z_log_var):
        if (z_log_var <= 0).any():
            raise ValueError("expected a positive scale")
        return bce(x, x_decoded) + kl(z_mean, TO_LOG_VARIANCE[spread](z_log_var))

    found = trains(1, loss, **SMALL)
    assert f"z_log_var holds the {said}, for it refuses a log variance" in found.notes


def test_probing_tells_what_sigma_is():
    found = trains(1, lambda x, x_hat, mu, log_sigma: bce(x, x_hat) + kl(mu, log_sigma), **SMALL)
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


@pytest.mark.parametrize("which", ["x_decoded", "both"])
def test_a_loss_that_flattens_inside_gets_flat_images(which):
    def loss(recon_x, x, mu, logvar):
        assert recon_x.ndim == 2
        assert x.ndim == (2 if which == "both" else 4)
        return cross_entropy(x.reshape(len(x), -1), recon_x).sum() + kl_per_dim(mu, logvar).sum()

    found = trains(1, loss, **SMALL)
    assert any("given flat" in note for note in found.notes)


@pytest.mark.parametrize("reads", ["logits", "log-probabilities"])
def test_targets_that_are_whole_numbers(reads):
    def loss(logits, targets, mu, logvar):
        if targets.dtype.kind != "i" or targets.ndim != 2:
            raise TypeError("expected classes")
        log_p = log_softmax(logits) if reads == "logits" else logits
        chosen = np.take_along_axis(log_p, targets[..., None], -1)
        return -chosen.sum((1, 2)).mean() + 3 * kl(mu, logvar)

    found = trains(3, loss, image_shape=(6, 9))
    holds(found, likelihood="categorical", x_decoded=reads)
    assert any("whole numbers" in note for note in found.notes)


def test_codes_that_are_no_vectors():
    def loss(x, p, m, v):
        assert m.shape[1:] == (4, 2, 2)
        return bce(x, p) + kl_per_dim(m, v).sum((1, 2, 3)).mean()

    trains(1, loss, image_shape=(6, 5, 1), latent_shape=(4, 2, 2))


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
    trains(1, form, **SMALL)


@pytest.mark.parametrize("batch_size", [8, 5])
def test_lists_of_levels_are_lists(batch_size):
    """Given as one tensor, the loop would run over the examples."""

    def loss(recon_x, x, mus, logvars):
        return bce(x, recon_x) + 2 * sum(kl(m, v) for m, v in zip(mus, logvars, strict=True))

    holds(trains(2, loss, batch_size=batch_size, **SMALL), batch_reduction="mean")


@pytest.mark.parametrize("framework", ["numpy", "tensorflow"])
def test_plural_names_may_be_one_tensor(framework):
    """A list of one level, taken for an array [1, B, J], would be summed over the wrong axis."""
    f = namespace(framework)

    def loss(x, recon, mus, logvars):
        per_latent = 0.5 * (f.exp(logvars) + f.square(mus) - 1 - logvars)
        return f.mean(f.sum(0.5 * (x - recon) ** 2, PIXELS)) + f.mean(f.sum(per_latent, 1))

    holds(trains(1, loss, **SMALL), framework=framework)


def test_arguments_without_names_are_not_called_swapped_without_a_word():
    def undecorated(*arguments):
        return (lambda recon, x, mu, logvar: bce(x, recon) + kl(mu, logvar))(*arguments)

    said = "show no names: if they stand in another order, say order='x_decoded,x"
    refused(said, undecorated, **SMALL)
    trains(1, undecorated, order="x_decoded,x,z_mean,z_log_var", **SMALL)


def test_three_batches_of_which_entries_are_taken_by_name():
    def loss(tensors, inference_outputs, generative_outputs):
        variance = inference_outputs["qz_v"]
        assert (variance > 0).all()
        rate = kl(inference_outputs["qz_m"], np.log(variance))
        return bce(tensors["X"], generative_outputs["px"]) + 2 * rate

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


@pytest.mark.parametrize("source", ["names", "order", "documented", "trying", "outputs"])
def test_of_orders_that_train_different_betas_none_is_guessed(monkeypatch, source):
    """Of a certain one the first is taken; of others that fit all are tried, and named."""
    ways = [Way(source=source), Way(DOCUMENTED[::-1], source=source)]

    def fits_of(way, sizes, x_decoded):
        weights = SimpleNamespace(kl=1.0 + ways.index(way), distortion=1.0)
        return [(SimpleNamespace(loss=SimpleNamespace(way=way)), SimpleNamespace(weights=weights))]

    monkeypatch.setattr(pipeline, "open_loss", lambda function, way, sizes, **given: way)
    monkeypatch.setattr(pipeline, "_fits_of", fits_of)
    if source in ("trying", "outputs"):
        said = "several ways: beta = 1 with order='x,x_.*'; beta = 2 with order='z_log_var,z_mean"
        with pytest.raises(AuditError, match=said):
            pipeline._chosen(elbo, [ways], None, {}, "auto")
    else:
        assert pipeline._chosen(elbo, [ways], None, {}, "auto")[0].loss.way is ways[0]


def test_a_loss_of_images_alone_has_no_kl():
    refused("a loss of images alone has no KL", lambda y_true, y_pred: bce(y_true, y_pred), **SMALL)


class Wants:
    def __init__(self, beta):
        self.beta = beta


def test_a_class_that_wants_arguments_says_so():
    refused(r"Wants wants \(beta\): make one, loss = Wants\(beta=...\)", Wants)


@pytest.mark.parametrize(
    ("forward", "taken"),
    [
        ("mu", False),
        ("logvar", False),
        ("recon", False),
        ("x, labels", False),
        ("a, b, c, d", True),
        ("x, labels, epoch, beta", False),
        ("*batches", False),
        ("mu, logvar", True),
        ("recon, x", True),
    ],
)
def test_a_method_looks_like_a_loss_by_its_arguments(forward, taken):
    scope = {}
    exec(f"def forward(self, {forward}):\n    pass", scope)
    loss = with_names(lambda *given: bce(*given[:2]), ["self", "recon", "x", "mu", "logvar"])
    model = type("Model", (), {"forward": scope["forward"], "loss": loss})()
    assert find_loss(model).__name__ == ("forward" if taken else "named")


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
