"""For clients of plain HTTP: to load the authorities that nobody is asked for costs 30 ms of each client."""

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""It trusts nobody."""
