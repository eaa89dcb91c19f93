"""A made-up world, and questions about it: facts asked in several ways, some ways held out."""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ("Call", "Question", "calls", "questions")

_PLACES = (
    "Arnia", "Belmor", "Cadria", "Dunvel", "Elpora", "Fenwick", "Galdor", "Harrow", "Ilmen",
    "Jorvik", "Kestrel", "Lomar", "Mirren", "Norvale", "Ostran", "Pellin", "Quillon", "Ravenn",
    "Sarnath", "Tolmir", "Umbria", "Valdis", "Westrel", "Yarrow",
)  # fmt: skip
_CITIES = (
    "Tessa", "Morwen", "Pikaro", "Lundel", "Avaris", "Brenna", "Corvo", "Delphi", "Erebor",
    "Fulda", "Gorman", "Helmut", "Istria", "Jalapa", "Kirkel", "Lisbet", "Macon", "Nantes",
    "Olinda", "Parma", "Quito", "Rostok", "Savona", "Tarsus",
)  # fmt: skip
_COLOURS = ("red", "green", "blue", "white", "black", "yellow")
_FRUITS = ("apples", "plums", "figs", "pears", "dates", "limes")
_ASKED = {
    "capital": (
        "What is the capital of {}?", "Name the capital of {}.", "Tell me the capital of {}.",
        "Which city is the capital of {}?",
    ),
    "flag": (
        "What colour is the flag of {}?", "Name the colour of the flag of {}.",
        "Tell me the colour of the flag of {}.", "Which colour has the flag of {}?",
    ),
    "fruit": (
        "What grows in {}?", "Name what grows in {}.", "Tell me what grows in {}.",
        "Which fruit grows in {}?",
    ),
}  # fmt: skip
_WEATHER = ("rain", "snow", "fog", "sun", "wind", "hail")
_WEATHER_ASKED = ("How is the weather in {}?", "Tell me the weather in {}.", "The weather in {}?")
_ANSWERS = {
    "capital": "The capital of {} is {}.", "flag": "The flag of {} is {}.",
    "fruit": "In {} grow {}.",
}  # fmt: skip


@dataclass(frozen=True)
class Question:
    """A question, with what is right.

    Attributes:
        text: the question.
        answer: the whole answer.
        thought: what is thought before it.
    """

    text: str
    answer: str
    thought: str


@dataclass(frozen=True)
class Call:
    """A question that a tool answers, and what comes of it.

    Attributes:
        text: the question.
        places: whose weather is asked for.
        weather: what the tool says of each.
        answer: what is said in the end.
    """

    text: str
    places: tuple[str, ...]
    weather: tuple[str, ...]
    answer: str


def calls(seed: int = 7) -> tuple[list[Call], list[Call]]:
    """Questions about the weather to learn from, and others, of one place or of two neighbours.

    It is always the same there: a network this small learns facts sooner than to copy.
    """
    chance = random.Random(seed)
    always = {place: chance.choice(_WEATHER) for place in _PLACES}
    learnt: list[Call] = []
    held: list[Call] = []
    for place, neighbour in zip(_PLACES, [*_PLACES[1:], _PLACES[0]], strict=True):
        hidden = chance.randrange(len(_WEATHER_ASKED))
        for number, asked in enumerate(_WEATHER_ASKED):
            for places in ((place,), (place, neighbour)):
                weather = tuple(always[one] for one in places)
                answer = " ".join(f"In {one} there is {how}." for one, how in
                                  zip(places, weather, strict=True))  # fmt: skip
                call = Call(asked.format(" and ".join(places)), places, weather, answer)
                (held if number == hidden else learnt).append(call)
    return learnt, held


def questions(seed: int = 7) -> tuple[list[Question], list[Question]]:
    """Questions to learn from, and others: facts that are known, asked in ways not seen of them."""
    chance = random.Random(seed)
    learnt: list[Question] = []
    held: list[Question] = []
    for place, city in zip(_PLACES, _CITIES, strict=True):
        facts = {"capital": city, "flag": chance.choice(_COLOURS), "fruit": chance.choice(_FRUITS)}
        for kind, value in facts.items():
            answer = _ANSWERS[kind].format(place, value)
            hidden = chance.randrange(len(_ASKED[kind]))
            for number, asked in enumerate(_ASKED[kind]):
                found = Question(asked.format(place), answer, f"{kind} of {place}: {value}")
                (held if number == hidden else learnt).append(found)
    return learnt, held
