"""Real servers for tests: started by the first that asks, gone with the run.

Read `launch` and `guard_server`, then `places`, then one of the servers.
"""
