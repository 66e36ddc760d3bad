"""What is written: rules, modules, pages, lists, history, and its faults.

In comes the tree of the project; out go rules with their files, what the modules and
pages say to the machinery, and a fault for each thing that can be told wrong by
reading alone. Read `project` and `tree`; then `comments`, `docstrings` and `cut` for
code, `blocks` and `pages` for prose; `lint` calls them all.
"""
