"""What server and sites exchange, as FLARE's users know it: Shareable, DXO, FLModel, FLContext and their words.

The modules answer ``nvflare.apis`` and parts of ``nvflare.app_common``; which name is where says flare/names.py.
"""
