"""The server of `mlx-lm`, which nobody here wrote: another engine, with quirks of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("mlx_lm", reason="mlx-lm runs on Linux and macOS only")

from inference.mlx_server import mlx_server, write_folder
from inference.test_gateway import gateway_of
from inference.tiny import tiny_store
from lakelet.errors import OverflowingError
from lakelet.inference import Sampling
from lakelet.models import ModelStore, add_model
from lakelet.session import Workspace, open_workspace

LOMAR, HELMUT = "What is the capital of Lomar?", "The capital of Lomar is Helmut."
GREEDY = Sampling(temperature=0)
NAME = "mlx/default_model"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The thinking model as the model hub has it."""
    made = tmp_path_factory.mktemp("mlx")
    return write_folder(tiny_store(made).model("tiny-qwen-thinks").path, made / "tiny-qwen")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with mlx_server(folder) as found:
        yield found


@pytest.fixture
def there(ws: Workspace, address: str) -> Workspace:
    settings = ws.folder.root / "lakelet.toml"
    text = settings.read_text().replace('# store = "models"', 'store = "models"')
    settings.write_text(f'{text}\n[models.servers.mlx]\naddress = "{address}"\nwindow = 256\n')
    return open_workspace(ws.folder.root)


def test_it_answers_as_the_engine_does(there: Workspace) -> None:
    """Comments in its stream, thoughts in a field of another name, an end that it counts."""
    answer = there.ask(LOMAR, NAME, sampling=GREEDY)
    assert (answer.text.strip(), answer.wrong) == (HELMUT, [])
    assert answer.thought.strip() == "capital of Lomar: Helmut"
    assert answer.usage.prompt and answer.usage.generated and answer.reason == "stop"
    for text in (LOMAR * 2, f"{LOMAR} What grows in Arnia?", LOMAR):
        again = there.ask(text, NAME, sampling=GREEDY)
        assert again.wrong == [] and again.count.grade == "estimated"
        assert again.count.low <= (again.usage.prompt or 0) <= again.count.high
    with pytest.raises(OverflowingError, match="estimated"):
        there.ask(LOMAR * 60, NAME)
    cut = there.ask(LOMAR, NAME, sampling=Sampling(temperature=0, max_tokens=4))
    assert cut.reason == "max_tokens" and cut.text.strip() == "" and cut.wrong == []


def test_a_conversation_sends_no_old_thoughts(there: Workspace) -> None:
    talking = there.talk(NAME, sampling=GREEDY)
    first = talking.say(LOMAR)
    second = talking.say("What grows in Arnia?")
    assert first.wrong == second.wrong == [] and second.thought
    alone = there.ask("What grows in Arnia?", NAME, sampling=GREEDY).usage.prompt or 0
    told = len(f"{LOMAR}{HELMUT}") // 2  # tokens have two letters and more
    assert (second.usage.prompt or 0) < alone + told


def test_the_probe_gives_no_false_alarm(there: Workspace) -> None:
    found = {one.what: one for one in there.probe_model(NAME).findings}
    assert "fault" not in {one.state for one in found.values()}, found
    assert found["sampling"].state == "ok"
    assert found["template"].state == found["defaults"].state == "unknown"


def test_the_gateway_stands_in_front_of_it(
    address: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    more = f'\n[models.servers.mlx]\naddress = "{address}"\nwindow = 256\n'
    with gateway_of(ModelStore(tmp_path / "none"), tmp_path / "ws", more) as gateway:
        asked = {"model": NAME, "temperature": 0, "messages": [{"role": "user", "content": LOMAR}]}
        whole = gateway.client.chat.completions.create(**asked)
        (choice,) = whole.choices
        assert choice.message.content.strip() == HELMUT and choice.finish_reason == "stop"
        assert choice.message.reasoning_content.strip() == "capital of Lomar: Helmut"
        assert whole.lakelet["count"] == "estimated" and whole.usage.prompt_tokens
        pieces = list(gateway.client.chat.completions.create(**asked, stream=True))
        text = "".join(one.choices[0].delta.content or "" for one in pieces if one.choices)
        assert text.strip() == HELMUT
        long = [{"role": "user", "content": LOMAR * 100}]
        status, told = gateway.ask({**asked, "messages": long})
        assert status == 400 and told["error"]["code"] == "context_length_exceeded"


def test_its_folder_has_a_card(folder: Path, tmp_path: Path) -> None:
    """The folder is one as the hub has it: read here too, and copied with its names."""
    store = ModelStore(tmp_path / "store")
    linked = add_model(store, str(folder))
    card = linked.card
    assert (card.format, card.architecture, card.context) == (
        "safetensors",
        "Qwen3ForCausalLM",
        512,
    )
    own = add_model(store, str(folder), copy=True, name="own")
    assert (
        replace(own.card, title=card.title) == card
        and own.path.is_dir()
        and own.path != linked.path
    )
