"""PyTorch losses as people write them; `make audit-torch` runs these, else they are skipped."""

import functools
import subprocess
import sys

import pytest
from audit_losses import holds, random_loss, refused, trains

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make audit-torch")
from torch import nn  # noqa: E402
from torch.distributions import Normal, kl_divergence  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from vaehelpers.audit import audit_loss  # noqa: E402
from vaehelpers.audit.targets import device_of  # noqa: E402

SMALL = {"image_shape": (1, 6, 5), "latent_dim": 3}
ORDERS = [
    ("recon_x, x, mu, logvar", "x, recon_x, mu, logvar"),
    ("x_hat, target, z_mean, z_log_var", "target, x_hat, z_mean, z_log_var"),
    ("inputs, outputs, mean, log_variance", "inputs, outputs, mean, log_variance"),
    ("mu, logvar, recons, data", "data, recons, mu, logvar"),
]


def kl(mu, logvar):
    return -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


@pytest.mark.parametrize("seed", range(200, 224))
def test_random_losses_under_people_s_names(seed):
    loss, sizes, wanted = random_loss(seed, "torch")
    names, inside = ORDERS[seed % len(ORDERS)]
    scope = {"loss": loss}
    exec(f"def named({names}):\n    return {{'kl': None, 'loss': loss({inside})}}", scope)
    found = trains(wanted["beta"], scope["named"], rel=1e-3, **sizes)
    holds(found, framework="torch", likelihood=wanted["likelihood"])


def test_images_are_flattened_inside():
    def loss_function(recon_x, x, mu, logvar):
        return F.binary_cross_entropy(recon_x, x.view(-1, 30), reduction="sum") + kl(mu, logvar)

    trains(1, loss_function, **SMALL)


def test_a_distribution_refuses_what_is_no_deviation():
    def loss(x, recon, mu, std):
        prior = Normal(torch.zeros_like(mu), torch.ones_like(std))
        rate = kl_divergence(Normal(mu, std), prior).sum(1)
        return (0.5 * (x - recon).square().flatten(1).sum(1) + 2 * rate).mean()

    found = trains(2, loss, **SMALL)
    assert "std holds the standard deviation, found by probing" in found.notes


def to_script(recon_x: torch.Tensor, x: torch.Tensor, mu: torch.Tensor, logvar: torch.Tensor):
    minus_kl = 0.5 * torch.sum(1 + logvar - mu * mu - logvar.exp())
    return F.mse_loss(recon_x, x, reduction="sum") - minus_kl


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_scripted_function_has_names_too():
    trains(0.5, torch.jit.script(to_script), **SMALL)


def test_cross_entropy_of_flattened_tokens():
    def loss(logits, tokens, mu, logvar):
        nll = F.cross_entropy(logits.view(-1, logits.size(-1)), tokens.view(-1), reduction="sum")
        return (nll + 0.1 * kl(mu, logvar)) / len(tokens)

    found = trains(0.1, loss, image_shape=(7, 11), order="x_decoded,x,z_mean,z_log_var")
    holds(found, likelihood="categorical", x_decoded="logits")


class Criterion(nn.Module):
    def __init__(self, beta=1.0):
        super().__init__()
        self.bce = nn.BCEWithLogitsLoss(reduction="sum")
        self.beta = beta

    def forward(self, recon, x, mu, logvar):
        reconstruction, rate = self.bce(recon, x), kl(mu, logvar)
        return reconstruction + self.beta * rate, reconstruction.detach(), rate.detach()


@pytest.mark.parametrize("target", [Criterion, Criterion(), Criterion().forward])
def test_a_module_that_is_a_loss(target):
    holds(audit_loss(target, **SMALL), trains_elbo=True, x_decoded="logits")


class WithMethods(nn.Module):
    """encode, decode and a loss of one batch of images."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(30, 8)
        self.mean, self.spread = nn.Linear(8, 3), nn.Linear(8, 3)
        self.out = nn.Linear(3, 30)

    def encode(self, x):
        h = torch.relu(self.hidden(x.flatten(1)))
        return self.mean(h), self.spread(h)

    def decode(self, z):
        return torch.sigmoid(self.out(z)).view(-1, 1, 6, 5)

    def loss(self, x):
        mu, logvar = self.encode(x)
        recon = self.decode(mu + torch.exp(logvar / 2) * torch.randn_like(mu))
        return F.binary_cross_entropy(recon, x, reduction="sum") + kl(mu, logvar)


class Lightning(nn.Module):
    """A training_step, two heads behind an encoder, and a log that wants a trainer."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(30, 8))
        self.fc_mu, self.fc_var = nn.Linear(8, 3), nn.Linear(8, 3)
        self.decoder = nn.Sequential(nn.Linear(3, 30), nn.Sigmoid(), nn.Unflatten(1, (1, 6, 5)))

    def log(self, name, value):
        raise RuntimeError("no trainer is attached")

    def training_step(self, batch, batch_idx):
        x, _ = batch
        h = self.encoder(x)
        q = Normal(self.fc_mu(h), torch.exp(self.fc_var(h) / 2))
        reconstruction = F.mse_loss(self.decoder(q.rsample()), x)
        rate = kl_divergence(q, Normal(0, 1)).sum(1).mean()
        self.log("rate", rate)
        return {"loss": reconstruction + rate}


class Chunked(nn.Module):
    """An encoder that gives mean and log deviation in one tensor; forward returns the loss."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(30, 6))
        self.decoder = nn.Linear(3, 30)

    def forward(self, x):
        mu, log_std = self.encoder(x).chunk(2, dim=1)
        recon = self.decoder(mu + log_std.exp() * torch.randn_like(mu)).view_as(x)
        rate = (-log_std - 0.5 + 0.5 * (mu**2 + torch.exp(2 * log_std))).sum(1).mean()
        return 0.5 * (recon - x).square().flatten(1).sum(1).mean() + 3 * rate, {"rate": rate}


@pytest.mark.parametrize(("target", "beta"), [(WithMethods, 1), (Lightning, 15), (Chunked, 3)])
def test_a_model_that_computes_its_loss(target, beta):
    model = target()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    parts = dict(model.named_modules())
    trains(beta, model, **SMALL, rel=1e-3)
    assert dict(model.named_modules()) == parts
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    trains(beta, target, **SMALL, rel=1e-3)


def test_a_real_lightning_module():
    """Its `log_dict` wants a trainer, its networks are called through `self(x)`."""
    lightning = pytest.importorskip("lightning", reason="make audit-torch installs Lightning")

    class LitVAE(lightning.LightningModule):
        def __init__(self, latent_dim=3):
            super().__init__()
            self.save_hyperparameters()
            self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(30, 8), nn.ReLU())
            self.fc_mu, self.fc_log_var = nn.Linear(8, latent_dim), nn.Linear(8, latent_dim)
            self.decoder = nn.Sequential(nn.Linear(latent_dim, 30), nn.Unflatten(1, (1, 6, 5)))

        def forward(self, x):
            h = self.encoder(x)
            mu, log_var = self.fc_mu(h), self.fc_log_var(h)
            return self.decoder(mu + torch.exp(log_var / 2) * torch.randn_like(mu)), mu, log_var

        def training_step(self, batch, batch_idx):
            x, _ = batch
            recon, mu, log_var = self(x)
            reconstruction = F.binary_cross_entropy_with_logits(recon, x, reduction="sum") / len(x)
            rate = kl(mu, log_var) / len(x)
            self.log_dict({"reconstruction": reconstruction, "rate": rate})
            return reconstruction + 0.5 * rate

    holds(trains(0.5, LitVAE, **SMALL), likelihood="bernoulli", x_decoded="logits")


def test_a_model_has_its_own_number_of_latents():
    class PerLatent(WithMethods):
        latent_dim = 3

        def loss(self, x):
            mu, logvar = self.encode(x)
            reconstruction = F.binary_cross_entropy(self.decode(mu), x, reduction="sum")
            return reconstruction + kl(mu, logvar) / self.latent_dim

    trains(1 / 3, PerLatent, image_shape=(1, 6, 5), latent_dim=2)


def test_a_model_without_a_loss_says_what_to_type():
    refused(r"Linear has no loss .*name the method, FILE.py:Linear.METHOD", nn.Linear(3, 3))


def test_a_gpu_that_is_not_there_is_named(monkeypatch):
    def cuda(tensor):
        raise RuntimeError("No NVIDIA driver")

    def loss(recon_x, x, mu, logvar):
        return torch.ones(x.size()).cuda().sum()

    monkeypatch.setattr(torch.Tensor, "cuda", cuda)
    refused("moves tensors to a GPU, and there is none here", loss, **SMALL)


def test_probes_go_where_the_parameters_are():
    assert device_of(nn.Linear(2, 2, device="meta")).type == "meta"
    assert device_of(WithMethods().loss).type == "cpu"
    assert device_of(kl) is None


@pytest.mark.parametrize(
    "held", [lambda m: m, lambda m: m.forward, lambda m: functools.partial(m.forward)]
)
def test_every_tensor_is_made_where_the_parameters_are(held, monkeypatch):
    """No machine of these tests has a card: what is asked of PyTorch is written down."""
    asked = []
    make = torch.tensor

    def written_down(array, device=None):
        asked.append(str(device))
        return make(array)

    monkeypatch.setattr(torch, "tensor", written_down)
    module = Criterion()
    module.register_buffer("scale", torch.zeros(2, device="meta"))
    assert audit_loss(held(module), **SMALL).trains_elbo
    assert set(asked) == {"meta"}


def test_a_loss_is_differentiated_where_its_user_wants_no_gradients():
    class Model(Criterion):
        @classmethod
        def elbo(cls, recon, x, mu, logvar):
            return F.mse_loss(recon, x, reduction="sum") + kl(mu, logvar.detach())

    for nothing in (torch.no_grad, torch.inference_mode):
        with nothing():
            refused(r"gradient|detached", Model.elbo, **SMALL)


def test_a_base_class_s_step_of_any_arguments_is_no_loss():
    class Base(nn.Module):
        def training_step(self, *arguments, **options):
            return None

    class Model(WithMethods, Base):
        pass

    assert audit_loss(Model, **SMALL).trains_elbo


def test_what_stands_in_is_put_back():
    model = WithMethods()
    model.decode = lambda z: torch.sigmoid(model.out(z)).view(-1, 1, 6, 5)
    model.out.forward = lambda z: z @ model.out.weight.T
    before = {name: dict(vars(part)) for name, part in model.named_modules()}
    assert audit_loss(model, **SMALL).trains_elbo
    assert {name: dict(vars(part)) for name, part in model.named_modules()} == before
    lightning = Lightning()
    names = {name: set(vars(part)) for name, part in lightning.named_modules()}
    audit_loss(lightning, **SMALL)
    assert {name: set(vars(part)) for name, part in lightning.named_modules()} == names


def test_the_audit_imports_nothing_but_pytorch():
    code = (
        "import sys, torch; from vaehelpers.audit import audit_loss;"
        "audit_loss(lambda recon_x, x, mu, logvar: ((x - recon_x)**2).sum()"
        " - 0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp()));"
        "assert not {'tensorflow', 'jax', 'keras', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_random_numbers_are_left_alone():
    state = torch.random.get_rng_state()
    audit_loss(Criterion, **SMALL)
    assert torch.equal(torch.random.get_rng_state(), state)
