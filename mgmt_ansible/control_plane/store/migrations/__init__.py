"""Migrations, in order; each begins with a sentence."""
