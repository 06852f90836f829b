"""The gate under load: who is served how, beside a plain queue and beside rate caps.

load.py        the traces, or a load of the same moments; tenants, a noisy neighbour, a dump of bulk
engine.py      a simulated batch engine
policies.py    the gate, a plain queue, rate caps, and nothing at all
replay.py      one run in virtual time
figures.py     what came of it
served.py      the same through a real server, with a provider that is as slow as the engine
"""
