"""Certificates, keys and signatures, on the `cryptography` package."""
