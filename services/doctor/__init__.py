"""What is wrong with a deployment, running or stopped, and what to do about it.

Every check is a function that looks and changes nothing, and gives findings; the list of them is
``examination.CHECKS``.
"""
