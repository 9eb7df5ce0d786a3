"""JupyterLab as a learner has it, in a real browser, on copies of the notebooks."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SETTINGS = {"notification": {"fetchNews": "false", "checkForUpdates": False}}
USUAL = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
]


def find_chromium():
    """The browser to use: $CHROMIUM, else one on the path."""
    named = os.environ.get("CHROMIUM")
    found = named or next(filter(None, map(shutil.which, USUAL)), MACOS)
    if not shutil.which(found) and not Path(found).is_file():
        raise FileNotFoundError(
            f"no Chromium or Chrome was found{f' at CHROMIUM={named}' if named else ''}: "
            "install one (on Debian: apt install chromium), "
            "or name it: make browser-test CHROMIUM=/path/to/chrome"
        )
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(folder):
    """The address of a JupyterLab whose root is `folder`, without news and without a token."""
    own = folder / ".jupyter"
    for name, values in SETTINGS.items():
        file = (
            own / "settings" / "@jupyterlab" / "apputils-extension" / f"{name}.jupyterlab-settings"
        )
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(values), encoding="utf-8")
    port = free_port()
    options = [
        "--no-browser",
        "--allow-root",
        f"--port={port}",
        "--ip=127.0.0.1",
        "--IdentityProvider.token=",
    ]
    options += ["--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"]
    places = {"JUPYTERLAB_SETTINGS_DIR": own / "settings", "JUPYTER_CONFIG_DIR": own / "config"}
    environment = os.environ | {name: str(place) for name, place in places.items()}
    environment |= {"JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"), "VAEHELPERS_THREADS": "2"}
    command = [sys.executable, "-m", "jupyter", "lab", *options]
    with (folder / "lab.log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_for(port, server, folder / "lab.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_for(port, server, log):
    for _ in range(240):
        if server.poll() is not None:
            raise RuntimeError(f"JupyterLab ended: {log.read_text(encoding='utf-8')[-2000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.25)
    raise TimeoutError("JupyterLab does not answer")


def watched_page(context, address):
    """A page, and what it asked of other machines and wrote as errors."""
    page = context.new_page()
    seen = {"requests": [], "errors": []}
    local = (address, address.replace("http", "ws"), "blob:", "data:")
    page.on(
        "request", lambda r: None if r.url.startswith(local) else seen["requests"].append(r.url)
    )
    page.on("pageerror", lambda error: seen["errors"].append(str(error)))
    page.on("console", lambda m: seen["errors"].append(m.text) if m.type == "error" else None)
    return page, seen


def open_notebook(page, address, name):
    page.goto(f"{address}/lab/workspaces/auto-{time.monotonic_ns()}/tree/{name}?reset")
    page.wait_for_function("document.body.innerText.includes('| Idle')", timeout=120_000)


def run_all(page, seconds=600):
    """Run all cells and wait for the last; returns what went wrong: errors and text on stderr."""
    done = """async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }"""
    page.set_default_timeout(seconds * 1000)
    page.evaluate(done)
    page.set_default_timeout(30_000)
    return page.evaluate(
        """() => { const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
        const found = [];
        for (const cell of cells) for (const output of cell.toJSON().outputs ?? [])
          if (output.output_type === 'error' || output.name === 'stderr')
            found.push(output.evalue ?? String(output.text));
        return found; }"""
    )


def use_theme(page, name):
    page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name
    )
    page.wait_for_function("(n) => document.body.dataset.jpThemeName === n", arg=name)
