"""What a script or a notebook that is only read refuses, and what it passes over."""

import pytest
from scripts_as_read import as_notebook, as_script, loss_of

from vaehelpers.command.source import TargetError

BETA = "\ndef loss():\n    return float(beta)\n"
WEIGHT = "\ndef loss():\n    return float(config['w'])\n"
SENSIBLE = {  # scripts that train, and touch nothing that the loss needs; all of them train beta 4
    "compiled steps": """
import tensorflow_not_here as tf
cfg = {"beta": 1.0, "rate": 1e-3}
cfg.update(beta=4.0)
optimizer = tf.keras.optimizers.Adam(cfg["rate"])
data = loader.load(cfg["rate"])
def loss():
    return cfg["beta"]
@tf.function
def train_step(x):
    with tf.GradientTape() as tape:
        value = loss() + describe(cfg)
    optimizer.apply_gradients(tape.gradient(value, model.weights))
for x in data:
    train_epochs(x)
figure.savefig("x.png")
""",
    "a function with its weight": """
from functools import partial
def weighted(beta):
    return beta
loss = partial(weighted, beta=4.0)
for x in loader:
    value = loss() + weighted(2)
    value.backward()
""",
    "arguments, a library's functions, a loop": """
import argparse
import json as torch
from json import decoder as nn
parser = argparse.ArgumentParser()
parser.add_argument("--beta", type=float, default=4.0)
parser.add_argument("--epochs", type=int, default=2)
args = parser.parse_args()
def loss():
    torch.dumps([])
    return args.beta
model = network()
optimizer = nn.JSONDecoder(model.parameters())
def train(epoch):
    value = loss()
    value.backward()
    optimizer.step()
for epoch in range(1, args.epochs + 1):
    train(epoch)
torch.dump(model.state_dict(), "model.pt")
""",
    "a class that needs its sizes": """
sizes = [3, 4]
class VAE:
    def __init__(self):
        self.layers = [size for size in sizes]
    def loss(self):
        return len(sizes) * 2.0
def loss():
    return VAE().loss()
vae = VAE()
vae.compile("adam")
vae.fit(x)
""",
    "callbacks": """
import keras_not_here as keras
beta = 4.0
class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.best = logs["loss"]
def schedule(epoch):
    return 1e-3 * 0.9**epoch
def loss():
    return beta
model = build(3)
model.compile("adam", loss=loss)
history = model.fit(x, callbacks=[Stop(), keras.callbacks.LearningRateScheduler(schedule)])
print(history.history["loss"][-1], beta)
""",
    "train_args": """
import argparse, numpy as np, os, sys
import no_such_torch as torch
parser = argparse.ArgumentParser(description='VAE')
parser.add_argument('--batch-size', type=int, default=128)
parser.add_argument('--beta', type=float, default=4.0)
parser.add_argument('--epochs', type=int, default=10)
args = parser.parse_args()
args.cuda = not False
torch.manual_seed(1)
device = torch.device("cuda")
train_loader = torch.utils.data.DataLoader('x', batch_size=args.batch_size)
class VAE(torch.nn.Module):
    def __init__(self):
        self.fc = 1
model = VAE().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
def loss():
    return float(args.beta)
def train(epoch):
    model.train()
    for batch in train_loader:
        optimizer.zero_grad()
        l = loss() * args.beta
        l.backward()
        optimizer.step()
        if args.batch_size % 10 == 0:
            print(args.epochs, l.item())
for epoch in range(1, args.epochs + 1):
    train(epoch)
torch.save(model.state_dict(), 'x.pt')
""",
    "main_guard": """
import numpy as np
beta = 4.0
def loss(): return beta
def main():
    data = np.load('x')
    for k in range(3): train(data)
if __name__ == '__main__':
    import argparse
    args = argparse.ArgumentParser().parse_args()
    device = 'cpu'
    main()
    print(beta)
""",
    "cfg": """
import numpy as np
cfg = {'lr': 1e-3, 'beta': 4.0, 'sizes': (3, 4)}
data = np.load('nowhere.npy')
def loss(): return cfg['beta']
def build(lr, sizes): return object()
model = build(cfg['lr'], cfg['sizes'])
opt = model.optimizer(lr=cfg['lr'])
for e in range(cfg['epochs'] if 'epochs' in cfg else 10):
    model.fit(data, lr=cfg['lr'])
print(cfg['beta'], len(cfg))
""",
    "plots": """
import numpy as np
np.random.seed(0)
beta = 4.0
hist = []
def loss(): return beta * float(np.ones(1)[0])
for k in range(10):
    hist.append(loss())
data = np.load('nowhere.npy')
print("beta", beta)
assert data.shape == (1, 2)
plt.plot(hist)
plt.title(f'beta {beta}')
""",
    "keras": """
import numpy as np
class VAE:
    def __init__(self, enc, dec): self.beta = 4.0
    def loss(self): return self.beta
encoder = make_encoder()
vae = VAE(encoder, 3)
vae.compile(optimizer='adam')
vae.fit(x, epochs=3)
def loss(): return VAE(1, 2).beta
""",
    "optional": """
try:
    import wandb_nothing
    HAS = True
except ImportError:
    HAS = False
import nothing_here
beta = 4.0
if HAS:
    wandb.init(config={'beta': beta})
logger = __import__('logging').getLogger('a')
logger.info('x')
def loss(): return beta
""",
    "device": """
import pathlib, re
root = pathlib.Path('x')
pat = re.compile('a')
dtype = 'float32'
beta = 4.0
def loss():
    root; pat; return beta
def train(root):
    for p in open(root / 'x'): pat.match(p); step()
train(root)
""",
    "seeded": """
import random, os, math
import numpy as np
def seed_everything(s):
    random.seed(s)
    os.environ['PYTHONHASHSEED_X'] = str(s)
    np.random.seed(s)
seed_everything(3)
BETA = 4.0
def loss(): return BETA * math.cos(0)
def fit_model():
    for x in load(): x.backward()
fit_model()
""",
}
CONFIG = """
beta = 1.0
config = {"w": 1.0}
def load():
    global beta
    beta = 4.0
def fill():
    config["w"] = 4.0
def deep():
    fill()
def get():
    return beta
def weight():
    return config["w"]
class C:
    w = 1.0
    @classmethod
    def go(cls):
        cls.w = 4.0
"""
IN_ANOTHER_FILE = [  # what stands in the file of the loss, and what the loss returns
    ("import config\nconfig.beta = 4.0", "config.beta"),
    ("import config\nconfig.load()", "config.beta"),
    ("from config import load, get\nload()", "get()"),
    ("import config\nfrom config import load\nload()", "config.beta"),
    ("from config import config\nconfig.update(w=4.0)", "config['w']"),
    ("from config import config, fill\nfill()", "config['w']"),
    ("from config import weight, deep\ndeep()", "weight()"),
    ("import config\nconfig.deep()", "config.config['w']"),
    ("from config import C\nC.go()", "C.w"),
    ("import config\nsetattr(config, 'beta', 4.0)", "config.beta"),
    ("import config as c\nimport config\nconfig.beta = 4.0", "c.beta"),
    ("import config as c\ndef f():\n    import config\n    config.beta = 4.0\nf()", "c.beta"),
    ("from config import get\nimport config\nconfig.beta = 4.0", "get()"),
    ("from config import config\nimport config as c\nc.config['w'] = 4.0", "config['w']"),
    ("import config as c\nimport sys\nsys.modules['config'].beta = 4.0", "c.beta"),
    (
        "import config as c\nfrom importlib import import_module as load\n"
        "load('config').beta = 4.0",
        "c.beta",
    ),
    (
        "import sys\nsys.path.insert(0, __file__.replace('train.py', 'lib'))\n"
        "from deep_down import w",
        "w",
    ),
]
REFUSED = [  # a script, and what is said of it
    (
        "beta = 1.0\nfor e in range(3):\n    beta = e\n    train(e)" + BETA,
        "line 2 of .* may change beta, .* trains",
    ),
    ("beta = 1.0\nbeta *= no_such" + BETA, r"line 2 of .*'beta \*= no_such'.* raised NameError"),
    (
        "import numpy as np\nbeta = np.load('no.npy')" + BETA,
        "line 2 of .*, which loss needs, raised FileNotFound",
    ),
    (
        "config = {'w': 1.0}\nmodel.tune(config)" + WEIGHT,
        "line 2 of .* may change config, .* raised NameError",
    ),
    (
        "beta = 1.0\nfrom no_such import *" + BETA,
        "line 2 of .* may change what loss needs, raised ModuleNotFound",
    ),
    (
        "class M:\n    beta = 1.0\n    def fit(self, n):\n        self.beta = n\n"
        "m = M()\nm.fit(3)\n"
        "def loss():\n    return m.beta",
        "line 6 of .* may change m, .*trains",
    ),
    (
        "beta = 1.0\ndef train():\n    global beta\n"
        "    for k in data:\n        beta += 1\n        k.backward()\n"
        "train()" + BETA,
        "line 7 of .* 'train.*', may change beta, which loss needs, and trains",
    ),
    (
        "import sys\nbeta = 1.0\nif beta:\n    sys.exit(0)\n    beta = 2" + BETA,
        "line 3 of .* raised SystemExit",
    ),
    ("beta = = 1.0", "cannot be read: invalid syntax in line 1"),
]
ONLY_RUN = [  # what stands under if __name__ == "__main__", and changes what the loss needs
    "beta = 4.0",
    "beta *= 4",
    "configure()",
    "for beta in range(3):\n        pass",
    "config.update(w=4.0)",
    "config['w'] = 4.0",
    "globals()['beta'] = 4.0",
    "C.w = 4.0",
    "setattr(C, 'w', 4.0)",
]
NOTHING_NEEDED = [  # what may stand there
    "train(beta)",
    "args = 3\n    print(beta, config)",
    "import numpy as np\n    np.random.seed(3)",
    "model = VAE(config).to('cpu')\n    model.fit(config)",
    "gamma = beta * 2",
    "model = C()\n    model.rate = 3\n    model.fit()",
    "import sys\n    sys.path.append('x')\n    print(eval('beta'), vars(C))",
    "os.environ['X_OF_A_TEST'] = '1'",
    "only_here = 3",
]
CELLS = {  # cells that are passed over, beside one that says beta = 4
    "bash": ["%%bash\necho 'it's ("],
    "blank lines first": ["\n\n%%bash\nbeta = ("],
    "html": ["%%html\n<b>beta = 5</b>"],
    "writefile": ["%%writefile x.py\nbeta = (\n"],
    "javascript": ["%%javascript\nvar beta = 3;"],
    "time": ["%%time\ngamma = 3"],
    "timed": ["%%timeit -n 3\nx = loss()\nbeta = 5"],
    "timed lines": ["%timeit -n 10 -r 2 loss()\n%timeit loss()\n%time x = loss()"],
    "lines": [
        "%matplotlib inline\n%load_ext autoreload\nfiles = !ls\nrows = %sql select\n"
        "loss?\n??loss\nloss??\n?loss"
    ],
    "continued": ["!pip install a \\\n  b c \\\n  d\nx = 3"],
    "quotes": ["!echo it's\n%cd it's\nx = 3"],
    "indented": ["import sys\nif 'google.colab' in sys.modules:\n    !pip install x\n    %cd y"],
    "no Python": ["print 'hello'\nx = (("],
    "await": ["await something()"],
    "return": ["return 3"],
    "of nobody knows what": ["%%sql\nselect *"],
    "empty": ["", "\n\n", "# only this\n"],
}
UNREAD = [  # a cell that may change what is needed, and what is said
    (
        "beta = = 5",
        "cell 2 of .*'invalid syntax in line 1', is no Python .* may change beta",
    ),
    ("x = 1\nbeta = !echo 4", "cell 2, line 2 of .*'beta = !echo 4'"),
    ("%run other.ipynb", "cell 2, line 1 of .*'%run other.ipynb'.* may change what loss needs"),
    ("%store -r", "cell 2, line 1"),
    ("%%own\nbeta = 3", "cell 2 of .*'%%own'.* may change beta"),
    ("await change(beta)", "cell 2 of .*'await' outside function"),
    ("\n\nbeta = np.load('no.npy')", "cell 2, line 3 of .* which loss needs, raised NameError"),
]
DAMAGED = [
    "",
    "no notebook",
    "{}",
    "[]",
    '{"cells": 3}',
    '{"cells": ["a"]}',
    '{"cells": [{}]}',
    '{"cells": [{"cell_type": "code"}]}',
    '{"cells": [{"cell_type": "code", "source": null}]}',
]


@pytest.mark.parametrize("written", [as_script, as_notebook])
@pytest.mark.parametrize("script", SENSIBLE)
def test_a_script_that_trains_and_touches_nothing_needed_is_read(folder, script, written):
    assert loss_of(written(folder, SENSIBLE[script])) == 4.0


@pytest.mark.parametrize(("text", "returned"), IN_ANOTHER_FILE)
def test_what_is_changed_in_another_file_of_the_project(folder, text, returned):
    (folder / "config.py").write_text(CONFIG)
    (folder / "lib").mkdir()
    (folder / "lib" / "deep_down.py").write_text("w = 4.0")
    assert loss_of(as_script(folder, text, f"def loss():\n    return {returned}")) == 4.0


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_what_cannot_be_run_is_refused_by_its_line(folder, text, said):
    with pytest.raises(TargetError, match=said):
        loss_of(as_script(folder, text))


@pytest.mark.parametrize("definitions", [False, True])
@pytest.mark.parametrize("line", ONLY_RUN)
def test_what_only_a_run_of_the_file_changes_is_refused(folder, line, definitions):
    text = "beta = 1.0\nconfig = {'w': 1.0}\nclass C:\n    w = 1.0\n"
    text += "def configure():\n    global beta\n    beta = 4.0"
    text += "\ndef loss():\n    return beta + config['w'] + C.w\nif __name__ == '__main__':\n    "
    with pytest.raises(TargetError, match=r"line 11 of .* changes .*only where the file is run"):
        loss_of(as_script(folder, text + line), definitions)


@pytest.mark.parametrize("definitions", [False, True])
@pytest.mark.parametrize("line", NOTHING_NEEDED)
def test_what_a_run_of_the_file_leaves_alone(folder, line, definitions):
    text = "import os\nbeta = 4.0\nconfig = {'w': 1.0}\nclass C:\n    w = 1.0\n"
    text += "    def other(self):\n        return only_here\n"
    text += "def loss():\n    return beta * config['w'] * C.w * len(os.sep)\n"
    assert (
        loss_of(as_script(folder, f"{text}if __name__ == '__main__':\n    {line}"), definitions)
        == 4.0
    )


@pytest.mark.parametrize("cells", CELLS)
def test_cells_that_are_no_python_are_passed_over(folder, cells):
    assert loss_of(as_notebook(folder, "beta = 4.0", *CELLS[cells], BETA)) == 4.0
    assert loss_of(as_notebook(folder, "%%capture out\nbeta = 4.0", BETA, *CELLS[cells])) == 4.0


@pytest.mark.parametrize(("cell", "said"), UNREAD)
def test_cells_that_cannot_be_read_and_matter_are_named(folder, cell, said):
    with pytest.raises(TargetError, match=said):
        loss_of(as_notebook(folder, "beta = 4.0", cell, BETA))


def test_a_text_in_a_notebook_may_look_like_a_magic(folder):
    text = "text = '''\n%matplotlib inline\n!ls\n'''\nbeta = (len(text) - 18\n% 7.0\n)"
    assert loss_of(as_notebook(folder, text, BETA)) == 24 - 18 % 7


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_notebook_is_said_to_be_one(folder, text):
    path = folder / "train.ipynb"
    path.write_text(text)
    with pytest.raises(TargetError, match="is no notebook with cells of code"):
        loss_of(path)


def test_a_main_block_of_a_notebook_is_run_there(folder):
    assert (
        loss_of(
            as_notebook(folder, "beta = 1.0", "if __name__ == '__main__':\n    beta = 4.0", BETA)
        )
        == 4.0
    )


def test_a_file_that_is_read_again_does_nothing_twice(folder):
    """What is found to be needed late is run from the start, with modules as they were."""
    (folder / "config.py").write_text("weights = []")
    text = "from config import weights\nstep = 4.0\nweights.append(step)\nd = weights\nd.append(1)"
    assert loss_of(as_script(folder, text, "def loss():\n    return len(weights)")) == 2


@pytest.mark.parametrize("definitions", [False, True])
def test_a_long_sum_is_no_obstacle(folder, definitions):
    text = f"beta = {' + '.join(['1.0'] * 700)}"
    assert loss_of(as_script(folder, text + BETA), definitions) == 700.0
