"""Models that runs keep: listed with their files, registered, found by an alias that moves."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import lakelet
from lakelet.errors import CommandError
from lakelet.runs.client import quiet, tracked_there
from lakelet.session import Workspace
from runs.processes import command

pytest.importorskip("mlflow")


def constant(answer: int) -> Any:
    """A model that answers one number."""
    from sklearn.dummy import DummyRegressor

    return DummyRegressor(strategy="constant", constant=answer).fit([[0]], [0])


@pytest.fixture
def lab(ws: Workspace) -> Workspace:
    for number in (1, 2):
        with ws.run(f"spam/{number}") as run:
            run.model(constant(number), "clf")
    return ws


def answers(ws: Workspace, uri: str) -> int:
    with tracked_there(ws.folder) as mlflow, quiet():
        return int(mlflow.pyfunc.load_model(uri).predict([[0]])[0])


def test_a_run_tells_its_models_and_their_files(lab: Workspace) -> None:
    (kept,) = lab.run_models("spam/1")
    assert kept.name == "clf" and "MLmodel" in kept.files and kept.registered == []
    assert kept.place is not None and (kept.place / "MLmodel").is_file()
    assert answers(lab, kept.uri) == 1


def test_an_alias_moves_between_versions_and_code_finds_them_by_it(lab: Workspace) -> None:
    assert lab.registered_models() == []
    assert lab.register_model("spam/1", "filter") == 1
    assert lab.register_model("spam/2", "filter", model="clf") == 2
    # What is a version already becomes no other.
    assert lab.register_model("spam/1", "filter") == 1
    lab.set_alias("filter", "champion", 1)
    assert answers(lab, "models:/filter@champion") == 1
    lab.set_alias("filter", "champion", 2)
    lab.set_alias("filter", "newest", 2)
    assert answers(lab, "models:/filter@champion") == 2
    (model,) = lab.registered_models()
    assert [one.version for one in model.versions] == [2, 1]
    assert model.aliases == {"champion": 2, "newest": 2}
    assert model.versions[1].run == lab.run_record("spam/1").id
    (kept,) = lab.run_models("spam/2")
    assert [(one.name, one.version, one.aliases) for one in kept.registered] == [
        ("filter", 2, ["champion", "newest"])
    ]
    lab.drop_alias("filter", "champion")
    assert lab.registered_models("filter")[0].aliases == {"newest": 2}
    rows = lab.sql("SELECT action, before, after FROM system.audit WHERE target = 'filter'").rows()
    assert [row[0] for row in rows] == [
        "register model", "register model", "register model", "set alias", "set alias",
        "set alias", "drop alias",
    ]  # fmt: skip
    assert rows[0][1] is None
    assert json.loads(rows[-1][1])["aliases"] == {"champion": 2, "newest": 2}
    assert json.loads(rows[-1][2])["aliases"] == {"newest": 2}


def test_what_cannot_be_registered_is_refused(lab: Workspace) -> None:
    with lab.run("plain"):
        pass
    with lab.run("two") as run:
        run.model(constant(3), "a")
        run.model(constant(4), "b")
    lab.register_model("two", "filter", model="b")
    for change, why in (
        (lambda: lab.register_model("runs/plain", "x"), "kept no model; nothing was registered"),
        (lambda: lab.register_model("runs/two", "x"), "kept several models"),
        (lambda: lab.register_model("runs/two", "x", model="c"), "no model c"),
        (lambda: lab.register_model("spam/1", "a/b"), "no name of a registered model"),
        (lambda: lab.register_model("spam/1", " a"), "no name of a registered model"),
        (lambda: lab.set_alias("filter", "v1", 1), "is no alias"),
        (lambda: lab.set_alias("filter", "latest", 1), "is no alias"),
        (lambda: lab.set_alias("filter", "best", 2), "has no version 2"),
        (lambda: lab.set_alias("nope", "best", 1), "no model is registered as 'nope'"),
        (lambda: lab.drop_alias("filter", "best"), "has no alias 'best'"),
    ):
        with pytest.raises(CommandError, match=why):
            change()
    (model,) = lab.registered_models()
    assert (len(model.versions), model.aliases) == (1, {})


def test_from_the_command_line(lab: Workspace) -> None:
    def ran(*words: str) -> str:
        done = command(lab, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "No model is registered" in ran("registry")
    told = ran("run", "spam/1", "--register", "filter", "--alias", "champion")
    assert told == "It is filter version 1, and champion.\n"
    ran("run", "spam/2", "--register", "filter")
    assert "champion 1" in ran("registry")
    ran("registry", "filter", "--alias", "champion=2")
    assert [(one["version"], one["aliases"]) for one in json.loads(ran("registry", "filter", "--json"))
            ] == [(2, ["champion"]), (1, [])]  # fmt: skip
    ran("registry", "filter", "--drop-alias", "champion")
    assert json.loads(ran("registry", "--json")) == [
        {"name": "filter", "versions": 2, "aliases": {}}
    ]


def test_two_who_register_at_once_get_one_version(lab: Workspace) -> None:
    with ThreadPoolExecutor(4) as several:
        asked = [
            several.submit(lakelet.open(lab.folder.root).register_model, "spam/1", "filter")
            for _ in range(4)
        ]
        assert {one.result() for one in asked} == {1}
    (model,) = lab.registered_models()
    assert [one.version for one in model.versions] == [1]


def test_an_alias_that_is_none_registers_nothing(lab: Workspace) -> None:
    with pytest.raises(CommandError, match="'bad alias!' is no alias; nothing was changed"):
        lab.register_model("spam/1", "filter", alias="bad alias!")
    assert lab.registered_models() == []
    assert lab.register_model("spam/1", "filter", alias="champion") == 1
    assert lab.registered_models()[0].aliases == {"champion": 1}
