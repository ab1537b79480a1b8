"""Real things on MQTT: what their sensors say becomes levels and edges of twins.

`building` reads the configuration, `feed` takes messages, `conclusions` infers plugs from power, `trial` explains what
would happen. Everything that a message means to a twin is decided where commands are: in `translate` and in the twin.
"""
