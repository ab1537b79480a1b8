"""Wire formats: how a twin's reports and a Central System's requests look in OCPP-J. Pure, without input or output."""
