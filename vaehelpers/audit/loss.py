from vaehelpers.audit.calling.frameworks import FRAMEWORKS
from vaehelpers.audit.calling.oracle import Oracle
from vaehelpers.audit.calling.calls import LAYOUTS
from vaehelpers.audit.calling.targets import device_of
from vaehelpers.audit.calling.failures import NoCall
from vaehelpers.audit.calling.results import SeveralResults
from vaehelpers.audit.probes import probe_at, random_codes, random_images
from vaehelpers.audit.verdict import AuditError
import numpy as np
def open_loss(function, way, sizes, *, framework, arguments, result, latent_shape):
    rng = np.random.default_rng(1)
    probe = probe_at(random_images(sizes, rng), random_codes(sizes, 0.3, rng))
    def one(call):
        failures = []
        cs = [call._replace(flat=flat) for flat in LAYOUTS]
        if sizes.image_shape[-1] > 1:
            cs.append(call._replace(classes=True))
        for c in cs:
            try:
                o = Oracle(c.canonical(function, arguments), framework, probe, ", ".join(map(str, c.roles)), device_of(function))
                o.takes_classes = c.classes; o.way = c; o.at = lambda sizes, o=o: o
                return o
            except NoCall as error:
                error.about = "call"; failures.append(error)
        raise failures[0]
    call = way._replace(result=result, latent_shape=latent_shape)
    try:
        return [[one(call)]]
    except SeveralResults as several:
        *entries, together = several.names
        def tier(names):
            out = []
            for n in names:
                try: out.append(one(call._replace(result=n)))
                except AuditError: pass
            return out
        return [tier(entries), tier([together])]
