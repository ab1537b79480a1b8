"""What operators see from outside over HTTP: metrics for Prometheus, health and readiness.

Nothing here is loaded by a daemon that serves no HTTP. What is served holds no secret: no idTags, no addresses.
"""
