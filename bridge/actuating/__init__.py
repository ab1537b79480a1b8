"""What the Central System wants, carried to real things: states as they change, actions with their confirmation.

`building` reads the configuration, `outputs` carries states, `actions` does what answers wait for, `actuators` holds
both. What a twin may draw is decided in the twin; here it is only lowered further, or put into a thing's own words.
"""
