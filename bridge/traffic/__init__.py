"""Traffic: cars that come to twins, charge and go by themselves, as the setting `traffic` says.

Pure are `plan` (when, who, how long) and `driver` (what a driver does); `road` gives them time and twins.
"""
