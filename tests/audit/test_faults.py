"""What is wrong with a Keras model besides beta: how z is drawn, idle and frozen numbers."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from keras_losses import BITS, keras_refused, kl_per_dim, same

from vaehelpers.audit import TrainingGuard, audit_keras_vae
from vaehelpers.audit.keras_faults import fault_of_draws
from vaehelpers.audit.keras_model import opened_keras
from vaehelpers.diagnostics import diagnose
from vaehelpers.models import build_mlp

SHAPE, J = (3,), 2
DRAWS = {
    None: lambda m, v, noise: m + ops.exp(0.5 * v) * noise,
    "z is z_mean at every call, its noise is not used": lambda m, v, noise: m,
    "z is the same at every call, its noise is a constant": lambda m, v, e: m + ops.exp(0.5 * v),
    "as if z_log_var were the log standard deviation": lambda m, v, noise: m + ops.exp(v) * noise,
    "as if z_log_var were the standard deviation": lambda m, v, noise: m + v * noise,
    "as wide as the prior, whatever z_log_var says": lambda m, v, noise: m + noise,
}


def networks():
    return build_mlp(SHAPE, hidden=None, latent_dim=J)


class Written(keras.Model):
    """A VAE as people write it: its draw, and a weight that is read, read once or never."""

    def __init__(self, draw=DRAWS[None], beta=1.0, reads=lambda model: 1.0, of=None):
        super().__init__()
        self.encoder, self.decoder = of or networks()
        self.draw = draw
        self.beta = beta
        self.reads = reads
        self.seeds = keras.random.SeedGenerator(0)

    def call(self, x):
        z_mean, z_log_var = self.encoder(x)[:2]
        noise = keras.random.normal(ops.shape(z_mean), seed=self.seeds)
        return self.decoder(self.draw(z_mean, z_log_var, noise)), z_mean, z_log_var

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        logits, m, v = y_pred
        kl = ops.sum(kl_per_dim(m, v), axis=1)
        return ops.mean(ops.sum(ops.softplus(logits) - x * logits, axis=1) + self.reads(self) * kl)


def written(made=Written, **arguments):
    model = made(**arguments)
    model.compile(keras.optimizers.SGD(0.01))
    return model


@pytest.mark.backend
@pytest.mark.parametrize("said", DRAWS)
def test_a_wrong_draw_is_named_and_the_right_one_is_not(said):
    found = audit_keras_vae(written(draw=DRAWS[said]))
    right = said is None
    assert found.beta == pytest.approx(1, rel=1e-3)
    assert [said in fault for fault in found.faults] == [True][right:]
    assert found.trains_elbo == ("That is the ELBO" in str(found)) == right


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("power", [1, 2])
def test_the_spread_of_draws_tells_variance_and_deviation_apart(seed, power):
    rng = np.random.default_rng(seed)
    z_mean, z_log_var = rng.normal(size=[8, J]), rng.uniform(-3, -1, [8, J])
    draws = z_mean + np.exp(0.5 * power * z_log_var) * rng.normal(size=[32, 8, J])
    said = fault_of_draws(z_mean, z_log_var, draws)
    assert said is None if power == 1 else "log standard deviation" in said


LESS_THAN_DRAWS = {  # of the right mean square, but ...
    "hardly moves": lambda noise, low: np.where(low, 1, -1) + 0.01 * noise,
    "off its mean": lambda noise, low: 0.5 + 0.87 * noise,
    "of two kinds": lambda noise, low: np.where(low, 0.3, 1.7) ** 0.5 * noise,
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", LESS_THAN_DRAWS)
def test_what_is_no_draw_of_a_wrong_deviation_is_not_called_one(name, seed):
    rng = np.random.default_rng(seed)
    z_log_var = np.linspace(-3, -1, 16)
    noise = rng.normal(size=[32, 16])
    noise /= np.sqrt(np.mean(noise**2, axis=0))
    low = np.arange(16) % 2 if name == "hardly moves" else np.arange(16) < 8
    offsets = np.exp(z_log_var) * LESS_THAN_DRAWS[name](noise, low)
    assert "log standard" in fault_of_draws(0.0, z_log_var, np.exp(z_log_var) * noise)
    assert fault_of_draws(0.0, z_log_var, offsets) is None


class Drawing(layers.Layer):
    def __init__(self, draw):
        super().__init__()
        self.draw = draw
        self.seeds = keras.random.SeedGenerator(0)

    def call(self, codes):
        return self.draw(*codes, keras.random.normal(ops.shape(codes[0]), seed=self.seeds))


@pytest.mark.parametrize("said", list(DRAWS)[:3])
def test_the_draw_of_an_encoder_that_gives_z_is_seen_too(said):
    encoder, decoder = networks()
    encoder = keras.Model(encoder.input, [*encoder.outputs, Drawing(DRAWS[said])(encoder.outputs)])
    model = written(of=(encoder, decoder))
    model.call = lambda x: (decoder(encoder(x)[2]), *encoder(x)[:2])
    before = model.get_weights()
    assert [said in fault for fault in audit_keras_vae(model).faults] == [True][said is None :]
    same(model.get_weights(), before)


@pytest.mark.parametrize(
    ("beta", "reads", "stored"),
    [
        (4.0, lambda model: 1.0, True),
        (4.0, lambda model: model.beta, False),
        (1.0, lambda model: 1.0, False),  # what it says is what is trained
    ],
)
def test_a_weight_that_nothing_reads_is_named(beta, reads, stored):
    model = written(beta=beta, reads=reads)
    said = "beta is 4, and the loss does not change with it: it is stored and not used"
    assert list(audit_keras_vae(model).faults) == [said] * stored
    assert model.beta == beta


def test_faults_stand_in_the_diagnosis_behind_its_first_sentences_and_in_the_guards_lines(capsys):
    model = written(draw=lambda m, v, noise: m)
    model.fit(BITS, verbose=0, callbacks=[TrainingGuard(BITS)])
    assert "TrainingGuard: z is z_mean at every call" in capsys.readouterr().out
    assert diagnose(model, BITS).findings[2].startswith("At fault: z is z_mean at every call")


def test_a_term_that_is_summed_over_the_batch_alone_is_named_in_the_diagnosis():
    model = written()

    def summed(x=None, y=None, y_pred=None, sample_weight=None, training=True):
        logits, m, v = y_pred
        rate = ops.mean(ops.sum(kl_per_dim(m, v), axis=1))
        return ops.sum(ops.softplus(logits) - x * logits) + rate

    model.compute_loss = summed
    found = diagnose(model, BITS)
    said = "beta depends on the batch size; that above is for batches of 8"
    assert found.beta == pytest.approx(1 / 8, rel=1e-3)
    assert any(said in finding for finding in found.findings)


def with_quantity(name, value, **arguments):
    model = written(**arguments)
    setattr(model, name, value)
    return model


RIGHT = [
    lambda: with_quantity("beta_1", 0.9),  # of Adam
    lambda: with_quantity("beta_max", 4.0),
    lambda: with_quantity("mixup_beta", 0.3),
    # beside an initial 1
    lambda: with_quantity("beta_now", keras.Variable(0.2), reads=lambda model: model.beta_now),
    lambda: with_quantity("beta_norm", 2.0, beta=4.0, reads=lambda model: model.beta_norm),
    # another value is refused
    lambda: written(beta=0.5, reads=lambda model: [0.5, 0.5][int(model.beta)]),
    # a scale before the decoder
    lambda: written(draw=lambda m, v, noise: 0.18215 * DRAWS[None](m, v, noise)),
]


@pytest.mark.parametrize("model", RIGHT)
def test_a_right_model_has_no_fault(model):
    assert audit_keras_vae(model()).faults == ()


def test_a_decoder_that_is_called_again_is_right_where_one_call_is():
    model = written()
    inner = model.call
    model.call = lambda x: (inner(x), model.decoder(model.encoder(x)[0]))[0]
    assert audit_keras_vae(model).faults == ()


class Counting(Written):
    """A plain weight under any name, and a counter that every epoch raises and nothing reads."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.w = 0.0
        self.epochs_seen = 0


def raise_all(model, epoch):
    model.epochs_seen += 1
    model.w = float(epoch)
    if isinstance(model.beta, keras.Variable):
        model.beta.assign(epoch)
    else:
        model.beta = float(epoch)


def frozen_in(model, recwarn, begin, epochs=3):
    """The plain numbers of which a training with a guard warns, where a callback changes some."""
    model.fit(BITS, epochs=epochs, verbose=0, callbacks=[TrainingGuard(), begin])
    return [str(w.message).split()[0] for w in recwarn if "was changed" in str(w.message)]


@pytest.mark.backend
@pytest.mark.filterwarnings("ignore:after epoch")
@pytest.mark.parametrize(
    ("beta", "reads", "named"),
    [
        (1.0, lambda model: model.w, ["w"]),
        (1.0, lambda model: 1.0, []),
        (0.0, lambda model: model.beta, ["beta"]),
        ("variable", lambda model: model.beta, []),
    ],
)
def test_a_number_that_froze_has_any_name_and_one_that_nothing_reads_is_no_news(
    beta, reads, named, recwarn
):
    beta = keras.Variable(0.0, trainable=False) if beta == "variable" else beta
    model = written(Counting, beta=beta, reads=reads)
    begin = keras.callbacks.LambdaCallback(on_epoch_begin=lambda n, logs: raise_all(model, n))
    assert frozen_in(model, recwarn, begin) == named
    assert (model.w, model.epochs_seen) == (2.0, 3)


def test_a_number_that_is_set_before_the_step_is_compiled_is_not_frozen(recwarn):
    model = written(Counting, reads=lambda model: model.w)
    begin = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: setattr(model, "w", 1.0))
    assert frozen_in(model, recwarn, begin, epochs=1) == []


class Weighed(layers.Layer):
    """Hands on what it gets and adds a penalty on a weight of its own: 0.1 times 3 ones squared."""

    def build(self, shape):
        self.w = self.add_weight(shape=(3,), initializer="ones")

    def call(self, x):
        self.add_loss(0.1 * ops.sum(ops.square(self.w)))
        return x


class AddsKL(layers.Layer):
    """Hands on what it gets and adds its square: a term that follows the codes."""

    def call(self, x):
        self.add_loss(ops.mean(ops.sum(ops.square(x), axis=-1)))
        return x


def encoder(layer=None, **regularisers):
    """An encoder whose hidden layer is regularised, or whose mean goes through another layer."""
    x = keras.Input(SHAPE)
    h = layers.Dense(4, name="hidden", **regularisers)(x)
    mean = layers.Dense(J)(h)
    return keras.Model(x, [mean if layer is None else layer(mean), layers.Dense(J)(h)])


class KerasLoss(Written):
    """The same loss, with what layers add to it, or without."""

    adds = True

    def compute_loss(self, *args, **kwargs):
        total = super().compute_loss(*args, **kwargs)
        return total + sum(self.losses) if self.adds else total


def with_penalty(adds=True, **arguments):
    model = written(KerasLoss, of=(encoder(**arguments), networks()[1]))
    model.adds = adds
    return model


@pytest.mark.backend
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"kernel_regularizer": "l2"}, "L2 of hidden/kernel"),
        ({"layer": Weighed(name="own")}, "own"),
    ],
)
def test_a_penalty_on_weights_is_named_with_its_size_and_is_no_part_of_beta(arguments, named):
    model = with_penalty(**arguments)
    model(BITS[:1])
    kernel = model.encoder.get_layer("hidden").kernel
    size = 0.3 if "layer" in arguments else 0.01 * float(ops.sum(ops.square(kernel)))
    found = audit_keras_vae(model)
    said = f"holds {size:.3g} of penalties on weights, as they are ({named})"
    assert found.trains_elbo and found.faults == ()
    assert any(said in note for note in found.notes)


@pytest.mark.backend
@pytest.mark.parametrize(
    "arguments", [{"activity_regularizer": "l2"}, {"layer": AddsKL(name="hidden_too")}]
)
def test_what_a_network_adds_inside_follows_its_input_and_is_at_fault(arguments):
    found = audit_keras_vae(with_penalty(**arguments))
    [fault] = found.faults
    assert not found.trains_elbo
    assert fault.startswith("hidden") and "no part of the ELBO" in fault


@pytest.mark.backend
def test_penalties_that_the_step_leaves_out_are_named_as_that():
    found = audit_keras_vae(with_penalty(adds=False, kernel_regularizer="l2"))
    said = "leaves out what is added by L2 of hidden/kernel: add sum(self.losses)"
    assert found.trains_elbo and any(said in note for note in found.notes)


def test_an_audit_that_fails_says_what_the_networks_add_since_that_may_be_why():
    """The KL is added inside of the encoder, where the audit does not see it."""
    model = with_penalty(layer=AddsKL(name="kl"))
    model.reads = lambda model: 0.0
    said = "there is no KL; kl: add_loss or an activity regulariser adds what follows"
    keras_refused(said, model)


def test_a_model_without_penalties_has_no_such_note():
    notes = " ".join(audit_keras_vae(written()).notes)
    assert "penalties" not in notes and "leaves out" not in notes


def test_what_is_at_fault_takes_few_steps(monkeypatch):
    model = written()
    steps = []
    step = model.train_step
    model.train_step = lambda *data: steps.append(None) or step(*data)
    found = audit_keras_vae(model)
    with opened_keras(model) as opened:
        steps.clear()
        assert opened.faults(found) == ()
    assert len(steps) <= 6  # of a batch that is large enough, one of them to open it
