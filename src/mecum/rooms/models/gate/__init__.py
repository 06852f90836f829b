"""The gate in front of the model servers: who is served now, who waits, and how much a server gets at once.

fair.py        the queues of one band, fair between tenants; pure
line.py        one line: strict bands of such queues; pure
speed.py       how fast a server is, and would be with nothing else to do; pure
pressure.py    how much a server takes before it slows down; pure
pool.py        both in front of one account of a provider; pure
standing.py    what a call asks, and in which lines it stands; pure
pools.py       all pools: who is let in where, and who makes way; pure
hosting.py     the same with the calls of other replicas among one's own; pure
shared.py      pools that several replicas share: who decides, and what happens when that changes; pure
words.py       what replicas say to each other; pure
watching.py    the last hour of all pools; pure
viewing.py     all pools as they are now, for whoever looks at them; pure
reporting.py   what replicas tell of their pools to one that is looked at; pure
door.py        all of that for asyncio
panorama.py    the gate as all replicas see it together
link.py        replicas joined through Valkey
"""
