"""Types (catalogue.md)."""

from .structures import ascending, read


def check_definition(definition):
    """What a definition is as an encoding; whether it is complete, the ledger judged."""


class Catalogue:
    """Section `catalogue`."""

    def __init__(self, data):
        _, entries = read("catalogue", data)
        ascending([entry[0][0] for entry in entries], "types")
        self.types = {tuple(entry[0][0]): entry[0] for entry in entries}

    def label(self, type_ref, key, language):
        """What the type calls a claim."""
        definition = self.types.get(tuple(type_ref))
        for claim in definition[2] if definition else []:
            if claim[0] == key:
                return named(claim[3], language)
        return None


def named(labels, language):
    """The label in a language, else the first."""
    return dict(labels).get(language) or (labels[0][1] if labels else None)
