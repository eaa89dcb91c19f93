"""Foreign requests are refused, and answers say what a page may do."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from web.conftest import HOST


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1:9999"},
        {"host": "evil.example:8320"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": f"https://{HOST}"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
    ],
)
def test_a_foreign_request_is_refused(pages: TestClient, headers: dict[str, str]) -> None:
    for path in ("/tables", "/tables.json", "/static/page.css", "/openapi.json"):
        answer = pages.get(path, headers=headers)
        assert answer.status_code == 403, path
        assert set(answer.json()["error"]) == {"kind", "message", "hint"}
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "localhost:8320"},
        {"host": "[::1]:8320"},
        {"origin": f"http://{HOST}"},
        # A link on a page of another site, followed by a person.
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    ],
)
def test_a_request_of_this_machine_is_answered(pages: TestClient, headers: dict[str, str]) -> None:
    assert pages.get("/tables", headers=headers).status_code == 200


def test_a_navigation_from_another_site_posts_nothing(pages: TestClient) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert pages.post("/tables", headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/tables", "/tables.json", "/no/such/page", "/static/page.css"])
def test_what_every_answer_says(pages: TestClient, path: str) -> None:
    said = pages.get(path, headers={"accept": "text/html"}).headers
    policy = said["content-security-policy"]
    assert "unsafe" not in policy and policy.startswith("default-src 'none'")
    assert said["x-content-type-options"] == "nosniff"
    assert said["referrer-policy"] == "same-origin"
    assert said["cross-origin-opener-policy"] == "same-origin"


def test_a_nonce_is_used_once(pages: TestClient) -> None:
    policies = {pages.get("/tables").headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


def test_one_shape_of_errors(pages: TestClient) -> None:
    for path, status in (
        ("/no/such/page", 404), ("/tables/no/such.json", 404), ("/tables/s/t/sample.json", 404),
        ("/tables.json?find=a", 200), ("/tables.json?at=never", 400), ("/tables/a?first=-1", 422),
    ):  # fmt: skip
        answer = pages.get(path)
        assert answer.status_code == status, path
        if status != 200:
            assert set(answer.json()["error"]) == {"kind", "message", "hint"}
    page = pages.get("/tables/no/such", headers={"accept": "text/html"})
    assert page.status_code == 404 and "Nothing is here" in page.text
