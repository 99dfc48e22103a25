"""The shipped workflows as they are written: ``python -m tests.nodes.flows`` writes the files anew.

``builder`` knows the page's format, ``templates`` says what is in each.
"""
