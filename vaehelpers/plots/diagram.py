"""The picture of a VAE: where each term of the loss is measured, drawn as SVG."""

from vaehelpers.plots.style import INK, MEANING, QUIET

RATE = MEANING["rate"]
DISTORTION = MEANING["distortion"]
PRIOR = "#1D6E9E"  # the prior's blue, dark enough for words
FAINT = 0.28  # of a part that is not lit

PARTS = {
    "path": f"""<g fill="none" stroke="{QUIET}" stroke-width="2" marker-end="url(#to)">
<path d="M110 96H156"/><path d="M290 78H346"/><path d="M290 114H346"/><path d="M452 96H508"/>
<path d="M562 96H620"/><path d="M756 96H806"/></g>""",
    "images": f"""<rect x="22" y="53" width="86" height="86" rx="6" fill="#fff" stroke="{QUIET}"/>
<path d="M48 76Q65 62 78 76Q86 92 62 95Q90 98 81 116Q66 132 46 117" fill="none" stroke="#111"
 stroke-width="8" stroke-linecap="round"/>
<rect x="812" y="53" width="86" height="86" rx="6" fill="#fff" stroke="{QUIET}"/>
<g fill="none" stroke="#111" stroke-linecap="round">
<path d="M838 76Q855 62 868 76Q876 92 852 95Q880 98 871 116Q856 132 836 117" stroke-width="20"
 stroke-opacity=".18"/>
<path d="M838 76Q855 62 868 76Q876 92 852 95Q880 98 871 116Q856 132 836 117" stroke-width="13"
 stroke-opacity=".3"/>
<path d="M838 76Q855 62 868 76Q876 92 852 95Q880 98 871 116Q856 132 836 117" stroke-width="6"
 stroke-opacity=".45"/></g>
<text x="65" y="38" fill="{QUIET}">image x</text>
<text x="855" y="38" fill="{QUIET}">what comes back</text>""",
    "encoder": """<path d="M162 36L288 64V128L162 156Z" fill="#e9eef5" stroke="#9db2cc"/>
<text x="225" y="101">encoder</text>""",
    "code": """<text x="400" y="83">mean</text><text x="400" y="119">log variance</text>""",
    "draw": f"""<circle cx="535" cy="96" r="24" fill="#fff" stroke="{RATE}" stroke-width="2"/>
<text x="535" y="102" font-style="italic" font-size="19" fill="{RATE}">z</text>
<path d="M535 46V66" stroke="{QUIET}" stroke-width="1.5" marker-end="url(#to)"/>
<text x="535" y="38" fill="{QUIET}">a draw: mean + deviation \u00d7 noise</text>""",
    "decoder": """<path d="M626 64L752 36V156L626 128Z" fill="#e9eef5" stroke="#9db2cc"/>
<text x="689" y="101">decoder</text>""",
    "rate": f"""<g stroke="{RATE}" stroke-width="2" fill="none">
<path d="M346 132V150H454V132"/><path d="M400 150V196"/></g>
<g fill="{RATE}"><text x="400" y="216" font-weight="bold">rate</text>
<text x="400" y="236">how far the code's distribution</text>
<text x="400" y="254">is from the prior: sum over latents</text></g>""",
    "distortion": f"""<g stroke="{DISTORTION}" stroke-width="2" fill="none">
<path d="M65 145V172H394M406 172H855V145"/><path d="M700 172V196"/></g>
<g fill="{DISTORTION}"><text x="700" y="216" font-weight="bold">distortion</text>
<text x="700" y="236">how badly the image comes back:</text>
<text x="700" y="254">sum over pixels</text></g>""",
    "loss": f"""<text x="460" y="296" font-size="18">loss = mean over images of (
<tspan fill="{DISTORTION}" font-weight="bold">distortion</tspan> +
<tspan fill="{RATE}" font-weight="bold">rate</tspan> )</text>""",
    "weights": f"""<text x="460" y="296" font-size="18">loss = mean over images of ( a \u00b7
<tspan fill="{DISTORTION}" font-weight="bold">distortion</tspan> + b \u00b7
<tspan fill="{RATE}" font-weight="bold">rate</tspan> )</text>""",
    "names": f"""<g font-style="italic" font-size="17">
<text x="225" y="24" fill="{RATE}">q(z|x)</text>
<text x="689" y="24" fill="{DISTORTION}">p(x|z)</text></g>
<g fill="{PRIOR}"><text x="130" y="216">prior <tspan font-style="italic">p(z)</tspan>:</text>
<text x="130" y="236">the codes before</text><text x="130" y="254">any image is seen</text></g>""",
    "knobs": f"""<g font-weight="bold">
<text x="225" y="20" fill="{RATE}">a: how loudly it speaks</text>
<text x="705" y="20" fill="{DISTORTION}">b: how strongly it listens</text></g>""",
}
EVERYTHING = ("path", "images", "encoder", "code", "draw", "decoder", "rate", "distortion", "loss")
LIT = {
    "all": EVERYTHING,
    "distortion": ("images", "distortion"),
    "rate": ("code", "rate"),
    "q and p": ("encoder", "decoder", "code", "draw", "names"),
    "draw": ("path", "code", "draw"),
    "weights": ("rate", "distortion", "weights"),
    "knobs": ("encoder", "decoder", "code", "draw", "knobs"),
}
SAID = {
    "all": "and where each term of its loss is measured",
    "distortion": "with the distortion lit: the image against what comes back",
    "rate": "with the rate lit: the code's distribution against the prior",
    "q and p": "with the names q(z|x), p(z) and p(x|z) at the parts that give them",
    "draw": "with the draw of the code lit: mean + deviation \u00d7 noise",
    "weights": "with the two terms of the loss and their weights a and b lit",
    "knobs": "with two knobs lit: how loudly the encoder speaks, how strongly the decoder listens",
}
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 936 318" width="780" role="img" '
    f'aria-label="{{said}}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="14" '
    f'fill="{INK}" text-anchor="middle"><title>{{said}}</title>'
    '<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    f'orient="auto"><path d="M0 0L8 4L0 8z" fill="{QUIET}"/></marker></defs>'
    '<rect width="936" height="318" rx="10" fill="#fff"/>'
)


class Diagram:
    """A picture that a notebook shows as SVG, and says in a sentence elsewhere."""

    def __init__(self, said: str, svg: str):
        self.said = said
        self.svg = svg

    def __repr__(self):
        return self.said

    def _repr_svg_(self):
        return self.svg


def vae_diagram(lit: str = "all") -> Diagram:
    """Draw a VAE, image to image, with one part lit and the others faint.

    Args:
        lit: "all", "distortion", "rate", "q and p" (whose densities they are), "draw" (the code
            is a mean plus noise), "weights" (a and b before the terms) or "knobs"
            (of a small code).

    Returns:
        A picture that a notebook shows; its `svg` is the text of a file.

    Raises:
        ValueError: for a part that is not one of these.

    Example:
        >>> vae_diagram("draw")
        A VAE, with the draw of the code lit: mean + deviation × noise
    """
    if lit not in LIT:
        raise ValueError(f"lit is {lit!r}: pass one of {', '.join(map(repr, LIT))}")
    shown = dict.fromkeys([*EVERYTHING, *LIT[lit]])
    if "weights" in shown:
        del shown["loss"]  # it stands in the same place
    said = f"A VAE, {SAID[lit]}"
    groups = [
        f'<g opacity="{1 if part in LIT[lit] else FAINT}">{PARTS[part]}</g>' for part in shown
    ]
    return Diagram(said, "\n".join([HEAD.format(said=said), *groups, "</svg>"]))
