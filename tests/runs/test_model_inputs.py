"""A language model that is asked in a run is an input of it: its weights, its engine, how."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mlflow

from lakelet.inference import Sampling
from lakelet.session import Workspace
from runs.test_a_run import stored

LOMAR = "What is the capital of Lomar?"
GREEDY = Sampling(temperature=0)


def test_each_way_a_model_was_used_is_an_input(talkative: Workspace) -> None:
    talkative.ask(LOMAR, "tiny-gemma", sampling=GREEDY)  # in no run
    with talkative.run("asked/twice") as run:
        talkative.ask(LOMAR, "tiny-llama", sampling=GREEDY)
        talkative.ask("What grows in Arnia?", "tiny-llama", sampling=GREEDY)
        talkative.talk("tiny-qwen-thinks", think="budget 4", sampling=GREEDY, context=256).say(
            LOMAR
        )
    record = talkative.run_record(run.id)
    inputs = {one.name: one for one in record.inputs}
    assert sorted(inputs) == ["tiny-llama", "tiny-qwen-thinks"] and len(record.inputs) == 2
    llama, qwen = inputs["tiny-llama"], inputs["tiny-qwen-thinks"]
    assert llama.kind == "model" and llama.version is None
    assert llama.source["model"] == talkative.model("tiny-llama").digest
    assert llama.source["engine"].startswith("xllamacpp 20")
    assert llama.source["settings"]["temperature"] == 0
    assert qwen.source["settings"] == {"temperature": 0, "thought_tokens": 4, "window": 256}
    rows = talkative.sql(
        "SELECT kind, name FROM system.run_inputs ORDER BY name"
    ).rows()  # fmt: skip
    assert rows == [("model", "tiny-llama"), ("model", "tiny-qwen-thinks")]


def test_mlflow_keeps_it_and_loads_the_model(talkative: Workspace) -> None:
    with talkative.run("asked/once") as run:
        talkative.ask(LOMAR, "tiny-llama", sampling=GREEDY)
    (one,) = stored(talkative, run.id).inputs.dataset_inputs
    assert one.dataset.name == "tiny-llama"
    assert mlflow.data.get_source(one).load().digest == talkative.model("tiny-llama").digest


def test_a_repetition_says_that_the_model_is_another_one(
    talkative: Workspace, tmp_path: Path
) -> None:
    script = talkative.folder.root / "asks.py"
    script.write_text(
        "import lakelet\nfrom lakelet.inference import Sampling\nws = lakelet.open()\n"
        "with ws.run('asked/script') as run:\n"
        f"    print(ws.ask({LOMAR!r}, 'mine', sampling=Sampling(temperature=0)).text)\n"
    )
    own = talkative.add_model(talkative.model("tiny-llama").path, name="mine")
    subprocess.run([sys.executable, "asks.py"], cwd=talkative.folder.root, check=True)
    (run,) = talkative.runs("asked/script")
    said: list[str] = []
    _, code = talkative.rerun(run.id, say=said.append)
    assert code == 0 and not any("model" in one for one in said)
    talkative.remove_model(own.name)
    talkative.add_model(talkative.model("tiny-gemma").path, name="mine")
    said.clear()
    _, code = talkative.rerun(run.id, say=said.append)
    assert code == 0 and any("the model mine is" in one and ", was " in one for one in said)
    talkative.remove_model("mine")
    said.clear()
    _, code = talkative.rerun(run.id, say=said.append)
    assert code != 0 and any("Not matched: the model mine: " in one for one in said)
