"""Streamers: large things that go from one party to others piece by piece, and retrievers that ask for them.

Answers ``nvflare.app_common.streamers`` (FLARE >= 2.6).
"""
