"""Figures of the daemon as it ships, beside yardsticks that anyone can repeat, from the same run."""
