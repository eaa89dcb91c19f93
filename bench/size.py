"""How much a core install puts on the disk, and that neither pyarrow nor pandas is in it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from measure import HERE, save


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        before = _bytes(Path(folder))
        python = str(Path(folder) / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "-q", str(HERE.parent)], check=True)
        listed = subprocess.run(
            [python, "-m", "pip", "list", "--format=freeze"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        names = {line.split("==")[0].lower() for line in listed.splitlines()}
        save(
            "core_install",
            {
                "megabytes": round((_bytes(Path(folder)) - before) / 1e6),
                "packages": len(names),
                "pyarrow_or_pandas": bool(names & {"pyarrow", "pandas"}),
            },
        )


def _bytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink())


if __name__ == "__main__":
    main()
