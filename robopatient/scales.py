"""Clinical pain scales and the examination's marks: items, ranges, and what a robotic patient can and cannot show.

Item names and ranges are the published ones (facts sheet patient_model, 14); the wording of the grades is our own.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["OSCE_ITEMS", "SCALES", "Item", "RatingScale", "parse_rating"]


class Item(NamedTuple):
    """One item of a scale.

    Attributes
    ----------
    grades
        What each grade means, from the lowest; empty where the value is a plain number.
    missing
        Why the patient cannot show it, or "" when the item can be computed.
    """

    name: str
    low: float
    high: float
    grades: tuple[str, ...] = ()
    missing: str = ""


class RatingScale(NamedTuple):
    """A scale and its items; a scale of one unnamed item is rated by its own name."""

    name: str
    title: str
    items: tuple[Item, ...]
    caveat: str = ""


NO_BODY = "the phantom has no limbs and does not move"

SCALES: dict[str, RatingScale] = {
    scale.name: scale
    for scale in (
        RatingScale(
            "NRS", "Numeric rating scale", (Item("", 0, 10),), "the patient's own and the trainee's are kept apart"
        ),
        RatingScale(
            "PSPI", "Pain shown by the face (Prkachin and Solomon)", (Item("", 0, 16),), "from the units drawn"
        ),
        RatingScale(
            "BPS",
            "Behavioral Pain Scale",
            (
                Item("face", 1, 4, ("relaxed", "brow lowered", "eyes closing tightly", "grimacing")),
                Item("limbs", 1, 4, (), NO_BODY),
                Item("ventilation", 1, 4, (), "nobody is ventilated"),
            ),
        ),
        RatingScale(
            "CPOT",
            "Critical-Care Pain Observation Tool",
            (
                Item("face", 0, 2, ("relaxed", "tense", "grimacing with eyes shut")),
                Item("movement", 0, 2, (), NO_BODY),
                Item("tension", 0, 2, (), "muscle tension of the limbs is not simulated"),
                Item("vocalisation", 0, 2, ("none", "sighs or moans", "cries out")),
            ),
        ),
        RatingScale(
            "PAINAD",
            "Pain Assessment in Advanced Dementia",
            (
                Item("breathing", 0, 2, (), "breathing is drawn for life, not as a sign of distress"),
                Item("vocalisation", 0, 2, ("none", "moans now and then", "cries out again and again")),
                Item("face", 0, 2, ("calm", "frowning", "grimacing")),
                Item("body", 0, 2, (), NO_BODY),
                Item("consolability", 0, 2, (), "nobody consoles, and the patient would not answer to it"),
            ),
            "asks for five minutes of observation",
        ),
        RatingScale(
            "Abbey",
            "Abbey Pain Scale",
            (
                Item("vocalisation", 0, 3, ("absent", "mild", "moderate", "severe")),
                Item("face", 0, 3, ("absent", "mild", "moderate", "severe")),
                Item("body", 0, 3, (), NO_BODY),
                Item("behaviour", 0, 3, (), "behaviour over a day is not simulated"),
                Item("physiology", 0, 3, (), "no pulse, blood pressure or sweating"),
                Item("physical", 0, 3, (), "no wounds or earlier injuries to see"),
            ),
        ),
    )
}

OSCE_ITEMS: dict[str, str] = {
    "hygiene": "Cleans hands",
    "introduction": "Introduces themselves and checks the patient's identity",
    "consent": "Explains the examination and obtains consent",
    "exposure": "Exposes the abdomen and keeps dignity",
    "inspection": "Inspects the abdomen",
    "face": "Watches the patient's face while pressing",
    "auscultation": "Listens for bowel sounds",
    "percussion": "Percusses the abdomen",
    "organs": "Examines liver, spleen, kidneys and aorta",
    "communication": "Talks with the patient throughout",
    "closing": "Thanks the patient, helps them to cover and sums up",
}
"""What only a person in the room can score: 0 not done, 0.5 partly, 1 done (facts sheet robopatient_systems, 5)."""


def parse_rating(text: str) -> tuple[str, float]:
    """Scale (with its item) and value of ``"NRS 6"``, ``"BPS.face 3"`` or ``"OSCE.consent 1"``.

    Raises
    ------
    ValueError
        Naming what is unknown or out of range, and what may be written.
    """
    where, _, number = text.strip().rpartition(" ")
    name, _, item_name = where.strip().partition(".")
    try:
        value = float(number)
    except ValueError:
        raise ValueError(f'rating "{text}": write SCALE.ITEM VALUE, for example "BPS.face 3" or "NRS 6"') from None
    if name == "OSCE":
        low, high, known = 0.0, 1.0, tuple(OSCE_ITEMS)
    elif name in SCALES:
        items = {item.name: item for item in SCALES[name].items}
        known = tuple(items)
        low, high = (items[item_name].low, items[item_name].high) if item_name in items else (0.0, 0.0)
    else:
        raise ValueError(f'rating "{text}": no scale "{name}"; known are {", ".join((*SCALES, "OSCE"))}')
    if item_name not in known:
        raise ValueError(f'rating "{text}": {name} has no item "{item_name}"; it has {", ".join(known)}')
    if not low <= value <= high:
        raise ValueError(f'rating "{text}": {name} {item_name} runs from {low:g} to {high:g}')
    return where.strip(), value
