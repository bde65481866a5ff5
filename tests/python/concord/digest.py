"""Digests under tags (encoding.md, 2)."""

import hashlib


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def message(text, *parts):
    """What is hashed or signed for the purpose `text`."""
    return b"".join((b"concord/", text.encode(), b"/v1", *parts))


def tag(text, *parts):
    return sha256(message(text, *parts))
