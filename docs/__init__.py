"""Writes those pages, and parts of pages, that follow from the code; a test tells when one is out of date."""
