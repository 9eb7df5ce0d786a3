"""What people call the arguments of a VAE's loss: the role that a name tells, where it tells one."""

import re

DOCUMENTED = ("x", "x_decoded", "z_mean", "z_log_var")
SPREADS = ("z_log_var", "z_log_std", "z_std", "z_var")  # what an encoder may return beside the mean
ROLES = ("x", "x_decoded", "z_mean", *SPREADS, "z")


def _set(text):
    return frozenset(text.split())


DECODED = _set(
    "recon recons rec reco hat xhat decoded pred preds prediction predictions logit logits tilde fake generated out "
    "output outputs decoder dec px prime"
)
TARGET = _set(
    "x xs input inputs target targets true truth original orig data image images img imgs real label labels gt batch "
    "tensors observed obs features groundtruth"
)
MEAN = _set("mu mus mean means loc m")
LOG = _set("log ln")
VARIANCE = _set("var vars variance variances v sigma2 sigmasq sq squared")
DEVIATION = _set("std stds sigma sigmas scale sd stddev stdev dev deviation logs spread")
CODE = _set("z latent latents code codes sample samples")
LISTS = _set("mus means locs vars variances stds sigmas")  # of levels, or one tensor
PRIOR = _set("p prior priors pz")
NETWORK = _set("params model net network rng key state encoder decoder vae optimizer variables apply")
KL = _set("kl kld")  # a KL's weight, or a KL that is computed already
WEIGHT = _set("w weight weights coef coeff factor scale beta lambda ratio")
SETTING = (WEIGHT - {"w", "scale"}) | _set(  # alone, a scale is a deviation
    "alpha gamma lam lambd epoch epochs step steps iter iteration capacity temperature config args hparams reduction "
    "dim dims size device mask anneal annealing opt idx"
)
ABBREVIATED = {"lv": ["log", "var"], "zmean": ["z", "mean"], "zmu": ["z", "mu"]}
TOTALS = ("loss", "total_loss", "total", "loss_total", "objective", "vae_loss", "elbo_loss", "neg_elbo", "nelbo")


def words(name):
    """The words of a name: `zLogVar`, `z_log_var` and `logvar` alike.

    Example:
        >>> words("zLogVar"), words("logvar"), words("recon_x")
        (['z', 'log', 'var'], ['log', 'var'], ['recon', 'x'])
    """
    spelled = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    found = []
    for word in filter(None, spelled.split("_")):
        joined = re.fullmatch(r"(log|ln)(vars?|variances?|stds?|sigma2|sigmas?|scale|sd|v)", word)
        joined = joined or re.fullmatch(
            r"(recon|rec|reconstruct)(?:structed|structions?|structs?|ed|ion|ions|st)?()", word
        )
        found += [part for part in joined.groups() if part] if joined else ABBREVIATED.get(word, [word])
    letters = len(found) == 1 or {"z", "q", "qz"} & set(found)  # m and v, alone or of a code
    return [word for word in found if letters or word not in ("m", "v")]


def spreads_of(name):
    """What a name of an encoder's second output may stand for, the likeliest first; none where it is no such name.

    Only a log variance is called one by everybody: `sigma` is used for a deviation, its logarithm and a log variance.

    Example:
        >>> spreads_of("z_log_var"), spreads_of("std")[0], spreads_of("x")
        (('z_log_var',), 'z_std', ())
    """
    said = set(words(name))
    logarithm = bool(said & LOG)
    if said & VARIANCE and (logarithm or said == {"v"}):
        return ("z_log_var",)  # the course's own short name among them
    if said & VARIANCE:
        return _first("z_var")
    if said & DEVIATION:
        return _first("z_log_var" if "spread" in said else "z_log_std" if logarithm or "logs" in said else "z_std")
    return ()


def _first(spread):
    return (spread, *[other for other in SPREADS if other != spread])


def role_of(name):
    """The role that a name tells: one of `ROLES`, "setting" for a weight, "network" for what calls one, or `None`.

    Example:
        >>> [role_of(name) for name in ("recon_x", "x", "mu", "logvar", "kld_weight", "q")]
        ['x_decoded', 'x', 'z_mean', 'z_log_var', 'setting', None]
    """
    said = set(words(name))
    if said <= NETWORK:
        return "network"
    if said & KL or (said & SETTING and not said & (DECODED | MEAN)):
        return "setting"
    if said & DECODED:
        return "x_decoded"
    if spreads_of(name):
        return spreads_of(name)[0]
    if said & MEAN:
        return "z_mean"
    if said & TARGET:
        return "x"
    return "z" if said & CODE else None
