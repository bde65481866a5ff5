"""Why bytes are refused."""


class Unreadable(Exception):
    """They are not the one encoding of what they should be (encoding.md, 1)."""


class Truncated(Unreadable):
    """They end too early."""


class NewerSoftware(Unreadable):
    """A version, algorithm or scheme that this software does not know (encoding.md, Versions)."""


class Refused(Exception):
    """They can be read, and break a rule; `reason` is the text's word for it."""

    def __init__(self, reason, why=""):
        super().__init__(f"{reason}: {why}" if why else reason)
        self.reason = reason


def must(condition, why, fault=Unreadable):
    if not condition:
        raise fault(why)
