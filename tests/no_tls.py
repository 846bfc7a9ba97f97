"""For clients of plain HTTP: to load the authorities that nobody is asked for costs 30 ms of each client."""

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""It trusts nobody."""

NO_QUESTIONS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""It believes whoever answers."""
NO_QUESTIONS.check_hostname = False
NO_QUESTIONS.verify_mode = ssl.CERT_NONE
