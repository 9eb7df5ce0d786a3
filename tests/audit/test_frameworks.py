"""TensorFlow, JAX and PyTorch, old and broken ones too: how a loss is called, and what is left."""

import importlib
import subprocess
import sys

import numpy as np
import pytest
from audit_losses import (
    cross_entropy,
    elbo,
    elbo_with,
    from_logits,
    holds,
    l1,
    namespace,
    refused,
    squares,
    trains,
)

from vaehelpers import audit
from vaehelpers.audit import AuditError, audit_loss, calls, measure
from vaehelpers.audit import loss as opened
from vaehelpers.audit.calls import ByName, Joined, Way
from vaehelpers.audit.probes import Probe, Sizes

TINY = {"image_shape": (4, 4, 1)}


def detach(framework, value):
    if framework == "torch":
        return value.detach()
    if framework == "jax":
        return pytest.importorskip("jax").lax.stop_gradient(value)
    return pytest.importorskip("tensorflow").stop_gradient(value)


@pytest.mark.parametrize("framework", ["tensorflow", "jax", "torch"])
@pytest.mark.parametrize("part", ["reconstruction", "KL", "half the KL", "nothing"])
def test_detached_terms(framework, part):
    f = namespace(framework)

    def loss(x, x_decoded, z_mean, z_log_var):
        terms = {
            "reconstruction": f.sum((x - x_decoded) ** 2) / 2,
            "KL": 0.25 * f.sum(f.exp(z_log_var) + z_mean**2 - 1 - z_log_var),
            "half the KL": 0.25 * f.sum(f.exp(z_log_var) + z_mean**2 - 1 - z_log_var),
        }
        without = ("KL", "half the KL") if part == "KL" else (part,)
        return sum(detach(framework, t) if name in without else t for name, t in terms.items())

    said = f"^the {part} term is detached"
    if part == "nothing":
        trains(1, loss, **TINY)
    else:
        half = part == "half the KL"
        refused("^the gradient with respect to z_mean" if half else said, loss, **TINY)


def run_cure(framework, lines):
    """The printed lines as a loss."""
    if framework == "Keras":
        names = {"ops": importlib.import_module("keras").ops}
    elif framework == "JAX":
        jax = importlib.import_module("jax")
        names = {"jax": jax, "jnp": jax.numpy}
    else:
        torch = pytest.importorskip("torch")
        names = {"torch": torch, "F": torch.nn.functional}

    def loss(x, x_decoded, z_mean, z_log_var):
        scope = names | {"x": x, "x_decoded": x_decoded, "z_mean": z_mean, "z_log_var": z_log_var}
        exec("\n".join(lines), scope)
        return scope["loss"]

    return loss


def through_sigmoid(x, y):
    return (x - 1 / (1 + np.exp(-y))) ** 2


def declared(x, y):
    return squares(x, y) / 0.01 + 0.5 * np.log(2 * np.pi * 0.01)


AS = {"Keras": "auto", "PyTorch": "torch", "JAX": "jax"}


@pytest.mark.parametrize(
    "framework", [pytest.param("Keras", marks=pytest.mark.backend), "PyTorch", "JAX"]
)
@pytest.mark.parametrize("pixels", [cross_entropy, from_logits, declared, through_sigmoid, l1])
def test_the_cures_train_the_elbo(framework, pixels):
    found = audit_loss(elbo_with(pixels=pixels, beta=7.0))
    loss = run_cure(framework, found.cure()[framework])
    beta = 0.01 if pixels is declared else 1.0
    cured = trains(beta, loss, rel=1e-3, framework=AS[framework])
    holds(cured, likelihood=found.likelihood, x_decoded=found.x_decoded)


def test_the_audit_of_a_numpy_loss_imports_no_framework():
    code = (
        "import sys, numpy as np; from vaehelpers.audit import audit_loss;"
        "audit_loss(lambda x, y, m, v: ((x - y)**2).sum() + (np.exp(v) + m**2 - 1 - v).sum());"
        "foreign = {'tensorflow', 'jax', 'torch', 'keras', 'scipy', 'pandas', 'matplotlib'};"
        "assert not foreign & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_tab_offers_the_public_names():
    assert dir(audit) == [
        "AuditError",
        "LossAudit",
        "TrainingGuard",
        "audit_keras_vae",
        "audit_loss",
    ]


def jax_elbo(x, x_decoded, z_mean, z_log_var):
    jnp = importlib.import_module("jax.numpy")
    kl = 0.5 * jnp.sum(jnp.exp(z_log_var) + z_mean**2 - 1 - z_log_var)
    return jnp.sum((x - x_decoded) ** 2) / 2 + kl


def test_older_jax_keeps_its_switch_to_float64_elsewhere(monkeypatch):
    jax = pytest.importorskip("jax")
    experimental = importlib.import_module("jax.experimental")
    switch = (jax if hasattr(jax, "enable_x64") else experimental).enable_x64
    monkeypatch.delattr(jax, "enable_x64", raising=False)
    monkeypatch.setattr(experimental, "enable_x64", switch, raising=False)
    holds(trains(1, jax_elbo, rel=1e-9, **TINY), framework="jax")  # float32 has no ninth digit
    assert not jax.config.jax_enable_x64


def test_jax_losses_with_auxiliary_values():
    jax = pytest.importorskip("jax")

    def loss(*probe):
        return jax_elbo(*probe), (jax_elbo(*probe) / 3, {"kl": 0.0})

    holds(trains(1, loss, rel=1e-9, **TINY), framework="jax")
    assert not jax.config.jax_enable_x64


WAYS = {
    "documented": Way(),
    "log std": Way(("x", "x_decoded", "z_mean", "z_log_std")),
    "std, flat": Way(("x_decoded", "z_std", "x"), (("mean", "z_mean"),), flat=("x", "x_decoded")),
    "variance": Way(("x", ("x_decoded", "z_mean", "z_var"))),
    "draw": Way(("x", "x_decoded", "z_mean", "z_std", "z")),
    "joined": Way(("x", "x_decoded", Joined("z_log_std"))),
    "joined, no vectors": Way(("x", "x_decoded", Joined("z_var"))),
    "by name": Way((ByName("z_std"), "x")),
    "lists": Way(("x", "x_decoded", "z_mean", "z_log_var"), lists=True),
}


def tensors_of(given):
    """All tensors that a loss is given, whatever holds them."""
    if isinstance(given, calls.Keyed):
        return [given["recon"], given.mu, given.get("std")]
    if not isinstance(given, (tuple, calls.Levels)):
        return [given]
    return [part for held in given for part in tensors_of(held)]


def cubes(framework):
    f = namespace(framework)

    def loss(*positional, **by_name):
        tensors = tensors_of((*positional, *by_name.values()))
        return sum(n * f.sum(part * part * part) for n, part in enumerate(tensors, start=1))

    return loss


def opened_cubes(framework, way, sizes, **options):
    function = cubes(framework)  # skips where it is not installed
    [[loss]] = opened.open_loss(function, way, sizes, framework=framework, **options)
    return loss


def probe_of(sizes, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.uniform(0.1, 0.9, (2, sizes.batch, *sizes.image_shape))
    return Probe(*images, *rng.normal(size=(2, sizes.batch, sizes.latent_dim)))


@pytest.mark.parametrize("framework", ["tensorflow", "jax", "torch"])
@pytest.mark.parametrize("name", WAYS)
def test_gradients_are_those_of_the_probe(framework, name, monkeypatch):
    """Along a random direction, by the quotient of differences."""
    sizes = Sizes(3, (4, 2), 6)
    probe, direction = probe_of(sizes), probe_of(sizes, 1)
    new = np.random.default_rng  # made to draw the same each time
    monkeypatch.setattr(np.random, "default_rng", lambda seed=7: new(seed))
    shape = (2, 3) if name == "joined, no vectors" else None
    loss = opened_cubes(framework, WAYS[name], sizes, latent_shape=shape)
    for k, found in enumerate(loss.gradients(probe), start=1):
        step = Probe(*(1e-4 * along * (place == k) for place, along in enumerate(direction)))
        ends = [loss(Probe(*map(move, probe, step))) for move in (np.add, np.subtract)]
        assert (found * direction[k]).sum() == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=1e-6)


@pytest.mark.parametrize("framework", ["auto", "jax"])
def test_a_fault_of_the_audit_is_not_said_to_be_the_loss_s(monkeypatch, framework):
    jax = pytest.importorskip("jax")
    monkeypatch.delattr(jax, "enable_x64", raising=False)
    monkeypatch.delattr(importlib.import_module("jax.experimental"), "enable_x64", raising=False)
    with pytest.raises(opened.SetUpError, match=r"arrays of jax .*, not of loss_fn") as raised:
        audit_loss(jax_elbo, framework=framework, **TINY)
    assert not isinstance(raised.value, AuditError)


def test_a_framework_that_is_broken_stands_in_the_way_of_no_other(monkeypatch):
    tf = pytest.importorskip("tensorflow")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "torch" not in opened.loaded()
    monkeypatch.setattr(opened, "loaded", lambda: ["numpy", "torch", "tensorflow"])

    def loss(x, x_decoded, z_mean, z_log_var):
        assert tf.is_tensor(x)
        kl = 0.5 * tf.reduce_sum(tf.exp(z_log_var) + z_mean**2 - 1 - z_log_var)
        return tf.reduce_sum((x - x_decoded) ** 2) / 2 + kl

    holds(audit_loss(loss, **TINY), framework="tensorflow")


def test_a_fault_of_the_audit_at_other_sizes_is_not_taken_for_a_loss_of_one_size(monkeypatch):
    def broken(self, likelihood):
        raise AttributeError("the audit's own")

    monkeypatch.setattr(measure.Prober, "weights", broken)
    with pytest.raises(AttributeError, match="the audit's own"):
        audit_loss(elbo)


def test_the_same_loss_gets_the_same_answer_and_the_world_is_left_alone():
    np.random.seed(0)  # noqa: NPY002 - it is the old global state that a user's loss may draw from
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    assert audit_loss(elbo) == audit_loss(elbo)
    assert np.random.random() == expected  # noqa: NPY002


def test_without_keras_the_audit_of_a_class_says_what_to_install():
    code = "import sys; sys.modules['keras'] = None; from vaehelpers.audit import audit_keras_vae"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ImportError: vaehelpers.audit.audit_keras_vae needs keras: pip install" in done.stderr
