"""The chargebox itself: pure, synchronous, version-neutral. It owns no clock, socket, task or file."""
