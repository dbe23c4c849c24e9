"""Harkara: a self-hosted news distribution desk."""
