"""A language model that is asked in a run is an input of it: its weights, its engine, how."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from inference.tiny import tiny_store
from lakelet.inference import Sampling
from lakelet.inference.host.attaching import HostClient
from lakelet.session import Workspace, open_workspace
from runs.test_a_run import stored

LOMAR = "What is the capital of Lomar?"
GREEDY = Sampling(temperature=0)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    store = tiny_store(tmp_path_factory.mktemp("asked"))
    yield store.root
    HostClient(store).unload()


@pytest.fixture
def stocked(ws: Workspace, models: Path) -> Workspace:
    settings = ws.folder.root / "lakelet.toml"
    text = settings.read_text().replace('# store = "models"', f'store = "{models}"')
    settings.write_text(text)
    return open_workspace(ws.folder.root)


def test_each_way_a_model_was_used_is_an_input(stocked: Workspace) -> None:
    stocked.ask(LOMAR, "tiny-gemma", sampling=GREEDY)  # in no run
    with stocked.run("asked/twice") as run:
        stocked.ask(LOMAR, "tiny-llama", sampling=GREEDY)
        stocked.ask("What grows in Arnia?", "tiny-llama", sampling=GREEDY)
        stocked.talk("tiny-qwen-thinks", think="budget 4", sampling=GREEDY, context=256).say(LOMAR)
    record = stocked.run_record(run.id)
    inputs = {one.name: one for one in record.inputs}
    assert sorted(inputs) == ["tiny-llama", "tiny-qwen-thinks"] and len(record.inputs) == 2
    llama, qwen = inputs["tiny-llama"], inputs["tiny-qwen-thinks"]
    assert llama.kind == "model" and llama.version is None
    assert llama.source["model"] == stocked.model("tiny-llama").digest
    assert llama.source["engine"].startswith("xllamacpp 20")
    assert llama.source["settings"]["temperature"] == 0
    assert qwen.source["settings"] == {"temperature": 0, "thought_tokens": 4, "window": 256}
    rows = stocked.sql(
        "SELECT kind, name FROM system.run_inputs ORDER BY name"
    ).rows()  # fmt: skip
    assert rows == [("model", "tiny-llama"), ("model", "tiny-qwen-thinks")]


def test_mlflow_keeps_it_and_loads_the_model(stocked: Workspace) -> None:
    with stocked.run("asked/once") as run:
        stocked.ask(LOMAR, "tiny-llama", sampling=GREEDY)
    (one,) = stored(stocked, run.id).inputs.dataset_inputs
    assert one.dataset.name == "tiny-llama"
    assert mlflow.data.get_source(one).load().digest == stocked.model("tiny-llama").digest


def test_a_repetition_says_that_the_model_is_another_one(
    stocked: Workspace, tmp_path: Path
) -> None:
    script = stocked.folder.root / "asks.py"
    script.write_text(
        "import lakelet\nfrom lakelet.inference import Sampling\nws = lakelet.open()\n"
        "with ws.run('asked/script') as run:\n"
        f"    print(ws.ask({LOMAR!r}, 'mine', sampling=Sampling(temperature=0)).text)\n"
    )
    own = stocked.add_model(stocked.model("tiny-llama").path, name="mine")
    subprocess.run([sys.executable, "asks.py"], cwd=stocked.folder.root, check=True)
    (run,) = stocked.runs("asked/script")
    said: list[str] = []
    _, code = stocked.rerun(run.id, say=said.append)
    assert code == 0 and not any("model" in one for one in said)
    stocked.remove_model(own.name)
    stocked.add_model(stocked.model("tiny-gemma").path, name="mine")
    said.clear()
    _, code = stocked.rerun(run.id, say=said.append)
    assert code == 0 and any("the model mine is" in one and ", was " in one for one in said)
    stocked.remove_model("mine")
    said.clear()
    _, code = stocked.rerun(run.id, say=said.append)
    assert code != 0 and any("Not matched: the model mine: " in one for one in said)
