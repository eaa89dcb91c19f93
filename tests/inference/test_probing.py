"""The probe names what a server does wrong, and gives no alarm where it does nothing wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.faulty import answering, faulty
from inference.tiny import tiny_store
from lakelet.errors import CommandError
from lakelet.inference import Sampling
from lakelet.inference.host.attaching import HostClient
from lakelet.session import Workspace, open_workspace
from lakelet.session.servers import last_probe


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """llama.cpp's own server, with a model that thinks: its address, key and store."""
    own = tiny_store(tmp_path_factory.mktemp("probed"))
    turn = HostClient(own).turn(own.model("tiny-qwen-thinks"), window=256)
    for _event in turn.wait():
        pass
    yield f"{turn.address}/v1", turn.key, own.root
    turn.close()
    HostClient(own).unload()


def known(ws: Workspace, address: str, store: Path) -> Workspace:
    settings = ws.folder.root / "lakelet.toml"
    text = settings.read_text().replace('# store = "models"', f'store = "{store}"')
    more = f'\n[models.servers.far]\naddress = "{address}"\nwindow = 256\n'
    settings.write_text(text.partition("\n[models.servers.far]")[0] + more)
    return open_workspace(ws.folder.root)


def states(ws: Workspace) -> dict[str, str]:
    (model,) = ws.served_models()[0]
    probed = ws.probe_model(model.name)
    assert last_probe(ws.folder, model.name) == probed
    return {one.what: one.state for one in probed.findings}


def test_an_honest_server_gives_no_alarm(ws: Workspace, engine: tuple[str, str, Path]) -> None:
    address, key, store = engine
    with faulty(address, key, "none") as (front, _):
        there = known(ws, front, store)
        (model,) = there.served_models()[0]
        probed = there.probe_model(model.name)
        found = {one.what: one for one in probed.findings}
        assert {one.state for one in probed.findings} == {"ok"}, probed.findings
        assert "refused" in found["overflow"].said
        assert "temperature 0.8" in found["defaults"].said
        assert "that of tiny-qwen-thinks here" in found["template"].said
        # What the probe saw work can be asked for, and is done.
        talking = there.talk(model.name, think="off", sampling=Sampling(temperature=0))
        assert talking.say("What grows in Lomar?").thought == ""
        short = there.talk(model.name, think="budget 2", sampling=Sampling(temperature=0))
        assert len(short.say("What is the capital of Lomar?").thought.split()) <= 2


@pytest.mark.parametrize(
    ("fault", "named"),
    [("halves", ["overflow"]), ("feeds thoughts", ["old thoughts"]),
     ("ignores sampling", ["sampling"])],
)  # fmt: skip
def test_each_fault_is_named(
    ws: Workspace, engine: tuple[str, str, Path], fault: str, named: list[str]
) -> None:
    address, key, store = engine
    with faulty(address, key, fault) as (front, _):
        found = states(known(ws, front, store))
    assert [what for what, state in found.items() if state == "fault"] == named, found
    assert found["template"] == found["defaults"] == "unknown"  # it shows nothing of itself


def test_what_is_not_counted_is_unknown(ws: Workspace, engine: tuple[str, str, Path]) -> None:
    address, key, store = engine
    with faulty(address, key, "silent") as (front, _):
        found = states(known(ws, front, store))
    assert found["old thoughts"] == found["thoughts in the text"] == "unknown"
    assert "fault" not in found.values()


def test_nothing_is_sent_that_is_not_allowed(ws: Workspace, engine: tuple[str, str, Path]) -> None:
    address, key, store = engine
    with faulty(address, key, "none") as (front, asked):
        there = known(ws, front, store)
        (model,) = there.served_models()[0]
        with pytest.raises(CommandError, match="nothing was sent"):
            there.probe_model(model.name, allow=lambda _model, _plan: False)
        assert asked == []
        with pytest.raises(CommandError, match="run by Lakelet's own engine"):
            there.probe_model("tiny-llama")
        said = subprocess.run(
            [sys.executable, "-m", "lakelet", "models", "probe", model.name], cwd=ws.folder.root,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert said.returncode == 0 and "✓ overflow" in said.stdout, said.stderr
        as_json = subprocess.run(
            [sys.executable, "-m", "lakelet", "models", "probe", model.name, "--json"],
            cwd=ws.folder.root, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert json.loads(as_json.stdout)[0]["what"] == "overflow"


def test_a_server_that_cannot_answer_has_not_refused(
    ws: Workspace, engine: tuple[str, str, Path]
) -> None:
    with answering(500, "text/plain", b"boom") as address:
        found = ws_probed(known(ws, address, engine[2]))
    assert found["overflow"] == found["old thoughts"] == found["sampling"] == "unknown"


def ws_probed(ws: Workspace) -> dict[str, str]:
    return {one.what: one.state for one in ws.probe_model("far/any").findings}
