"""The engine host: found by a lock and a key, for who shows it, and gone when nobody needs it."""

from __future__ import annotations

import http.client
import json
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from lakelet.inference import Conversation, Embedded, Message, Sampling, ask
from lakelet.inference.host.attaching import HostClient
from lakelet.models import ModelStore, add_model
from lakelet.workspace.locks import is_held


def question(store: ModelStore) -> str:
    conversation = Conversation((Message("user", "Count."),))
    return ask(Embedded(store), "smol", conversation, Sampling(temperature=0, max_tokens=4),
               context=256).text  # fmt: skip


def test_only_who_shows_the_key_is_let_in(store: ModelStore) -> None:
    question(store)
    client = HostClient(store)
    address = client.place.read()
    assert address is not None
    file = client.place.folder / "address.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    own = urlsplit(address.url).netloc
    assert own.startswith("127.0.0.1:")
    for key, host, status in (
        (address.key, own, 200), ("wrong", own, 401), ("", own, 401),
        (address.key, "evil.example", 401),
    ):  # fmt: skip
        connection = http.client.HTTPConnection(own)
        headers = {"host": host, "authorization": f"Bearer {key}"}
        connection.request("GET", "/ps", headers=headers)
        answer = connection.getresponse()
        assert answer.status == status, (key, host)
        answer.read()
        connection.close()
    # The engine itself wants a key of its own, which only a turn tells.
    (loaded,) = client.loaded()
    assert "key" not in json.dumps(loaded)


def test_several_begin_one_host_together(store: ModelStore, tmp_path_factory: object) -> None:
    HostClient(store).unload()
    with ThreadPoolExecutor(4) as several:
        answers = list(several.map(lambda _: question(store), range(4)))
    assert len(set(answers)) == 1
    (loaded,) = HostClient(store).loaded()
    assert (loaded["turns"], loaded["waiting"]) == (0, 0)


def test_a_model_that_nobody_uses_is_let_go_and_the_host_ends(
    store: ModelStore, tmp_path: object
) -> None:
    client = HostClient(store)
    address = client.place.read()
    if address is not None and is_held(client.place.lock):
        client.unload()
        os.kill(address.process, 15)
    until = time.monotonic() + 120
    while is_held(client.place.lock) and time.monotonic() < until:
        time.sleep(0.1)
    quick = Embedded(store)
    quick.host.keep = 0.5
    conversation = Conversation((Message("user", "Count."),))
    ask(quick, "smol", conversation, Sampling(max_tokens=2), context=256)
    while is_held(client.place.lock) and time.monotonic() < until:
        time.sleep(0.1)
    assert not is_held(client.place.lock)
    assert client.loaded() == []


def test_a_file_of_two_names_is_loaded_once_and_let_go_by_either(store: ModelStore) -> None:
    add_model(store, str(store.model("smol").path), name="twin")
    assert question(store)
    conversation = Conversation((Message("user", "Count."),))
    ask(Embedded(store), "twin", conversation, Sampling(max_tokens=2), context=256)
    client = HostClient(store)
    (loaded,) = client.loaded()
    assert loaded["names"] == ["smol", "twin"]
    assert client.unload("twin") == ["smol", "twin"] and client.loaded() == []
    store.remove("twin")
