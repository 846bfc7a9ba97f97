"""Dagster's UI behind the API's sign-in: what comes below ``/dagster/`` is asked of Dagster's own web server."""
