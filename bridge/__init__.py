"""The MQTT side of the daemon, and the composition root that joins it to the fleet."""
