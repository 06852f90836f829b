"""The gate in front of the model servers: who is served now, who waits, and how much a server gets at once.

line.py        one line: strict bands, fair queues inside a band; pure
pressure.py    how much a server takes before it slows down; pure
door.py        both in front of each provider, for asyncio
"""
