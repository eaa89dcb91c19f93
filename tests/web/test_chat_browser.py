"""A conversation in a browser: asked, streamed, stopped, edited into a branch, found again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from inference.tiny import tiny_store
from lakelet.inference.backend import Usage
from lakelet.inference.host.attaching import HostClient
from lakelet.inference.served import ServedModel, Server
from lakelet.models import add_model
from lakelet.session import Workspace, open_workspace
from lakelet.session.conversations import Writing
from web.looking import faults
from web.test_browser import Person
from web.test_screens import SIZES

LOMAR, ARNIA = "What is the capital of Lomar?", "What grows in Arnia?"
HELMUT = "The capital of Lomar is Helmut."


class Talker(Person):
    """Someone who talks to a model."""

    def __init__(self, browser: Any, site: str, theme: str = "light", size: str = "wide") -> None:
        super().__init__(browser, site, theme, size)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def open(self, address: str = "/chat?model=tiny-llama") -> None:
        self.page.goto(address)
        if self.page.locator("[data-how]").get_attribute("aria-expanded") == "false":
            self.page.locator("[data-how]").click()
        self.page.locator("#chat-temperature").fill("0")

    def say(self, text: str) -> None:
        before = self.page.locator(".assistant [data-prompt]").count()
        self.page.locator("#chat-text").fill(text)
        self.page.locator("#chat-text").press("Enter")
        self.page.locator(".assistant [data-prompt]").nth(before).wait_for()

    def said(self) -> list[str]:
        return list(self.page.locator(".chat-said > .chat-text:visible").all_inner_texts())


@pytest.fixture
def meet(browser: Any, ws: Workspace, serve: Callable[[Any], str]) -> Iterator[Any]:
    """People at the page; none of their browsers asks another host, or complains."""
    store = tiny_store(ws.folder.root)
    settings = ws.folder.root / "lakelet.toml"
    settings.write_text(settings.read_text().replace('# store = "models"', 'store = "store"'))
    site = serve(ws.folder.root)
    met: list[Talker] = []

    def one(theme: str = "light", size: str = "wide") -> Talker:
        met.append(Talker(browser, site, theme, size))
        return met[-1]

    yield one
    for person in met:
        person.context.close()
        assert all(url.startswith((site, "data:", "blob:")) for url in person.asked), person.asked
        assert person.complaints == []
    HostClient(store).unload()


def test_a_conversation_is_held_by_keyboard_and_found_again(meet: Any) -> None:
    person = meet()
    page = person.page
    person.open("/chat?model=tiny-qwen-thinks")
    page.locator("#chat-system").fill("Be short.")
    person.say(LOMAR)
    # What the system says it never learnt to hear: which city it names then is chance.
    system, asked, named = person.said()
    assert (system, asked) == ("Be short.", LOMAR) and named.startswith("The capital of Lomar is ")
    person.say(ARNIA)
    assert re.search(r"before [1-9]", page.locator("[data-meter-said]").inner_text())
    assert "prompt tokens reused" in page.locator("[data-facts]").last.inner_text()
    assert page.evaluate("document.activeElement.id") == "chat-text"
    assert "Answered." in page.locator("[data-heard]").text_content()
    address = page.url
    page.reload()
    assert page.url == address and person.said()[:3] == [system, LOMAR, named]
    page.locator(".chat-thought summary").first.click()
    page.get_by_text("capital of Lomar: ").wait_for()
    page.locator("#chat-find").fill("arnia")
    page.locator("#chat-find").press("Enter")
    page.locator("[data-kept] li", has_text=LOMAR).wait_for()
    page.locator(".assistant").first.get_by_role("button", name="Prompt").click()
    page.locator("dialog[open] pre", has_text="<|im_start|>user").wait_for()
    page.get_by_role("button", name="Close").click()
    page.locator(".assistant").first.get_by_role("button", name="Copy").click()
    page.locator("[data-heard]", has_text="Copied.").wait_for(state="attached")
    assert page.evaluate("navigator.clipboard.readText()") == named


def test_a_question_is_edited_into_a_branch(meet: Any, ws: Workspace) -> None:
    person = meet()
    page = person.page
    person.open()
    person.say(LOMAR)
    first = page.url
    page.get_by_role("button", name="Edit").first.click()
    page.get_by_text("begins a branch there").wait_for()
    assert page.locator("#chat-text").input_value() == LOMAR
    page.get_by_role("button", name="Leave it").click()
    page.get_by_role("button", name="Edit").first.click()
    page.locator("#chat-text").fill(ARNIA)
    page.locator("#chat-text").press("Enter")
    page.wait_for_url(lambda url: url != first)
    page.locator(".assistant [data-prompt]").wait_for()
    assert person.said()[0] == ARNIA and LOMAR not in person.said()
    page.get_by_role("button", name="Ask again").click()
    page.locator(".assistant [data-prompt]").wait_for()
    page.goto(first)
    assert person.said() == [LOMAR, HELMUT]
    kept = open_workspace(ws.folder.root).conversations()
    assert len(kept) == 3 and sum(bool(one.branch_of) for one in kept) == 2


def test_what_does_not_fit_comes_back_into_the_field(meet: Any) -> None:
    person = meet()
    page = person.page
    person.open()
    page.locator("#chat-context").fill("64")
    page.locator("#chat-text").fill(f"{LOMAR} " * 40)
    page.locator("#chat-text").press("Enter")
    page.locator("[data-failed]", has_text="the window 64").wait_for()
    assert page.locator("#chat-text").input_value().startswith(LOMAR)
    assert person.said() == [] and page.url.endswith("/chat?model=tiny-llama")
    page.locator("#chat-context").fill("")
    person.say(LOMAR)
    assert not page.locator("[data-failed]").is_visible()


def test_two_pages_say_what_happened(meet: Any) -> None:
    one, two = meet(), meet()
    one.open()
    one.say(LOMAR)
    two.open(one.page.url)
    one.say(ARNIA)
    two.page.locator("#chat-text").fill(ARNIA)
    two.page.locator("#chat-text").press("Enter")
    two.page.locator("[data-failed]", has_text="was said in it meanwhile").wait_for()
    two.page.reload()
    assert len(two.said()) == 4


def test_stop_keeps_what_had_come(meet: Any, ws: Workspace) -> None:
    person = meet()
    add_model(open_workspace(ws.folder.root).model_store, "smollm2")
    page = person.page
    person.open("/chat?model=smollm2")
    page.locator("#chat-text").fill("Tell me a long story about a dog.")
    page.locator("#chat-text").press("Enter")
    page.locator(".assistant > .chat-text", has_text=" ").wait_for(timeout=60_000)
    page.keyboard.press("Escape")
    page.locator("[data-facts]", has_text="stopped").wait_for(timeout=60_000)
    (text,) = page.locator(".assistant > .chat-text").all_inner_texts()
    _, said = open_workspace(ws.folder.root).conversation(page.url.rpartition("/")[2])
    assert said[1].ended == "stopped" and text.split()[0] in said[1].content
    assert page.get_by_role("button", name="Send").is_visible()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_whole_and_accessible(meet: Any, theme: str, size: str) -> None:
    person = meet(theme, size)
    page = person.page
    person.open("/chat?model=tiny-qwen-thinks")
    wrong = faults(page, "a new conversation")
    person.say(LOMAR)
    wrong += faults(page, "an answer")
    page.get_by_role("button", name="Edit").first.click()
    wrong += faults(page, "a branch")
    page.get_by_role("button", name="Leave it").click()
    page.get_by_role("button", name="Prompt").click()
    wrong += faults(page, "a prompt")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("size", SIZES)
def test_the_end_of_a_conversation_is_in_sight(meet: Any, size: str) -> None:
    person = meet(size=size)
    page = person.page
    person.open()
    page.locator("[data-how]").click()  # closed: it takes room
    hidden = (
        "document.querySelector('.chat-log').lastElementChild.getBoundingClientRect().bottom - "
        "document.querySelector('.chat-write').getBoundingClientRect().top"
    )
    for _ in range(7):
        person.say(LOMAR)
    assert page.evaluate(hidden) <= 0 and page.evaluate("window.scrollY") > 0
    page.reload()
    assert page.evaluate(hidden) <= 0 and page.evaluate("window.scrollY") > 0


def test_how_it_is_asked_is_kept_in_a_tab(meet: Any) -> None:
    person = meet()
    page = person.page
    person.open()
    page.locator("#chat-overflow").select_option("drop-oldest")
    page.reload()
    assert page.locator("#chat-overflow").input_value() == "drop-oldest"
    assert page.locator("#chat-temperature").input_value() == "0"


def test_an_answer_that_another_writes_is_read_on(meet: Any, ws: Workspace) -> None:
    writing = Writing(ws.folder, ServedModel(Server("far", "http://127.0.0.1:9/v1"), "any"))
    writing.say("user", LOMAR)
    writing.begin()
    person = meet()
    page = person.page
    page.goto(f"/chat/{writing.id}")
    assert "It is being written" in page.locator("[data-open]").inner_text()
    writing.keep("The capital", "", Usage(None, None), "")
    page.get_by_text("The capital", exact=True).wait_for()
    writing.keep(HELMUT, "", Usage(None, None), "stop")
    page.get_by_text(HELMUT).wait_for()
    page.locator("[data-open]").wait_for(state="detached")


def test_a_model_that_is_not_there_is_said_to_be(meet: Any) -> None:
    person = meet()
    person.page.goto("/chat?model=gone")
    assert "There is no model gone here" in person.page.locator(".note").first.inner_text()
