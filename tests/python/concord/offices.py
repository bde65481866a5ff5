"""Directories, and how offices stand (offices.md)."""

from . import ed25519, keyring
from .structures import ascending, read

MOST_STEPS = 64


class Office:
    """An office-entry, and where it stands."""

    def __init__(self, region, entry):
        self.id = (region, entry[0])
        (_, self.parent, _, self.names, keys, (_, self.regions), *_, self.succession, self.delegations) = entry
        keyring.check(keys)

    def name(self, height):
        """Its labels at a height (1)."""
        held = [labels for since, labels in self.names if since <= height]
        return held[-1] if held else self.names[0][1] if self.names else []


class Series:
    """A series-entry, and in which region's directory it stands."""

    def __init__(self, region, entry):
        self.region = region
        self.id, office, self.type, _, self.key, self.since, self.frozen, _ = entry
        self.office = (region, office)
        ed25519.check_key(self.key)


class Directories:
    """The directories that a bundle carries."""

    def __init__(self, sections):
        self.offices, self.series = {}, {}
        self.regions = set(sections)
        for region, data in sections.items():
            _, offices, series = read("directory", data)
            ascending([entry[0] for entry in offices], "offices")
            ascending([entry[0] for entry in series], "series")
            self.offices |= {(region, entry[0]): Office(region, entry) for entry in offices}
            self.series |= {entry[0]: Series(region, entry) for entry in series}

    def holders(self, office):
        """The office, and those that followed it, each with the height from which on it held (2)."""
        found, since = [], 0
        for _ in range(MOST_STEPS):
            found.append((tuple(office), since))
            entry = self.offices.get(tuple(office))
            if entry is None or entry.succession is None:
                break
            office, since = entry.succession
        return found

    def successors(self, regions):
        """The regions in which offices took the places of those of these regions."""
        return {
            office.succession[0][0] for office in self.offices.values() if office.id[0] in regions and office.succession
        }

    def holder(self, office, height=None):
        """The holder at a height, or by all successions there are."""
        held = None
        for successor, since in self.holders(office):
            if height is not None and since > height:
                break
            held = successor
        return held

    def upwards(self, office):
        """The offices met walking upwards (2)."""
        met = []
        while office in self.offices and len(met) < MOST_STEPS:
            entry = self.offices[office]
            met.append(entry)
            if entry.parent is None:
                break
            office = self.holder((office[0], entry.parent))
        return met

    def reaches(self, office, region):
        return all(entry.regions is None or region in entry.regions for entry in self.upwards(office))
