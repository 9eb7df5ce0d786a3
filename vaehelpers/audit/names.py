"""What people call the arguments of a VAE's loss: what a name says, and what it lets one hold."""

import re

DOCUMENTED = ("x", "x_decoded", "z_mean", "z_log_var")
SPREADS = ("z_log_var", "z_log_std", "z_std", "z_var")  # what an encoder may return beside the mean
ROLES = ("x", "x_decoded", "z_mean", *SPREADS, "z")
TOTALS: tuple[str, ...] = (
    "loss",
    "total_loss",
    "total",
    "loss_total",
    "objective",
    "vae_loss",
    "elbo_loss",
)
TOTALS += ("neg_elbo", "nelbo")

# What a word says; a word with a star stands for all that begin so, and each for its plural.
VOCABULARY = {
    "decoded": "recon* rekon* reco rec decod* dec pred predict* logit* prob hat tilde prime fake "
    "gen generat* synth*",
    "output": "out output* result ausgabe*",
    "target": "target* true truth groundtruth gt real label original* orig obs observ* ziel*",
    "image": "x xs data daten image* img bild* input* inp in eingabe* batch train* tensor feature*",
    "either": "y",
    "mean": "mu mean loc m mittel* μ",
    "log": "log ln",
    "variance": "var varian*",
    "deviation": "std stddev stdev sd sigma scale dev deviation spread s σ",
    "squared": "sq sqr square squared 2",
    "spread": "v",
    "code": "z latent* code",
    "encoded": "q enc encod* posterior inference",
    "draw": "sample* sampl*",
    "p": "p",
    "prior": "prior*",
    "kl": "kl kld",
    "weight": "w weight* coef coeff factor beta lambda lam lambd alpha gamma ratio gewicht β λ",
    "setting": "epoch step iter iteration capacity temperature config args hparams reduction dim "
    "size device mask anneal* opt idx",
}
SAYS = {word: said for said, words in VOCABULARY.items() for word in words.split()}
STEMS = tuple(word[:-1] for word in SAYS if word.endswith("*"))
SHORT = {"lv": ["log", "var"], "lvar": ["log", "var"], "logs": ["log", "std"]}
LETTERS = {"m", "v", "s"}  # they say something alone, or beside what is of a code or a logarithm
NETWORK = "params model net network rng key state encoder decoder vae optimizer variables apply"

# What an argument may hold, by what its name says: the first row counts of which all is said. The
# ranks: 0 where the name tells that, 1 where it leaves it open, 2 or 3 where it says nothing, and
# `AGAINST` where it tells something else, which counts only where two names tell the same. "codes"
# are mean and spread in one argument, "outputs" all that a model returns.
AGAINST = 9
ANYTHING = dict.fromkeys((*DOCUMENTED, "codes", "outputs"), 2) | {"x": 3}
SETTING = dict.fromkeys(DOCUMENTED[1:], AGAINST)
IMAGE = {"x": 0, "x_decoded": 1, "outputs": 1}
DECODED = {"x_decoded": 0, "outputs": 0, "x": AGAINST}
ROWS: tuple[tuple[str, dict], ...] = (
    ("kl", {}),
    ("weight", SETTING),
    ("setting", SETTING),
    ("prior", {}),
    ("p image mean", {"x_decoded": 0, "z_mean": AGAINST}),
    ("p image spread", {"z_log_var": AGAINST}),
    ("p image", DECODED),
    ("p code", {}),
    ("mean spread", {"codes": 0, "z_mean": 1, "z_log_var": 1}),
    ("of_code mean", {"z_mean": 0, "z_log_var": AGAINST, "codes": AGAINST}),
    ("of_code spread", {"z_log_var": 0, "z_mean": AGAINST, "codes": AGAINST}),
    ("of_image mean", {"x_decoded": 0, "x": AGAINST, "z_mean": AGAINST}),
    ("of_image spread", {"z_log_var": AGAINST}),
    ("mean", {"z_mean": 0, "z_log_var": AGAINST, "x_decoded": AGAINST, "codes": AGAINST}),
    ("spread", {"z_log_var": 0, "z_mean": AGAINST, "codes": AGAINST}),
    ("code decoded", {"z": 0, "x_decoded": 1}),
    ("decoded", DECODED),
    ("of_code output", {"codes": 0, "outputs": 1}),
    ("output", DECODED),
    ("target", {"x": 0, "x_decoded": AGAINST, "outputs": AGAINST}),
    ("code", {"z": 0, "codes": 1, "z_mean": 1, "z_log_var": 1, "outputs": 1}),
    ("image more", IMAGE | {"x": 1}),  # x_, x2, x_sample: the other names tell which
    ("image", IMAGE),
    ("either", IMAGE | {"x": 1}),
    ("draw", {"z": 0, "x": 1, "x_decoded": 1}),
    ("encoded", ANYTHING | {"codes": 0}),
    ("", ANYTHING),
)
ALSO = {
    "of_code": {"code", "encoded"},
    "of_image": {"image", "target", "decoded", "output", "p"},
    "spread": {"variance", "deviation"},
    "more": {None, "draw", "squared"},
}


def words(name):
    """The words of a name: `zLogVar`, `z_log_var` and `zlogvar` alike.

    Example:
        >>> words("zLogVar"), words("logvar"), words("recon_x"), words("x_")
        (['z', 'log', 'var'], ['log', 'var'], ['recon', 'x'], ['x', '_'])
    """
    spelled = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return [part for token in re.findall(r"[^\W\d_]+|\d+|_$", spelled) for part in _parts(token)]


def _parts(token):
    if token in SHORT or _meaning(token) or len(token) == 1:
        return SHORT.get(token, [token])
    for cut in range(len(token) - 1, 0, -1):
        head = token[:cut]
        rest = _parts(token[cut:])
        if _meaning(head) and head not in LETTERS and all(map(_meaning, rest)):
            return [head, *rest]
    return ["x", token[1:]] if token[0] == "x" else [token]


def _meaning(word):
    stem = next((stem for stem in STEMS if word.startswith(stem)), None)
    return SAYS.get(word) or SAYS.get(word.removesuffix("s")) or SAYS.get(f"{stem}*")


def says(name):
    """What a name says, keys of `VOCABULARY` and of `ALSO`; `None` for a word that says nothing.

    Example:
        >>> sorted(says("z_std"))
        ['code', 'deviation', 'of_code', 'spread']
    """
    found = {word: _meaning(word) for word in words(name)}
    telling = len(found) == 1 or {"log", "code", "encoded", "p"} & set(found.values())
    said = {None if word in LETTERS and not telling else meaning for word, meaning in found.items()}
    return said | {further for further, any_of in ALSO.items() if said & any_of}


def may_hold(name):
    """What an argument of that name may hold, with the rank of each.

    Example:
        >>> may_hold("sample"), may_hold("recon_sample")
        ({'z': 0, 'x': 1, 'x_decoded': 1}, {'x_decoded': 0, 'outputs': 0, 'x': 9})
    """
    said = says(name)
    return next(ranks for needed, ranks in ROWS if said.issuperset(needed.split()))


def spreads_of(name):
    """What a name of a spread may stand for, the likeliest first; none where it names no spread.

    Only a log variance is called one by everybody: `sigma` is used for a deviation, its logarithm
    and a log variance.

    Example:
        >>> spreads_of("z_log_var"), spreads_of("std")[0], spreads_of("x")
        (('z_log_var',), 'z_std', ())
    """
    said = says(name)
    if "spread" not in said:
        return ()
    log = "log" in said or not said & {"variance", "deviation"}  # v is the course's own short name
    deviation = "deviation" in said and "squared" not in said
    first = f"z_{'log_' if log else ''}{'std' if deviation else 'var'}"
    if first != "z_log_var":
        return (first, *[other for other in SPREADS if other != first])
    return (first,) if "log" in said else (first, "z_var")


def role_of(name):
    """The role that a name tells: of `ROLES`, "setting", "network" for what calls one, or `None`.

    Example:
        >>> [role_of(name) for name in ("recon_x", "x", "mu", "logvar", "kld_weight", "q")]
        ['x_decoded', 'x', 'z_mean', 'z_log_var', 'setting', None]
    """
    if words(name) and set(words(name)) <= set(NETWORK.split()):
        return "network"
    if says(name) & {"kl", "weight", "setting"}:
        return "setting"
    told = [kind for kind, rank in may_hold(name).items() if rank == 0 and kind in ROLES]
    return spreads_of(name)[0] if told == ["z_log_var"] else next(iter(told), None)


def holds_lists(name):
    """Whether a name of codes stands in the plural, as of levels: `mus`, `logvars`."""
    plural = [word[:-1] for word in words(name) if word.endswith("s")]
    return any(_meaning(word) in ("mean", "variance", "deviation") for word in plural if word)
