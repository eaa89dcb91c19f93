"""Bring third-party scripts, fonts and icons of the web interface into the package.

``make vendor`` installs what ``tools/vendored.json`` names from npm into a folder of its own, runs
no script of theirs, bundles with esbuild, and writes the files, their licences and the list in
``docs/vendored.md``. What a bundle takes in of packages that nobody named is listed as well.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
GOES_TO = ROOT / "src" / "lakelet" / "web" / "static" / "vendor"
LISTED = ROOT / "docs" / "vendored.md"
# Its extension for server-sent events looks for htmx in the page, so that it comes second.
GLOBAL = 'import htmx from "htmx.org/dist/htmx.esm.js";\nwindow.htmx = htmx;\n'
ENTRY = 'import "./global.js";\nimport "htmx.org/dist/ext/hx-sse.js";\n'


def main() -> None:
    """Install, bundle, copy, and write down what came."""
    wanted = json.loads((ROOT / "tools" / "vendored.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "package.json").write_text(json.dumps({"dependencies": wanted["packages"]}))
        subprocess.run(
            ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
            cwd=work,
            check=True,
        )
        modules = work / "node_modules"
        shutil.rmtree(GOES_TO, ignore_errors=True)
        GOES_TO.mkdir(parents=True)
        (work / "global.js").write_text(GLOBAL)
        taken = bundle(work, "htmx.js", ENTRY)
        for target, lines in wanted["modules"].items():
            taken |= bundle(work, target, "\n".join(lines), "--format=esm")
        for source, target in wanted["files"].items():
            shutil.copyfile(modules / source, GOES_TO / target)
        (GOES_TO / "icons.svg").write_text(sprite(modules, wanted["icons"]))
        note_licences(modules, wanted, sorted(taken - set(wanted["packages"])))


def bundle(work: Path, target: str, entry: str, *options: str) -> set[str]:
    """Make one script of an entry and all it imports; the names of the packages it took in."""
    (work / "entry.js").write_text(entry)
    subprocess.run(
        [work / "node_modules" / ".bin" / "esbuild", "entry.js", "--bundle", "--minify",
         "--legal-comments=inline", "--metafile=meta.json", f"--outfile={GOES_TO / target}",
         *options],
        cwd=work,
        check=True,
    )  # fmt: skip
    (made,) = json.loads((work / "meta.json").read_text())["outputs"].values()
    inside = (name.rpartition("node_modules/")[2].split("/") for name in made["inputs"])
    return {"/".join(parts[: 1 + parts[0].startswith("@")]) for parts in inside if len(parts) > 1}


def sprite(modules: Path, names: list[str]) -> str:
    """The icons used, as symbols of one file."""
    symbols = []
    for name in sorted(names):
        text = (modules / "lucide-static" / "icons" / f"{name}.svg").read_text()
        inner = re.search(r"<svg[^>]*>(.*)</svg>", text, re.DOTALL)
        assert inner, name
        drawn = " ".join(inner[1].split())
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{drawn}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def note_licences(modules: Path, wanted: dict, more: list[str]) -> None:
    """Write the licences beside the files, and the list for people.

    Args:
        modules: where everything is installed.
        wanted: what was asked for.
        more: packages that came with it.
    """
    rows, texts = {}, []
    for name in [*sorted(wanted["packages"]), *more]:
        said = json.loads((modules / name / "package.json").read_text())
        licence = next(iter(sorted((modules / name).glob("LICENSE*"))), None)
        rows[name] = f"| `{name}` | {said['version']} | {said['license']} |"
        if name not in wanted["tools"]:
            text = licence.read_text() if licence else said["license"]
            texts.append(f"{name} {said['version']}\n\n{text.strip()}\n")
    (GOES_TO / "LICENSES.txt").write_text(f"\n{'-' * 72}\n\n".join(texts))
    head = "| package | version | licence |\n|---|---|---|\n"
    named, came = (
        head + "\n".join(rows[name] for name in names)
        for names in (sorted(wanted["packages"]), more)
    )
    LISTED.write_text(
        "# What the pages are made with\n\n"
        "Scripts, fonts and icons of others, kept in the package so that no page loads anything\n"
        "from the network. `make vendor` brings them up to date; versions stand in\n"
        "`tools/vendored.json`, their licences in `src/lakelet/web/static/vendor/LICENSES.txt`.\n\n"
        f"{named}\n\nThese came with them, inside the bundles:\n\n{came}\n"
    )


if __name__ == "__main__":
    main()
