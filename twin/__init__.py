"""The chargebox twin: a pure model, its OCPP dialects, and the shell that runs a fleet of them."""
