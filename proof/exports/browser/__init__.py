"""Python in a reader's browser: what is fetched for it, and the session it runs."""
