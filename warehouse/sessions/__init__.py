"""Charging sessions and standby: what of a register's growth was a charge, and what it drew between charges."""
