"""Signing in by OpenID Connect: who somebody is, a provider says, by the authorization code flow with PKCE."""
