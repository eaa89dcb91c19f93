"""Fixtures shared by all tests: a fresh workspace, real data where it is there."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import lakelet
from lakelet.session import Workspace

if not hasattr(sys.modules["__main__"], "__file__"):
    # In a worker of pytest-xdist the main module has no file; PySpark's client takes that for a run
    # of its own doctests and looks for a Spark installation.
    sys.modules["__main__"].__file__ = __file__


# A shell that starts the tests in the background lets them ignore Ctrl-C, and so what they start.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """A new workspace in UTC."""
    return make_workspace(tmp_path / "ws")


def make_workspace(root: Path, zone: str = "UTC") -> Workspace:
    lakelet.init(root)
    settings = root / "lakelet.toml"
    text = settings.read_text()
    first = next(line for line in text.splitlines() if line.startswith("time_zone"))
    settings.write_text(text.replace(first, f'time_zone = "{zone}"'))
    return lakelet.open(root)


@pytest.fixture
def real_data() -> Path:
    """The folder with real files; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("LAKELET_DATA", "../shared/data"))
    if not (folder / "gsm8k").is_dir():
        pytest.skip("no real data: set LAKELET_DATA to a folder with gsm8k and svamp")
    return folder.resolve()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store with the small models that are trained here."""
    from inference.tiny import tiny_store
    from lakelet.inference.host.attaching import HostClient

    store = tiny_store(tmp_path_factory.mktemp("trained"))
    yield store.root
    HostClient(store).unload()


@pytest.fixture
def talkative(ws: Workspace, trained: Path) -> Workspace:
    """A workspace with the small models that are trained here."""
    settings = ws.folder.root / "lakelet.toml"
    text = settings.read_text().replace('# store = "models"', f'store = "{trained}"')
    settings.write_text(text)
    return lakelet.open(ws.folder.root)
