"""A made-up world, and questions about it: facts asked in several ways, some ways held out."""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = ("Question", "questions")

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
