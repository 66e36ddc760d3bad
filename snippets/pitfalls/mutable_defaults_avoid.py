"""Record audit events, and lose or leak them."""


# --8<-- [start:answer]
# expect: ruff[B006]
def record_shared(event: str, log: list[str] = []) -> list[str]:
    # expect: test[a_shared_default_hands_the_events_of_one_user_to_the_next]
    log.append(event)
    return log


def record_if_truthy(event: str, log: list[str] | None = None) -> list[str]:
    # expect: test[or_leaves_the_empty_log_of_the_caller_empty]
    log = log or []
    log.append(event)
    return log
    # --8<-- [end:answer]
