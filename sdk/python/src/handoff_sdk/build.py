"""Builds a connector's component: `python -m handoff_sdk.build PROJECT MODULE:CLASS OUTPUT`, which `handoff build` runs.

It writes an entry module and gives it to componentize-py. What goes wrong is written to standard error.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

_ENTRY = """\
# Before the connector's own code: it replaces clock, random numbers and output.
from handoff_sdk import _guest
from {module} import {name} as _connector

Handler, Lifecycle = _guest.connector_exports(_connector)
_guest.finish(({folder!r},))
"""

_COMPONENTIZE = "import sys; from componentize_py import script; sys.exit(script())"


def main(project: str, connector: str, output: str) -> int:
    """Builds; returns the exit code."""
    module, _, name = connector.partition(":")
    if not module.replace(".", "").isidentifier() or not name.isidentifier():
        print(f"`{connector}` is not of the form module:Class", file=sys.stderr)
        return 2
    root = Path(project).resolve()
    source = root / "src" if (root / "src").is_dir() else root
    package = Path(__file__).resolve().parent
    installed = Path(sysconfig.get_path("purelib"))
    with tempfile.TemporaryDirectory(prefix="handoff-python-") as scratch:
        # componentize-py shows the n-th folder to the interpreter as `/n`.
        folders = [scratch, str(source), str(package.parent)]
        if installed != package.parent:
            folders.append(str(installed))
        entry = _ENTRY.format(module=module, name=name, folder="/1/")
        Path(scratch, "handoff_entry.py").write_text(entry, encoding="utf-8")
        command = [sys.executable, "-c", _COMPONENTIZE, "--quiet", "-d", str(package / "wit"), "-w", "connector"]
        command += ["componentize", "--stub-wasi", "-o", output]
        for folder in folders:
            command += ["-p", folder]
        # A fixed seed for hashes: the order of sets is part of the component.
        # A connector's mistake is no mistake of the tool, whose own stack would hide it.
        environment = {**os.environ, "PYTHONHASHSEED": "0", "RUST_BACKTRACE": "0", "RUST_LIB_BACKTRACE": "0"}
        done = subprocess.run([*command, "handoff_entry"], env=environment, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(_readable(done.stderr, "src" if source != root else "."), file=sys.stderr)
    return done.returncode


def _readable(text: str, folder: str) -> str:
    """What the interpreter says of the connector's modules, without the frames of the build around it."""
    text = text.partition("AssertionError: ")[2] or text
    lines: list[str] = []
    is_own = False
    for line in text.partition("\n\nCaused by:")[0].rstrip().splitlines():
        if line.startswith('  File "'):
            is_own = "handoff_entry.py" in line
        elif not line.startswith("  "):
            is_own = False
        if not is_own:
            lines.append(line)
    told = "\n".join(lines).replace("/1/", "" if folder == "." else f"{folder}/").replace("/2/handoff_sdk", "handoff_sdk")
    missing = re.search(r"ModuleNotFoundError: No module named '([\w.]+)'", told)
    if missing is not None:
        name = missing.group(1).partition(".")[0]
        told += f"\nIf `{name}` is a package, install it: add it to requirements.txt, then .venv/bin/pip install -r requirements.txt"
    elif " line " not in told and "cannot import name" in told:
        told += "\nThe field `tool.handoff.connector` of pyproject.toml names module and class of the connector."
    return told


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
