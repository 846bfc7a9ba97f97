"""The newest days' sessions and standby, copied from the lake for whoever may ask PostgreSQL alone."""
