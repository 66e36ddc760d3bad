"""Record audit events in a log that the caller may own."""


def record(event: str, log: list[str] | None = None) -> list[str]:
    """Append an event to a log, or start a new log.

    Args:
        event: What happened.
        log: The log to extend in place; a new one if ``None``.

    Returns:
        The log that holds the event: ``log`` itself where one was given.

    Examples:
        >>> mine: list[str] = []
        >>> record("login", mine) is mine
        True
        >>> mine
        ['login']
    """
    # --8<-- [start:answer]
    if log is None:
        log = []
    log.append(event)
    return log
    # --8<-- [end:answer]
