"""What the tests of explorers share: Node, which runs the scripts' own tests."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

JS = Path(__file__).parent / "js"


@pytest.fixture
def in_node(tmp_path):
    """Runs tests of JavaScript, which read the cases from the file that a variable names."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")

    def run(cases, variable, *names):
        file = tmp_path / "cases.json"
        file.write_text(json.dumps(cases), encoding="utf-8")
        command = ["node", "--test", *(JS / f"{name}.test.mjs" for name in names)]
        environment = os.environ | {variable: str(file)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
        assert "# skipped 0" in done.stdout

    return run


@pytest.fixture
def asks_nothing():
    """Whether a page fetches and imports nothing."""
    return lambda page: re.search(r"(?m)https?://[^\s\"'<]+|^import |src=|fetch\(", page) is None
