"""Home Assistant: what it is told of twins, so that each of them appears there as a device without any set-up."""
