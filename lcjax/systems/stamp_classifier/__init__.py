"""The ALeRCE stamp classifier."""
