"""Verification by spec/text alone: a second implementation, which shares no code with the first."""
