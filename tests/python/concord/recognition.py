"""Declarations of recognition and their evaluation (recognition.md)."""

import datetime
from typing import NamedTuple

from .structures import ascending, check_day, read

DAY = 86_400


class Presented(NamedTuple):
    """What a declaration is asked about: a credential, and how it is presented."""

    source: str
    type: tuple
    issued_on: int
    issued_at: int
    time: int
    purpose: str | None


class Declaration:
    """A declaration of section `recognition`."""

    def __init__(self, value):
        self.recogniser, self.number, terms, _, withdrawn = value
        (self.source, self.type_id, self.min_version, self.local_type, self.values, level, self.issued_from, self.issued_until,
         self.presented_from, self.presented_until, self.max_age_days, self.purposes, self.basis) = terms  # fmt: skip
        self.level = ["equal", "conditional"][level]
        _, self.withdrawn_issued_until, self.withdrawn_presented_until = withdrawn or (None, None, None)
        for day in (self.issued_from, self.issued_until, self.withdrawn_issued_until):
            if day is not None:
                check_day(day)

    def is_about(self, presented):
        return self.source in (None, presented.source) and self.type_id == presented.type[0]

    def missed(self, presented):
        """The first of the eight conditions that is missed, or None if it covers the credential (3)."""

        def at_most(value, *bounds):
            return all(bound is None or value <= bound for bound in bounds)

        oldest = None if self.max_age_days is None else presented.issued_at + DAY * self.max_age_days
        held = [
            self.is_about(presented),
            presented.type[1] >= self.min_version,
            self.issued_from is None or presented.issued_on >= self.issued_from,
            at_most(presented.issued_on, self.issued_until, self.withdrawn_issued_until),
            self.presented_from is None or presented.time >= self.presented_from,
            at_most(presented.time, self.presented_until, self.withdrawn_presented_until),
            at_most(presented.time // 1000, oldest),
            not self.purposes or presented.purpose is None or presented.purpose in self.purposes,
        ]
        return held.index(False) + 1 if False in held else None

    def unmet(self, presented):
        """The condition that is missed, as a report says it, and what would meet it."""
        last_day = min((day for day in (self.issued_until, self.withdrawn_issued_until) if day is not None), default=None)
        name, *needs = {
            2: ("version", self.min_version),
            3: ("issued-before", self.issued_from and day_text(self.issued_from)),
            4: ("issued-after", last_day and day_text(last_day)),
            5: ("not-yet",),
            6: ("over",),
            7: ("too-old", self.max_age_days),
            8: ("purpose", ", ".join(self.purposes)),
        }[self.missed(presented)]
        return {"condition": name} | ({"needs": needs[0]} if needs else {})


def day_text(day):
    """A day as YYYY-MM-DD."""
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()


class Recognition:
    """Section `recognition`."""

    def __init__(self, data):
        _, declarations = read("recognition", data)
        ascending([declaration[:2] for declaration in declarations], "declarations")
        self.declarations = [Declaration(declaration) for declaration in declarations]

    def about(self, recogniser, presented):
        """The declarations of a region about this type and source, the latest first: the first that covers it counts."""
        own = [declaration for declaration in self.declarations if declaration.recogniser == recogniser]
        return [declaration for declaration in reversed(own) if declaration.is_about(presented)]
