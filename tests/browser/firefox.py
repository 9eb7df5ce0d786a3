"""Firefox as it comes, over WebDriver BiDi: as much of a page as the tests of the site ask for."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import jupyterlab
import websocket

MACOS = "/Applications/Firefox.app/Contents/MacOS/firefox"


def find_firefox():
    """The browser to use: $FIREFOX, else one on the path, else None."""
    named = os.environ.get("FIREFOX")
    return named or next(filter(None, map(shutil.which, ("firefox-esr", "firefox", MACOS))), None)


class Page:
    """The one tab, with what it asked of other machines and wrote as errors."""

    def __init__(self, port, local):
        self.socket = websocket.create_connection(
            f"ws://127.0.0.1:{port}/session", timeout=60, suppress_origin=True
        )
        self.asked, self.local = 0, (local, "blob:", "data:")
        self.seen = {"requests": [], "errors": []}
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self.tab = self.call("browsingContext.getTree")["contexts"][0]["context"]

    def call(self, method, **parameters):
        self.asked += 1
        self.socket.send(json.dumps({"id": self.asked, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.asked:
                if message["type"] == "error":
                    raise RuntimeError(f"{method}: {message['message']}")
                return message["result"]
            self.hear(message["method"], message["params"])

    def hear(self, event, told):
        if event == "network.beforeRequestSent" and not told["request"]["url"].startswith(
            self.local
        ):
            self.seen["requests"].append(told["request"]["url"])
        if event == "log.entryAdded" and told["level"] == "error":
            self.seen["errors"].append(told["text"])

    def goto(self, address):
        self.call("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    def evaluate(self, expression):
        """The value of an expression, awaited."""
        whole = f"(async () => JSON.stringify(await ({expression})))()"
        told = self.call(
            "script.evaluate", expression=whole, target={"context": self.tab}, awaitPromise=True
        )
        if told["type"] == "exception":
            raise RuntimeError(told["exceptionDetails"]["text"])
        return json.loads(told["result"].get("value") or "null")

    def screenshot(self, path):
        taken = self.call("browsingContext.captureScreenshot", context=self.tab)["data"]
        Path(path).write_bytes(base64.b64decode(taken))


@contextmanager
def opened(local, width=1300, height=900):
    """A page of a new Firefox; addresses that begin with `local` are its own."""
    port = jupyterlab.free_port()
    with tempfile.TemporaryDirectory() as profile:
        command = [
            find_firefox(),
            "--headless",
            "--no-remote",
            "--profile",
            profile,
            f"--remote-debugging-port={port}",
        ]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as browser:
            try:
                next(line for line in browser.stderr if "BiDi listening" in line)
                page = Page(port, local)
                page.call(
                    "browsingContext.setViewport",
                    context=page.tab,
                    viewport={"width": width, "height": height},
                )
                yield page
                page.socket.close()
            finally:
                browser.terminate()
