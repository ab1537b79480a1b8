"""The messages of OCPP 1.6 as typed structs, a module for each group of feature profiles.

Decides what is a valid payload, by the schemas of 2019-12 and the Security whitepaper; must not know what a message
means. A member that may be left out is UNSET then: null is no value in OCPP.
"""
