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

    def claim_labels(self, type_ref, key):
        """What the type calls a claim, by language."""
        definition = self.types.get(tuple(type_ref))
        return next((claim[3] for claim in definition[2] if claim[0] == key), []) if definition else []
