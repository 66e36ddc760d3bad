"""Binds snippets, pages and tests: proves the ones by the others, and publishes."""
