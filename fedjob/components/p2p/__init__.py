"""Peer-to-peer optimisation: sites that exchange values with their neighbours, without a server between their steps."""
