"""What names of arguments tell: a right loss is read right, whatever its arguments are called."""

import numpy as np
import pytest
from audit_losses import SMALL, cross_entropy, kl_per_dim, refused, trains
from test_calls import NAMES, TO_LOG_VARIANCE

from vaehelpers.audit import AuditError
from vaehelpers.audit.names import DOCUMENTED, role_of, spreads_of, words
from vaehelpers.audit.ways import ways_of


def elbo(x, decoded, mean, spread, beta=3.0, z=None, *, kind="log_var"):
    """An exact ELBO whose images and codes cannot be exchanged, at beta 3."""
    assert z is None or z.shape == mean.shape
    kl = kl_per_dim(mean, TO_LOG_VARIANCE[f"z_{kind}"](spread)).sum(1)
    return (cross_entropy(x, decoded).sum((1, 2, 3)) + beta * kl).mean()


def loss_of(signature, given, kind="log_var"):
    """The same under a signature, whose arguments are `elbo`'s as listed in `given`."""
    scope = {"elbo": elbo, "kind": kind, "np": np}
    exec(f"def loss({signature}):\n    return elbo({given}, kind=kind)", scope)
    return scope["loss"]


def in_roles(names, roles):
    """`elbo`'s arguments by their names, the roles letter by letter: x, decoded, mean, variance."""
    long = {"x": "x", "d": "decoded", "m": "mean", "v": "spread"}
    return ", ".join(f"{long[role]}={name}" for name, role in zip(names, roles, strict=True))


# Names and what they hold, in the order of the arguments, beside those of `test_random_names`.
SIGNATURES = """
recon sample mu logvar | dxmv
reconstruction samples mean log_var | dxmv
x_ x mu logvar | xdmv
x x_ mu logvar | dxmv
x x_mean z_mean z_log_var | xdmv
x x_mu z_mu z_logvar | xdmv
x x_loc z_loc z_logvar | xdmv
mean_x x mean_z logvar_z | dxmv
x mean_x mean_z logvar_z | xdmv
x mean z_mean z_log_var | xdmv
mu x z_mu z_logvar | dxmv
x mu mean logvar | xdmv
x mu mean logvar | xmdv
x p_mu q_mu q_logvar | xdmv
x_m x z_m z_lv | dxmv
x_sample x z_mean z_log_var | dxmv
x x_sample z_mean z_log_var | dxmv
samples images mu logvar | dxmv
images samples mu logvar | dxmv
xr x mu lv | dxmv
x xr mu lv | xdmv
gen_x real_x mu logvar | dxmv
data recon_data q_mean q_log_var | xdmv
x_true x_pred mu logvar | xdmv
x_in x_out mu logvar | xdmv
output target mean log_variance | dxmv
x1 x2 mu logvar | dxmv
decoded encoded_mean encoded_log_var x | dmvx
px x qz_mean qz_logvar | dxmv
x x_theta mu logvar | xdmv
xTrue xPred zMean zLogVar | xdmv
reconX origX encMean encLogVar | dxmv
xhat xorig zmu zlogvar | dxmv
xrec xin muz logvarz | dxmv
eingabe ausgabe mittelwert logvar | xdmv
rekonstruktion original mittelwert log_varianz | dxmv
entree sortie moyenne logvar | dxmv
sortie entree moyenne logvar | dxmv
gt fake mu logvar | xdmv
ground_truth prediction latent_mean latent_logvar | xdmv
model_output x mu logvar | dxmv
decoder_mean x encoder_mean encoder_logvar | dxmv
dec_out enc_in enc_mu enc_logvar | dxmv
mean logvar recon x | mvdx
x_mean x_logvar x x_hat | mvxd
z z_logvar x_hat x | mvdx
x x_hat latent latent_logvar | xdmv
img img_recon mu_q logvar_q | xdmv
μ logσ2 x x_hat | mvxd
inputs x mu logvar | dxmv
data batch mu logvar | dxmv
a b mu logvar | dxmv
foo x mu bar | dxmv
y foo mu logvar | dxmv
y foo mu logvar | xdmv
out1 out2 mu1 mu2 | dxmv
params x mu logvar | dxmv
decoder x encoder_mean encoder_logvar | dxmv
target_mean pred_mean mu logvar | xdmv
x px_z qz_x_mean qz_x_logvar | xdmv
recon x var_mu var_logvar | dxmv
x z_hat mu logvar | xdmv
label_map logits m s | xdmv
x xp zm zv | xdmv
target_img target_recon z1 z2 | xdmv
x_hat x a b | dxvm
"""
CASES = [line.split(" | ") for line in SIGNATURES.strip().splitlines()]


@pytest.mark.parametrize(("names", "roles"), CASES, ids=[f"{n}: {r}" for n, r in CASES])
def test_a_right_loss_is_read_right(names, roles):
    signature = names.split()
    for form in (", ".join(signature), "*, " + ", ".join(signature)):
        trains(3, loss_of(form, in_roles(signature, roles)), **SMALL)


FORMS = {  # by what the spread is: spreads, draws, defaults, several in one argument
    "std": [
        ("sample, target, mu, sigma", "target, sample, mu, sigma"),
        ("y, y_hat, m, s", "y, y_hat, m, s"),
        ("x1, x2, loc, scale", "x2, x1, loc, scale"),
        ("x, x_hat, mus, sigmas", "x, x_hat, mus, sigmas"),
        ("bild, bilder, mittel, streuung", "bilder, bild, mittel, streuung"),
        ("outputs, x", "x, outputs[0], *outputs[1:]"),
        ("results", "results[1], results[0], *results[2:]"),
        ("x, x_mean, posterior, z", "x, x_mean, *posterior, z=z"),
    ],
    "log_var": [
        ("sample, target, mu, sigma", "target, sample, mu, sigma"),
        ("x_rec, x_orig, z_mu, z_var", "x_orig, x_rec, z_mu, z_var"),
        ("x, recon, z, mu, logvar", "x, recon, mu, logvar, z=z"),
        ("recon, sample, mu, logvar, z", "sample, recon, mu, logvar, z=z"),
        ("x, x_, mu, logvar, z_sample", "x, x_, mu, logvar, z=z_sample"),
        ("recon, image, sample, z_mean, z_logvar", "image, recon, z_mean, z_logvar, z=sample"),
        ("x, x_mean, z, z_mean, z_log_var", "x, x_mean, z_mean, z_log_var, z=z"),
        ("recon, x, z_latent, mu, logvar, beta=3.0", "x, recon, mu, logvar, beta, z_latent"),
        ("recon, sample, mu, logvar, beta=3.0, mask=None", "sample, recon, mu, logvar, beta"),
        ("x_, x, mu, logvar, kld_weight=3.0", "x, x_, mu, logvar, kld_weight"),
        ("recon, x, mu=None, logvar=None, beta=3.0", "x, recon, mu, logvar, beta"),
        ("x, x_hat, z_mean=None, z_log_var=None, sigma=1.0", "x, x_hat, z_mean, z_log_var"),
        ("x, x_hat, loc, scale, z=None, label=None", "x, x_hat, loc, 2 * np.log(scale)"),
        ("forward_pass", "*forward_pass"),
        ("y, y_", "y, *y_"),
        ("y, y_", "y_, *y"),
        ("recon, sample, dist", "sample, recon, dist['mu'], dist['logvar']"),
        ("x, x_mean, encoder_outputs", "x, x_mean, *encoder_outputs"),
        ("x, recon, params", "x, recon, *params"),
        ("samples, recon, moments", "samples, recon, *np.split(moments, 2, axis=1)"),
        ("results, target", "target, results[0], *results[2:]"),
    ],
    "log_std": [
        ("inp, out, mu, log_sigma", "inp, out, mu, log_sigma"),
        ("x_, x, z", "x, x_, *z"),
    ],
    "var": [
        ("x_rec, x_orig, z_mu, z_var", "x_orig, x_rec, z_mu, z_var"),
        ("x, x_, mean, variance", "x_, x, mean, variance"),
        ("x, p, m, v", "x, p, m, v"),
        ("x, x_hat, z_mu, sigma_squared", "x, x_hat, z_mu, sigma_squared"),
        ("batch, out", "batch, *out"),
    ],
}
ROWS = [(kind, *row) for kind, rows in FORMS.items() for row in rows]


@pytest.mark.parametrize(("kind", "signature", "given"), ROWS)
def test_forms(kind, signature, given):
    trains(3, loss_of(signature, given, kind), **SMALL)


@pytest.mark.parametrize(
    ("signature", "given"),
    [
        ("recon, sample, mu, logvar, beta", "sample, recon, mu, logvar, beta"),
        ("x_, x, beta, mu, logvar", "x, x_, mu, logvar, beta"),
        ("x, x_mean, z_mean, z_log_var, *, kl_weight", "x, x_mean, z_mean, z_log_var, kl_weight"),
        ("x, recon, posterior, lam", "x, recon, *posterior, lam"),
        ("outputs, x, recon_weight", "x, *outputs, recon_weight"),
        ("recon, x, mu, logvar, n_total", "x, recon, mu, logvar, n_total"),
    ],
)
def test_a_weight_is_asked_for_by_its_name(signature, given):
    weight = signature.replace("*, ", "").split(", ")[2 if "beta, mu" in signature else -1]
    refused(
        f"the loss wants '{weight}' as well: .*--with {weight}=1",
        loss_of(signature, given),
        **SMALL,
    )
    trains(4, loss_of(signature, given), arguments={weight: 4}, **SMALL)


# Names that do tell, of losses that give the arguments otherwise: what is swapped in them.
SWAPPED = """
x_hat x mu logvar | xdmv | x and x_decoded are swapped
recon_sample sample mu logvar | xdmv | x and x_decoded are swapped
recon sample mu logvar | xdmv | x and x_decoded are swapped
target x mu logvar | dxmv | x and x_decoded are swapped
gt fake mu logvar | dxmv | x and x_decoded are swapped
x x_mean z_mean z_log_var | dxmv | x and x_decoded are swapped
mu_x x mu_z logvar_z | xdmv | x and x_decoded are swapped
y y_pred m v | dxmv | x and x_decoded are swapped
real_x gen_x mu logvar | dxmv | x and x_decoded are swapped
x x_hat mu logvar | xdvm | z_mean and z_log_var are swapped
recon foo mu bar | dxvm | z_mean and z_log_var are swapped
x x_mean z_mean z_log_var | xdvm | z_mean and z_log_var are swapped
"""


@pytest.mark.parametrize("case", SWAPPED.strip().splitlines())
def test_names_that_tell_decide(case):
    names, roles, said = case.split(" | ")
    signature = names.split()
    refused(said, loss_of(", ".join(signature), in_roles(signature, roles)), **SMALL)


@pytest.mark.parametrize(
    "names", ["x y", "x_ x", "x0 x1", "x1 x0", "inputs x", "foo bar", "sortie entree"]
)
def test_a_fault_of_the_kl_is_named_in_whichever_order_the_images_stand(names):
    """Where both orders are tried, the wrong one's error, swapped images, is no answer."""
    signature = ", ".join([*names.split(), "mu", "logvar"])
    for x, decoded in (names.split(), names.split()[::-1]):
        loss = loss_of(signature, f"{x}, {decoded}, mu, logvar, beta=-1.0")
        refused("the KL enters with the wrong sign", loss, **SMALL)


TARGETS = "x x_true target targets sample image inputs original data batch"
OUTPUTS = ["x_", "x_hat", "recon", "reconX", "x_mean", "mu_x", "output", "decoded", "samples"]
CODES = ["mu logvar", "z_mean z_log_var", "zMean zLogVar", "mean std", "loc scale", "m v"]
ORDERS = (
    DOCUMENTED,
    DOCUMENTED[::-1],
    (*DOCUMENTED[1:], "x"),
    ("x_decoded", *DOCUMENTED[::2], "z_log_var"),
)


@pytest.mark.parametrize("codes", [*CODES, "q_mu q_sigma"])
@pytest.mark.parametrize("output", [*OUTPUTS, "y_pred"])
def test_every_pair_of_images_is_among_the_ways(output, codes):
    for target in TARGETS.split():
        named = dict(zip(DOCUMENTED, [target, output, *codes.split()], strict=True))
        for order in ORDERS:
            loss = loss_of(", ".join(named[role] for role in order), "0, 0, 0, 0")
            ways = [way.positional for group in ways_of(loss, {}, None) for way in group]
            spread = [way for way in ways if set(way) == set(DOCUMENTED)]
            assert order in spread and len(spread) <= 2


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        ("recon_x, x, q_mu, q_logvar, p_mu, p_logvar", "q_mu, q_logvar, p_mu, .*: a learned prior"),
        ("x_, x, mu, logvar, prior", "a learned prior"),
        ("x, mu_x, logvar_x, mu_z, logvar_z", "mu_x, logvar_x, .*a learned decoder variance"),
        ("x_, x, mu1, logvar1, mu2, logvar2", "two levels of codes"),
        ("recon_x, x, sigmas, mu, logvar", "it takes sigmas, mu, logvar"),
        ("q_mu, q_logvar, p_mu, p_logvar", "a learned prior"),
        ("recon, sample, kl", r"a KL that is computed already \(kl\)"),
        ("reconstruction_loss, kld", r"a KL that is computed already \(kld\)"),
        ("encoder, decoder, x", r"it wants encoder, decoder\)"),
        ("x_, x, mu, logvar, model", "the loss wants 'model' as well"),
        ("x_, x, mu, logvar, foo, bar", "the loss wants 'foo' and 'bar' as well"),
        ("recon, sample, mu, logvar, beta, epoch", "the loss wants 'beta' and 'epoch' as well"),
        ("recon, sample, beta", "the loss wants 'beta' as well"),
        ("", "which of its arguments"),
        ("x, z, z_mu, logvar", r"which of its arguments \(x, z, z_mu, logvar\) holds"),
        ("c, x, y, mu, logvar", "the loss wants 'c' as well"),
        ("params, x", r"it wants params\)"),
        ("recon, x, kl_scale, kl_step, posterior", "loss wants 'kl_scale' and 'kl_step' as well"),
    ],
)
def test_what_is_not_understood_is_named(signature, said):
    with pytest.raises(AuditError, match=said):
        ways_of(loss_of(signature, "0, 0, 0, 0"), {}, None)


def test_names_before_a_star_are_names():
    loss = loss_of("recon, sample, mu, logvar, *rest, **options", "sample, recon, mu, logvar")
    trains(3, loss, **SMALL)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("zlogvar", "z log var"),
        ("muz", "mu z"),
        ("xrecon", "x recon"),
        ("xr", "x r"),
        ("x0", "x 0"),
        ("mask", "mask"),
        ("KLWeight", "kl weight"),
    ],
)
def test_words(name, found):
    assert words(name) == found.split()


PAIRS = """
x recon_x;x xrec;x x_hat;x x_;x x1;x x_tilde;x x_bar;x p_x;x x_mean;x mu_x;x logits;x y;x p;x theta
x lam;x gen;x decoder_output;x model_out;x probs;x dec_mu;x x_prime;input output;inputs x
inputs reconstruction;imgs outs;img img_rec;data recon_data;batch recon_batch;batch x;target x
target input;label logits;y y_hat;y x;gt pred;original reconstructed;x_orig x_rec;x_real x_fake
real gen;x_target x;sample recon_sample;target sample;x samples;image sample;x0 x1;x1 x0;foo bar
obs pred;clean denoised;bild rekonstruktion;inputImage outputImage;X X_hat;xi xo;state state_pred
frame frame_hat;observation reconstruction;pixels pixel_probs;true pred;features recon_features
"""
MOMENTS = """
mu logvar;mean log_var;z_mean z_logvar;mu_z logvar_z;q_mu q_logvar;enc_mu enc_logvar;m v
muz logvarz;zMean zLogVar;mu lv;means logvars;latent_mu latent_logvar;qz_mean qz_logvar;mu1 logvar1
vae_mu vae_logvar;mu log_sigma_sq;mu_x_z logvar_x_z;mittelwert log_varianz;z_m z_v
post_mean post_logvar;mean_batch logvar_batch;mu sigma;mu std
"""
FURTHER = ["", "", "z", "z_sample", "latents", "beta", "kld_weight=3.0", "kl_coef", "*"]


@pytest.mark.parametrize("seed", range(80))
def test_random_names(seed):
    """Names of images and codes not chosen for one another, in any order, and a draw or weight."""
    rng = np.random.default_rng(seed)
    pairs = PAIRS.strip().replace("\n", ";").split(";")
    moments = MOMENTS.strip().replace("\n", ";").split(";")
    names = [*pairs[seed % len(pairs)].split(), *moments[seed % len(moments)].split()]
    given = dict(zip(("x", "decoded", "mean", "spread"), names, strict=True))
    signature = [str(name) for name in rng.permutation(names)]
    further = str(rng.choice(FURTHER))
    weight = further.split("=")[0] if further.startswith("k") or further == "beta" else None
    if weight:
        given["beta"] = weight
    elif further not in ("", "*"):
        given["z"] = further
    place = len(signature) if "=" in further else rng.integers(len(signature))
    signature[place:place] = [further] if further else []
    passed = ", ".join(f"{role}={name}" for role, name in given.items())
    loss = loss_of(", ".join(signature), passed)
    arguments = {weight: 3.0} if weight and "=" not in further else None
    trains(3, loss, arguments=arguments, **SMALL)


@pytest.mark.parametrize("role", list(NAMES))
def test_names_tell_roles(role):
    for name in NAMES[role]:
        assert role in (spreads_of(name) or (role_of(name),)), name


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("zLogVar", "z_log_var"),
        ("x_decoded_mean", "x_decoded"),
        ("reconstructed_x", "x_decoded"),
        ("log_sigma2", "z_log_var"),
        ("kl_scale", "setting"),
        ("scale", "z_std"),
        ("epoch", "setting"),
        ("z", "z"),
    ],
)
def test_more_names(name, role):
    assert role_of(name) == role
