"""The gate in front of the model servers: who is served now, who waits, and how much a server gets at once.

fair.py        the queues of one band, fair between tenants; pure
line.py        one line: strict bands of such queues; pure
pressure.py    how much a server takes before it slows down; pure
pool.py        both in front of one account of a provider; pure
standing.py    what a call asks, and in which lines it stands; pure
pools.py       all pools: who is let in where, and who makes way; pure
door.py        all of that for asyncio
"""
