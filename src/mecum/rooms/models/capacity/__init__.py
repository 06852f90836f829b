"""What operators see of the gate: the pools now, the last hour, and the hours before.

looking.py     the pools now, with the names of who waits
history.py     the last hour from memory, days and weeks from the totals of hours
out.py         both, rendered
api.py         their routes
"""
