"""Writes those parts of the README that follow from the code; a test tells when one is out of date."""
