"""Models beside the pages: `/v1` of `lakelet up`."""

from __future__ import annotations

from starlette.testclient import TestClient

from inference.tiny import tiny_store
from lakelet.inference.host.attaching import HostClient
from lakelet.session import Workspace


def test_models_are_offered_beside_the_pages(ws: Workspace, pages: TestClient) -> None:
    store = tiny_store(ws.folder.root)
    settings = ws.folder.root / "lakelet.toml"
    settings.write_text(settings.read_text().replace('# store = "models"', 'store = "store"'))
    assert pages.get("/api/version").json()["lakelet"]
    told = pages.get("/v1/models").json()
    assert [one["id"] for one in told["data"]] == ["tiny-gemma", "tiny-llama", "tiny-qwen-thinks"]
    asked = {
        "model": "tiny-llama", "temperature": 0,
        "messages": [{"role": "user", "content": "What is the capital of Lomar?"}],
    }  # fmt: skip
    try:
        answer = pages.post("/v1/chat/completions", json=asked)
        assert (
            answer.json()["choices"][0]["message"]["content"] == "The capital of Lomar is Helmut."
        )
        for headers in ({"origin": "http://evil.example"}, {"host": "evil.example"}):
            assert (
                pages.post("/v1/chat/completions", json=asked, headers=headers).status_code == 403
            )
        assert pages.get("/v1/nothing").status_code == 404
    finally:
        HostClient(store).unload()
