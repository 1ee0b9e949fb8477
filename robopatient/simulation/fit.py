"""A patient from a short description: "NRS 7 at 20 N on the right iliac, mild elsewhere, stoic" becomes a TOML file.

Wishes are phrases between commas. What they leave open keeps its default; the one number that is fitted is
``reference_newton``, by pressing the patient as in a session.
"""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec

from robopatient.config import SensingConfig, asset_names
from robopatient.errors import ConfigError
from robopatient.folders import user_path
from robopatient.levels import MAX_NRS
from robopatient.patient import signs
from robopatient.patient.adaptation import Adaptation
from robopatient.patient.cues import Cues
from robopatient.patient.display import DisplayTraits
from robopatient.patient.expectation import Expectation
from robopatient.patient.fluctuation import Fluctuation
from robopatient.patient.offset import OffsetAnalgesia
from robopatient.patient.profile import PatientProfile, check
from robopatient.patient.report import ReportStyle
from robopatient.patient.stress import Stress
from robopatient.patient.summation import Summation
from robopatient.patient.tenderness import Psychophysics, TenderSite
from robopatient.phantom import REGIONS, Phantom, load_phantom
from robopatient.simulation.hand import GuidedHand

__all__ = ["Wishes", "fit_patient", "read_wishes", "to_toml"]

ELSEWHERE_NRS = {"none": 0.0, "mild": 1.5, "moderate": 4.0, "severe": 7.0}
"""Pain of the same press away from every site (assumption: within the bands of Boonstra 2016)."""
TOLERANCE_NRS = 0.05
REFERENCE_RANGE_NEWTON = (0.05, 5000.0)

TRAITS: dict[str, dict[str, Any]] = {
    "stoic": {"display": DisplayTraits(stoicism=0.9), "expressiveness": 0.6},
    "exaggerating": {"display": DisplayTraits(exaggeration=0.8), "expressiveness": 1.5},
    "expressive": {"expressiveness": 1.6},
    "anxious": {"stress": Stress(level=0.8), "expectation": Expectation(initial_nrs=7.0), "cues": Cues(weight=0.8)},
    "stressed": {"stress": Stress(level=0.8)},
    "chronic": {"kind": "chronic", "offset": OffsetAnalgesia(), "summation": Summation(gain_per_nrs_s=0.06)},
    "summating": {"summation": Summation()},
    "habituating": {"adaptation": Adaptation()},
    "fluctuating": {"fluctuation": Fluctuation(mean_nrs=1.5, sd_nrs=0.8)},
    "colicky": {"fluctuation": Fluctuation(mean_nrs=1.0, wave_nrs=5.0, waves_per_min=0.5, tau_min=5.0)},
    "dementia": {"talk": ReportStyle(confidence=0.0, confusion=0.45, refusal=0.1)},
    "reticent": {"talk": ReportStyle(refusal=0.5)},
    "talkative": {"talk": ReportStyle(sentences=3)},
    "rebound": {"release": signs.blumberg()},
    "guarding": {"guarding": signs.Guarding(gain=0.25, build_s=0.6)},
    "rigid": {"guarding": signs.rigidity()},
}
"""What one word switches on; the sizes are assumptions."""

SITED = ("murphy", "mcburney", "rovsing")
NUMBER = r"(\d+(?:\.\d+)?)"


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What is wished, read.

    ``traits`` are words of ``TRAITS``; ``signs`` of McBurney, Murphy, Rovsing bring their own site.
    """

    nrs: float
    newton: float
    region: str
    elsewhere: str = "none"
    traits: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    name: str = "A patient"
    age_years: int = 45
    sex: str = "female"
    complaint: str = ""
    voice: str = ""
    face: str = ""


def fit_patient(wishes: str | Wishes) -> str:
    """TOML text of a patient of whom the wishes are true; pressing it gives the pain that was wished.

    Raises
    ------
    ConfigError
        Naming the phrase that is not understood, the wish that cannot be met or the two that exclude each other.
    """
    wishes = read_wishes(wishes) if isinstance(wishes, str) else wishes
    draft = _draft(wishes, load_phantom(SensingConfig().phantom))
    check(draft, "wishes")
    at_mm = (draft.sites[0].left_mm, draft.sites[0].head_mm)

    def pain(reference_newton: float) -> float:
        scaled = _scaled(draft, reference_newton, wishes)
        without = msgspec.structs.replace(scaled, fluctuation=None)  # the wish is about the press
        return max(state.nrs for state in GuidedHand(without).press(wishes.newton, at_mm))

    low, high = REFERENCE_RANGE_NEWTON
    least, most = pain(high), pain(low)
    if not least - TOLERANCE_NRS <= wishes.nrs <= most + TOLERANCE_NRS:
        raise ConfigError(
            f"NRS {wishes.nrs:g} at {wishes.newton:g} N: this patient feels between {least:.1f} and {most:.1f} there; "
            "wish another pain, more force, or drop a trait"
        )
    for _ in range(40):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if pain(middle) > wishes.nrs else (low, middle)
        if abs(pain(middle) - wishes.nrs) < TOLERANCE_NRS / 5:
            break
    fitted = _scaled(draft, round(middle, 3), wishes)
    check(fitted, "wishes")
    reached = pain(round(middle, 3))
    heading = (
        f"# Fitted: a press of {wishes.newton:g} N on the {wishes.region} region hurts {reached:.1f} "
        f"(wished {wishes.nrs:g}).\n# Only reference_newton is fitted; all else is an assumption or a default.\n"
    )
    return heading + to_toml(fitted)


def read_wishes(text: str) -> Wishes:
    """Wishes of phrases between commas.

    Raises
    ------
    ConfigError
        Naming the phrase that is not understood and what would be.
    """
    told: dict[str, Any] = {"traits": (), "signs": ()}
    for phrase in filter(None, (part.strip() for part in re.split(r"[,;]", text))):
        plain = phrase.lower()
        if found := re.fullmatch(rf"nrs\s+{NUMBER}\s+at\s+{NUMBER}\s*n(?:ewton)?\s+(?:on|in)\s+(?:the\s+)?(.+)", plain):
            nrs, newton, region = float(found[1]), float(found[2]), found[3].removesuffix(" region").strip()
            told |= {"nrs": nrs, "newton": newton, "region": _region(region, phrase)}
        elif found := re.fullmatch(r"(none|nothing|mild|moderate|severe) elsewhere", plain):
            told["elsewhere"] = "none" if found[1] == "nothing" else found[1]
        elif found := re.fullmatch(r"(male|female|man|woman)(?:\s+of)?(?:\s+(\d+))?", plain):
            told["sex"] = "female" if found[1] in ("female", "woman") else "male"
            told |= {"age_years": int(found[2])} if found[2] else {}
        elif found := re.fullmatch(r"(\d+) years?(?: old)?|aged? (\d+)", plain):
            told["age_years"] = int(found[1] or found[2])
        elif found := re.fullmatch(r"(called|voice|face|complaint)\s+(.+)", phrase, re.IGNORECASE):
            told["name" if found[1].lower() == "called" else found[1].lower()] = found[2]
        elif (word := plain.removesuffix("'s sign").removesuffix("s sign").strip()) in SITED:
            told["signs"] += (word,)
        elif plain in TRAITS:
            told["traits"] += (plain,)
        else:
            raise ConfigError(
                f'"{phrase}" is not understood; say for example "NRS 7 at 20 N on the right iliac", "mild elsewhere", '
                f'"woman of 60", "called Ann", or one of {", ".join((*TRAITS, *SITED))}'
            )
    if "nrs" not in told:
        raise ConfigError('wishes: no pain is wished; begin with "NRS 7 at 20 N on the right iliac"')
    return Wishes(**told)


def to_toml(profile: PatientProfile) -> str:
    """File of a profile: what is not the default, as ``load_patient`` reads it."""
    lines: list[str] = []
    tables: list[str] = []
    for field in msgspec.structs.fields(profile):
        value = getattr(profile, field.name)
        if field.name == "sites":
            for site in value:
                tables += ["", "[[sites]]", *_values(site)]
        elif isinstance(value, msgspec.Struct):
            if value != field.default:
                tables += ["", f"[{field.name}]", *_values(value)]
        elif value is not None and (field.required or value != field.default):
            lines.append(f"{field.name} = {_toml(value)}")
    return "\n".join([*lines, *tables, ""])


def _region(text: str, phrase: str) -> str:
    known = [name for row in REGIONS for name in row]
    if text not in known:
        raise ConfigError(f'"{phrase}": {text} is no region of the abdomen; choose one of {", ".join(known)}')
    return text


def _draft(wishes: Wishes, phantom: Phantom) -> PatientProfile:
    if not 0.0 < wishes.nrs < MAX_NRS:
        raise ConfigError(f"NRS {wishes.nrs:g}: wish a pain between 0 and 10, both excluded: a press only nears them")
    if ELSEWHERE_NRS[wishes.elsewhere] >= wishes.nrs:
        raise ConfigError(
            f'wishes: "{wishes.elsewhere} elsewhere" (NRS {ELSEWHERE_NRS[wishes.elsewhere]:g}) contradicts NRS '
            f"{wishes.nrs:g} on the {wishes.region}; the tender place must hurt more"
        )
    sections: dict[str, Any] = {}
    for trait in wishes.traits:
        for key, value in TRAITS[trait].items():
            if key in sections and sections[key] != value:
                before = next(one for one in wishes.traits if key in TRAITS[one])
                raise ConfigError(f'wishes: "{trait}" contradicts "{before}": both set {key}; drop one of them')
            sections[key] = value
    made = {"mcburney": signs.mcburney(), "murphy": signs.murphy(), "rovsing": signs.rovsing()}
    sites = [made[name] for name in wishes.signs]
    if all(site.region != wishes.region for site in sites):
        left_mm, head_mm = phantom.middle_mm(wishes.region)
        sites.insert(0, TenderSite(name=wishes.region, region=wishes.region, left_mm=left_mm, head_mm=head_mm))
    sites.sort(key=lambda site: site.region != wishes.region)  # the wish is about the first
    voice = wishes.voice or _player(wishes)
    return PatientProfile(
        name=wishes.name,
        age_years=wishes.age_years,
        sex="female" if wishes.sex == "female" else "male",
        complaint=wishes.complaint or f"Pain in the {wishes.region} region",
        history="",
        voice=_asset("voices", voice),
        face=_asset("faces", wishes.face or voice),
        sites=tuple(sites),
        **sections,
    )


def _scaled(draft: PatientProfile, reference_newton: float, wishes: Wishes) -> PatientProfile:
    """The draft with this slope, and with the tenderness elsewhere that the wish comes to under it."""
    threshold = min(draft.psychophysics.threshold_newton, wishes.newton / 4.0)  # a light wish is a light threshold
    over = (max(0.0, wishes.newton - threshold) / reference_newton) ** draft.psychophysics.exponent
    elsewhere = -math.log1p(-ELSEWHERE_NRS[wishes.elsewhere] / MAX_NRS)
    baseline = round(min(1.0, max(elsewhere / over, 0.01 if elsewhere == 0.0 else 0.0)), 4) if over else 0.0
    psychophysics = Psychophysics(
        threshold_newton=threshold, reference_newton=reference_newton, baseline_tenderness=baseline
    )
    return msgspec.structs.replace(draft, psychophysics=psychophysics)


def _player(wishes: Wishes) -> str:
    """Shipped identity that can play it: by sex, and by age above or below fifty."""
    young, old = ("mei", "margaret") if wishes.sex == "female" else ("david", "tomas")
    return old if wishes.age_years >= 50 else young


def _asset(kind: str, name: str) -> str:
    if name not in asset_names(kind) and not user_path(name).is_file():
        raise ConfigError(
            f"{kind[:-1]} {name}: choose one of {', '.join(asset_names(kind))} or the path of your own file"
        )
    return name


def _values(part: msgspec.Struct) -> list[str]:
    """Lines of a section: its values that are not defaults, all required ones."""
    return [
        f"{field.name} = {_toml(getattr(part, field.name))}"
        for field in msgspec.structs.fields(part)
        if field.required or getattr(part, field.name) != field.default
    ]


def _toml(value: Any) -> str:
    """One value; strings and numbers are written in TOML as in JSON."""
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, msgspec.Struct):
        return "{ " + ", ".join(_values(value)) + " }"
    if isinstance(value, str):
        return '"' + "".join(_escaped(sign) for sign in value) + '"'
    return msgspec.json.encode(value).decode()


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    return sign if sign.isprintable() else f"\\u{ord(sign):04x}"
