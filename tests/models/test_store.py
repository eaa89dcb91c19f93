"""The store of model files: linked or copied, kept by digest, forgotten without loss."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lakelet.errors import CommandError, ModelFileError, ModelNotFoundError
from lakelet.models import GivenFile, ModelStore, add_model, convert_model, read_gguf_header
from models.files import TEMPLATE, write_gguf
from models.test_card import write_safetensors


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


def test_a_file_is_linked_and_found_in_any_case(store: ModelStore, tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "Tiny-1M-Q4_0.gguf")
    told: list[tuple[int, int]] = []
    model = add_model(store, str(file), progress=lambda read, whole: told.append((read, whole)))
    assert (model.name, model.path) == ("tiny-1m-q4_0", file)
    assert model.digest == hashlib.sha256(file.read_bytes()).hexdigest()
    assert told[-1] == (file.stat().st_size, file.stat().st_size)
    assert store.model("TINY-1M-q4_0") == model == add_model(store, str(file))
    assert store.models() == [model]
    with pytest.raises(ModelNotFoundError, match=r"no model 'tiny-1m-q4'.*\n.*tiny-1m-q4_0"):
        store.model("tiny-1m-q4")
    assert store.remove("tiny-1m-q4_0") == []
    assert file.exists() and store.models() == []


def test_a_copy_is_the_stores_own_and_goes_with_its_last_name(
    store: ModelStore, tmp_path: Path
) -> None:
    file = write_gguf(tmp_path / "a.gguf")
    one = add_model(store, str(file), copy=True)
    two = add_model(store, str(file), copy=True, name="b")
    file.unlink()
    assert one.path == two.path and one.path.parent == store.root / "blobs"
    assert store.names_of(one) == ["b"]
    assert store.only_of(one) == [] and store.remove("a") == []
    assert store.model("b").card.parameters
    assert store.remove("b") == [two.path]
    assert list((store.root / "blobs").iterdir()) == []


def test_a_name_is_not_given_away(store: ModelStore, tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "a.gguf")
    add_model(store, str(file))
    other = write_gguf(tmp_path / "other.gguf", tokens=10)
    with pytest.raises(CommandError, match="means another model already"):
        add_model(store, str(other), name="A")
    assert add_model(store, str(other), name="a", over=True).path == other
    for wrong in ("", "…", "///"):
        with pytest.raises(CommandError, match=r"no name for a model|means another"):
            store.add(wrong, "x", [GivenFile("weights", file)])


def test_a_linked_file_that_changed_is_told_with_both_digests(
    store: ModelStore, tmp_path: Path
) -> None:
    file = write_gguf(tmp_path / "a.gguf")
    model = add_model(store, str(file))
    os.utime(file)  # looked at again, and the same
    assert store.model("a").card
    write_gguf(file, tokens=10)
    now = hashlib.sha256(file.read_bytes()).hexdigest()
    with pytest.raises(ModelFileError, match=f"was {model.digest} and is {now}"):
        _ = store.model("a").card
    file.unlink()
    with pytest.raises(ModelFileError, match="is not there any more"):
        _ = store.model("a").card


def test_the_parts_of_a_model_belong_together(store: ModelStore, tmp_path: Path) -> None:
    for number in (1, 2):
        write_gguf(
            tmp_path / f"big-{number:05}-of-00002.gguf",
            said={"split.tensors.count": 2, "split.count": 2},
            tensors={f"blk.{number}.ffn_up.weight": ((512, 256), "Q4_0")},
        )
    projector = write_gguf(
        tmp_path / "mmproj.gguf", architecture="clip", said={"clip.has_vision_encoder": True}
    )
    model = add_model(store, str(tmp_path))
    assert [one.role for one in model.files] == ["weights", "weights", "projector"]
    assert model.name == "big"
    assert (model.card.parameters, model.card.vision) == (2 * 512 * 256, True)
    assert add_model(store, str(tmp_path / "big-00002-of-00002.gguf"), name="other").path.name == (
        "big-00001-of-00002.gguf"
    )
    with pytest.raises(CommandError, match="is a projector for a model"):
        add_model(store, str(projector))
    (tmp_path / "big-00001-of-00002.gguf").unlink()
    with pytest.raises(CommandError, match=r"big-00001-of-00002\.gguf is not beside it"):
        add_model(store, str(tmp_path / "big-00002-of-00002.gguf"))


def test_a_folder_of_several_models_lists_them(store: ModelStore, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_gguf(tmp_path / f"{name}.gguf")
    with pytest.raises(CommandError, match=r"holds 2 models(.|\n)*a\.gguf(.|\n)*b\.gguf"):
        add_model(store, str(tmp_path))
    (tmp_path / "none").mkdir()
    for wrong in ("none", "nowhere"):
        with pytest.raises(CommandError, match="nothing was added"):
            add_model(store, str(tmp_path / wrong))


def test_a_kill_leaves_no_name_without_its_file(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "a.gguf")
    code = (
        "import sys; from pathlib import Path; from lakelet.models import *; "
        "add_model(ModelStore(Path(sys.argv[1])), sys.argv[2], copy=True)"
    )
    for place in ("before:models.copy", "after:models.copy", "before:models.blob",
                  "after:models.blob", "before:models.record", "after:models.record"):  # fmt: skip
        root = tmp_path / place.replace(":", "-")
        command = [sys.executable, "-c", code, str(root), str(file)]
        env = {**os.environ, "LAKELET_FAULT": f"kill:{place}"}
        assert subprocess.run(command, env=env, check=False).returncode == -9
        store = ModelStore(root)
        found = store.models()
        assert [one.name for one in found] == (["a"] if place == "after:models.record" else [])
        for one in found:
            one.files[0].verify(one.name)
        assert add_model(store, str(file), copy=True).card.parameters
        for left in (root / "blobs").iterdir():
            os.utime(left, (0, 0))
        store.add("b", "b", [GivenFile("weights", file)])  # what was left is swept by and by
        assert [p.name for p in (root / "blobs").iterdir()] == [f"sha256-{store.model('a').digest}"]


def test_weights_are_written_out_at_sixteen_bits(store: ModelStore, tmp_path: Path) -> None:
    import gguf
    import numpy as np
    from gguf.quants import dequantize, quantize

    rows = np.random.default_rng(7).normal(size=(64, 256)).astype(np.float32)
    kind = gguf.GGMLQuantizationType.Q8_0
    writer = gguf.GGUFWriter(tmp_path / "a.gguf", "llama")
    writer.add_array("general.languages", ["en"])
    writer.add_chat_template("{{ messages }}")
    writer.add_tensor("blk.0.ffn_up.weight", quantize(rows, kind), raw_dtype=kind)
    writer.add_tensor("output_norm.weight", np.ones(256, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model = add_model(store, str(tmp_path / "a.gguf"))
    copy = convert_model(store, model, "f16")
    assert copy.name == "a-f16" and copy.files[0].owned
    before, after = (read_gguf_header(one.path).metadata for one in (model, copy))
    assert {**after, "general.file_type": None} == {**before, "general.file_type": None}
    found = {one.name: one for one in gguf.GGUFReader(copy.path).tensors}
    assert found["output_norm.weight"].tensor_type.name == "F32"
    wanted = dequantize(quantize(rows, kind), kind).astype(np.float16)
    assert np.array_equal(found["blk.0.ffn_up.weight"].data, wanted)
    with pytest.raises(CommandError, match="a-f16 is at 16 bits already; nothing was written"):
        convert_model(store, copy, "f16")
    with pytest.raises(CommandError, match="--to can be f16"):
        convert_model(store, model, "q4")


def test_the_small_model_of_the_package(store: ModelStore) -> None:
    model = add_model(store, "smollm2")
    card = model.card
    assert (model.files[0].owned, card.family, card.context) == (True, "smollm2", 8192)
    assert (card.parameters, card.licence.spdx) == (134_515_008, "Apache-2.0")
    assert json.loads(next((store.root / "names").glob("*.json")).read_text())["name"] == "smollm2"


def lakelet(root: Path, *arguments: str, given: str = "") -> Any:
    return subprocess.run(
        [sys.executable, "-m", "lakelet", *arguments],
        cwd=root, input=given, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def ws_root(ws: Any) -> Path:
    """A workspace with a store of its own."""
    settings: Path = ws.folder.root / "lakelet.toml"
    settings.write_text(settings.read_text().replace('# store = "models"', 'store = "models"'))
    return settings.parent


def test_the_same_from_the_command_line(ws_root: Path, tmp_path: Path) -> None:
    root = ws_root
    assert "lakelet models add smollm2" in lakelet(root, "models").stdout
    file = write_gguf(tmp_path / "tiny.gguf", said={"general.license": "mit"})
    assert "1 file linked" in lakelet(root, "models", "add", str(file)).stdout
    listed = json.loads(lakelet(root, "models", "--json").stdout)
    assert next(iter(listed[0])) == "name" and listed[0]["licence"] == "MIT"
    assert "tiny" in lakelet(root, "models", "--licence", "permissive").stdout
    assert "No model of the store" in lakelet(root, "models", "--vision").stdout
    shown = lakelet(root, "models", "show", "tiny", "--tensors").stdout
    assert "MIT (permissive)" in shown and "blk.0.ffn_up.weight" in shown
    assert "1 file as added" in lakelet(root, "models", "verify", "tiny").stdout
    assert lakelet(root, "models", "remove", "tiny", given="n\n").returncode == 1
    assert "tiny is gone" in lakelet(root, "models", "remove", "tiny", given="y\n").stdout
    assert file.exists()
    wrong = lakelet(root, "models", "show", "tiny")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (1, False)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(file.read_bytes()[:-9])
    said = lakelet(root, "models", "add", str(broken))
    assert said.returncode == 1 and "is cut off" in said.stderr and "Traceback" not in said.stderr


def test_a_template_is_shown_replaced_and_brought_back(ws_root: Path, tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "a.gguf")
    assert lakelet(ws_root, "models", "add", str(file)).returncode == 0
    shown = lakelet(ws_root, "models", "template", "a")
    assert (shown.stdout.strip(), shown.stderr) == (TEMPLATE, "# its file's own\n")
    put = lakelet(ws_root, "models", "template", "a", "gemma")
    assert put.stdout == "a: its chat template is replaced, by that of gemma.\n"
    assert "replaced, by that of gemma" in lakelet(ws_root, "models", "show", "a").stdout
    (told,) = json.loads(lakelet(ws_root, "models", "--json").stdout)
    assert told["chat_template_from"] == "gemma"
    broken = tmp_path / "broken.jinja"
    broken.write_text("{% for %}")
    refused = lakelet(ws_root, "models", "template", "a", str(broken))
    assert refused.returncode == 1 and "is broken in line 1" in refused.stderr
    assert lakelet(ws_root, "models", "template", "a", "nothing").returncode == 1
    assert lakelet(ws_root, "models", "template", "a", "gemma", "--own").returncode == 2
    own = lakelet(ws_root, "models", "template", "a", "--own")
    assert own.stdout == "a: its chat template is its file's own.\n"


def test_what_belongs_to_a_model_may_come_from_an_address(ws_root: Path, tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "a.gguf")
    wrong = lakelet(ws_root, "models", "add", str(file), "--with", "http://127.0.0.1:9/p.gguf")
    assert wrong.returncode == 1 and "is not reached" in wrong.stderr
    assert "http://127.0.0.1:9/p.gguf" in wrong.stderr


def test_two_paths_to_one_store_lose_no_file(tmp_path: Path) -> None:
    """Workspaces beside one another, each with ``store = "../models"``, or by a linked folder."""
    write_gguf(tmp_path / "a.gguf")
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "two")
    first = ModelStore(tmp_path / "one" / ".." / "models")
    second = ModelStore(tmp_path / "link" / ".." / "models")
    a = add_model(first, str(tmp_path / "a.gguf"), name="a", copy=True)
    b = add_model(second, str(tmp_path / "a.gguf"), name="b", copy=True)
    assert a.files[0].place == b.files[0].place
    old = a.files[0].path.stat().st_mtime - 7 * 86_400
    os.utime(a.files[0].path, (old, old))
    assert first.remove("a") == []
    second.set_template("b", None)  # any change sweeps what is old and nobody's
    assert second.model("b").card.parameters == b.card.parameters


@pytest.mark.parametrize(
    "said",
    [
        {"llama.block_count": 2**31},
        {"llama.rope.scaling.factor": float("nan"),
         "llama.rope.scaling.original_context_length": 4096},
        {"llama.rope.scaling.factor": float("inf"),
         "llama.rope.scaling.original_context_length": 4096},
        {"general.sampling.temp": float("nan")}, {"tokenizer.ggml.merges": 7},
        {"llama.attention.head_count": [4, 4]},
    ],
)  # fmt: skip
def test_what_a_header_says_breaks_no_list(tmp_path: Path, said: dict[str, Any]) -> None:
    store = ModelStore(tmp_path / "store")
    model = add_model(store, str(write_gguf(tmp_path / "a.gguf", said=said)))
    assert model.card.parameters and [one.name for one in store.models()] == ["a"]
    assert all(value == value for value in model.card.sampling.values())


def test_a_folder_that_says_nothing_gets_no_name(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "store")
    folder = tmp_path / "folder"
    folder.mkdir()
    header = b'{"a": {"dtype": "BF16", "shape": [Infinity], "data_offsets": [0, 0]}}'
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    (folder / "config.json").write_text("{}")
    with pytest.raises(ModelFileError, match=r"wrongly. Nothing was added\."):
        add_model(store, str(folder))
    assert store.models() == []


def test_a_copied_folder_of_safetensors_does_not_run(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "store")
    folder = tmp_path / "folder"
    folder.mkdir()
    write_safetensors(folder / "model.safetensors", {"a": ("BF16", [4, 4])})
    (folder / "config.json").write_text('{"model_type": "llama"}')
    assert not add_model(store, str(folder), copy=True).runs
