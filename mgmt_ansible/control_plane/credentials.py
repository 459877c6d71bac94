"""Credentials: random, and the only place that makes them."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_PREFIX = "mga_"  # noqa: S105 - a prefix by which secret scanners know our tokens


def new_token() -> str:
    """Return a new access token: `mga_` and 32 random bytes, URL-safe."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_secret() -> str:
    """Return 32 random bytes, URL-safe: a login code or a session."""
    return secrets.token_urlsafe(32)


def sha256_hex(text: str) -> str:
    """Return the digest under which a secret is stored."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
