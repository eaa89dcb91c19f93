"""Models of Hugging Face by their names: by its own library, from a server of the same shapes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from lakelet.errors import CommandError, LakeletError, ModelFileError, StorageError
from lakelet.models import ModelStore, add_model, found_models, hugging_face
from lakelet.models.downloading import Wanted, download
from lakelet.models.hugging_face import HubFile, meant
from models.files import write_gguf
from models.hub import COMMIT, Hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    found = Hub()
    monkeypatch.setattr(constants, "ENDPOINT", found.address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE",
        found.address + "/{repo_id}/resolve/{revision}/{filename}",
    )  # fmt: skip
    yield found
    found.close()


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


def gguf(folder: Path, name: str = "a.gguf", **said: object) -> bytes:
    folder.mkdir(exist_ok=True)
    return write_gguf(folder / name, **said).read_bytes()  # type: ignore[arg-type]


def test_a_model_is_fetched_with_its_projector(hub: Hub, store: ModelStore, tmp_path: Path) -> None:
    hub.files = {
        "README.md": b"a card", "Name-Q8_0.gguf": gguf(tmp_path / "made", tokens=200),
        "Name-Q4_K_M.gguf": gguf(tmp_path / "made"),
        "mmproj-Name-F16.gguf": gguf(tmp_path / "made", architecture="clip",
                                     said={"clip.has_vision_encoder": True}),
    }  # fmt: skip
    told: list[tuple[int, int]] = []
    model = add_model(store, "hf:org/name", progress=lambda read, all_: told.append((read, all_)))
    assert (model.name, model.source) == ("name-q4_k_m", "hf:org/name")
    assert [one.role for one in model.files] == ["weights", "projector"] and model.card.vision
    assert all(one.owned for one in model.files)
    assert model.path.read_bytes() == hub.files["Name-Q4_K_M.gguf"]
    whole = sum(len(hub.files[one]) for one in ("Name-Q4_K_M.gguf", "mmproj-Name-F16.gguf"))
    left = [one.suffix for one in (store.root / "downloads").iterdir()]
    assert (whole, whole) in told and set(left) == {".lock"}
    assert add_model(store, "hf:org/name:Q8_0").name == "name-q8_0"
    store.remove("name-q4_k_m")
    assert not model.path.exists()


def test_what_its_cache_holds_is_linked(hub: Hub, store: ModelStore, tmp_path: Path) -> None:
    parts = {
        f"Q4_K_M/Big-{number:05}-of-00002.gguf": gguf(
            tmp_path / "made", f"{number}.gguf",
            said={"split.tensors.count": 2, "split.count": 2},
            tensors={f"blk.{number}.ffn_up.weight": ((512, 256), "Q4_0")},
        )
        for number in (1, 2)
    }  # fmt: skip
    hub.files = parts
    for path in parts:
        huggingface_hub.hf_hub_download("org/name", path, revision=COMMIT)
    hub.asked.clear()
    model = add_model(store, "hf:org/name")
    assert hub.asked == [] and model.name == "big"
    # By the names that its cache gives them, not by those of the files these lead to.
    assert model.path.is_symlink() and model.path.name == "Big-00001-of-00002.gguf"
    assert model.card.parameters == 2 * 512 * 256
    home = {"HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path / "cache")}
    (found,) = found_models(home)
    assert found.name == "org/name/Q4_K_M/Big-00001-of-00002.gguf"
    assert add_model(store, found.source, name="found").card.parameters == 2 * 512 * 256
    own = add_model(store, "hf:org/name", copy=True, name="own")
    store.remove("big")
    assert model.path.exists()
    # Parts must lie beside one another: where one is missing there, all are fetched.
    (model.path.parent / "Big-00002-of-00002.gguf").unlink()
    again = add_model(store, "hf:org/name", name="again")
    assert all(one.owned for one in again.files) and again.card.parameters == 2 * 512 * 256
    # One that is not what was promised is passed over.
    hub.promised = {"Q4_K_M/Big-00002-of-00002.gguf": "1" * 64}
    with pytest.raises(ModelFileError, match="was promised; it was deleted"):
        add_model(store, "hf:org/name", name="other")
    assert own.card.parameters == 2 * 512 * 256


def test_parts_and_folders_of_the_stores_own_keep_their_names(
    hub: Hub, store: ModelStore, tmp_path: Path
) -> None:
    hub.files = {
        f"Q4_K_M/Big-{number:05}-of-00002.gguf": gguf(
            tmp_path / "made", f"{number}.gguf",
            said={"split.tensors.count": 2, "split.count": 2},
            tensors={f"blk.{number}.ffn_up.weight": ((512, 256), "Q4_0")},
        )
        for number in (1, 2)
    }  # fmt: skip
    own = add_model(store, "hf:org/name")
    assert own.path.name == "Big-00001-of-00002.gguf" and own.card.parameters == 2 * 512 * 256
    beside = own.path.parent / "Big-00002-of-00002.gguf"
    assert beside.read_bytes() == hub.files["Q4_K_M/Big-00002-of-00002.gguf"]
    also = add_model(store, "hf:org/name", name="also")
    store.remove("big")
    assert also.card and beside.exists()
    store.remove("also")
    assert not beside.parent.exists()


def test_what_was_cut_off_goes_on(hub: Hub, store: ModelStore, tmp_path: Path) -> None:
    content = gguf(tmp_path / "made", tensors={"token_embd.weight": ((256, 300), "F32")})
    hub.files = {"a-Q4_K_M.gguf": content}
    hub.cut = [100_000]
    assert add_model(store, "hf:org/name").path.read_bytes() == content
    assert hub.asked == [("a-Q4_K_M.gguf", None), ("a-Q4_K_M.gguf", "bytes=100000-")]


def test_a_kill_amid_it_is_gone_on_with(hub: Hub, tmp_path: Path) -> None:
    content = gguf(tmp_path / "made", tensors={"token_embd.weight": ((1024, 3000), "F32")})
    hub.files = {"a-Q4_K_M.gguf": content}
    code = (
        "import os, signal, sys; from pathlib import Path; from lakelet.models import *\n"
        "def told(read, whole):\n"
        "    if read > 5_000_000: os.kill(os.getpid(), signal.SIGKILL)\n"
        "add_model(ModelStore(Path(sys.argv[1])), 'hf:org/name', progress=told)"
    )
    env = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HUB_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", code, str(tmp_path / "store")]
    assert subprocess.run(command, env=env, check=False).returncode == -9
    store = ModelStore(tmp_path / "store")
    assert store.models() == []
    assert add_model(store, "hf:org/name").path.read_bytes() == content
    (_, first), (_, second) = hub.asked
    assert first is None and second is not None and int(second[6:-1]) >= 5_000_000


def test_a_token_goes_to_the_hub_alone(
    hub: Hub, store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.files = {"config.json": b'{"architectures": ["A"]}', "a-Q4_K_M.gguf": gguf(tmp_path / "m")}
    add_model(store, "hf:org/name")
    assert hub.shown["/api/models/org/name"] == "Bearer hf_secret"
    assert hub.shown["/kept/a-Q4_K_M.gguf"] is None
    # Nor where the hub leads on when the file itself is asked for.
    path = f"/org/name/resolve/{COMMIT}/a-Q4_K_M.gguf"
    token = {"authorization": "Bearer hf_secret"}
    download(Wanted(f"{hub.address}{path}", headers=token), tmp_path / "d", lambda *_: None)
    assert hub.shown[path] == "Bearer hf_secret" and hub.shown["/kept/a-Q4_K_M.gguf"] is None


def test_another_file_than_promised_is_deleted(hub: Hub, store: ModelStore, tmp_path: Path) -> None:
    hub.files = {"a-Q4_K_M.gguf": gguf(tmp_path / "made")}
    hub.promised = {"a-Q4_K_M.gguf": "1" * 64}
    with pytest.raises(ModelFileError, match=f"and {'1' * 64} was promised; it was deleted"):
        add_model(store, "hf:org/name")
    assert store.models() == [] and not list(store.root.rglob("*.part"))
    hub.promised = {}
    assert add_model(store, "hf:org/name").card


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ((401, "RepoNotFound"), "no model of that name"),
        ((404, "RepoNotFound"), "no model of that name"),
        ((403, "GatedRepo"), "in whom they know"),
        ((429, ""), "answers 429"),
        ((503, ""), "answers 503"),
    ],
)
def test_a_no_is_told_with_what_to_do(
    hub: Hub, store: ModelStore, status: tuple[int, str], said: str
) -> None:
    hub.status = status
    with pytest.raises(CommandError, match=f"org/name: .*{said}.*nothing was added") as told:
        add_model(store, "hf:org/name")
    assert told.value.hint
    if status[0] == 429:
        assert "in 7 seconds" in told.value.hint


def test_without_a_network_one_sentence_within_seconds(
    hub: Hub, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CommandError, match="is not reached"):
        add_model(store, "hf:org/name")

    def hangs(*_: object, **__: object) -> None:
        time.sleep(30)  # as looking up a name may

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", hangs)
    monkeypatch.setattr(hugging_face, "_SECONDS", 0.2)
    with pytest.raises(CommandError, match="no answer came in time"):
        add_model(store, "hf:org/name")


def test_no_room_is_said_before_a_byte_comes(
    hub: Hub, store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.files = {"a-Q4_K_M.gguf": gguf(tmp_path / "made")}

    def full(folder: Path, size: int, name: str) -> None:
        raise StorageError(f"{name} has {size:,} bytes")

    monkeypatch.setattr(hugging_face, "refuse_without_room", full)
    with pytest.raises(StorageError, match="org/name has"):
        add_model(store, "hf:org/name")
    assert hub.asked == []


def test_which_file_is_meant() -> None:
    files = [HubFile(f"M-{one}.gguf", 1) for one in ("Q4_K_M", "Q4_K_S", "IQ4_XS", "UD-Q4_K_XL")]
    more = [*files, HubFile("mmproj-M-bf16.gguf", 9), HubFile("mmproj-M-F16.gguf", 8),
            HubFile("imatrix_M.gguf", 1), HubFile("config.json", 1)]  # fmt: skip

    def path(wanted: str = "", some: list[HubFile] = files) -> str:
        return meant(some, "o/m", wanted).weights[0].path

    assert path() == path("q4_k_m") == path("M-Q4_K_M.gguf") == "M-Q4_K_M.gguf"
    assert path("iq4_xs") == "M-IQ4_XS.gguf" and path("Q4_K_XL") == "M-UD-Q4_K_XL.gguf"
    projector = meant(more, "o/m").projector
    assert projector is not None and projector.path == "mmproj-M-F16.gguf"
    with pytest.raises(CommandError, match=r"no model that is Q4_K;") as told:
        path("Q4_K")
    assert "M-Q4_K_S" in str(told.value.hint)
    with pytest.raises(CommandError, match="no model that is Q4_K_M"):
        path(some=files[1:])
    assert path(some=files[1:2]) == "M-Q4_K_S.gguf"
    both = [*files, HubFile("M-UD-Q4_K_M.gguf", 1)]
    with pytest.raises(CommandError, match="2 models that are Q4_K_M"):
        path(some=both)
    assert path("m-q4_k_m", both) == "M-Q4_K_M.gguf"
    others = ("consolidated.safetensors", "onnx/model.safetensors", "original/a.safetensors")
    folder = [HubFile(one, 1) for one in ("config.json", "model.safetensors", "notes.pdf", *others)]
    assert [one.path for one in meant(folder, "o/m").weights] == ["config.json",
                                                                  "model.safetensors"]  # fmt: skip
    with pytest.raises(CommandError, match="no GGUF file"):
        meant(folder, "o/m", "Q4_K_M")


def test_a_name_that_is_none(store: ModelStore) -> None:
    for wrong in ("hf:", "hf:name", "hf:a/b/c", "hf:a b/c"):
        with pytest.raises(LakeletError, match="names no model of Hugging Face"):
            add_model(store, wrong)
