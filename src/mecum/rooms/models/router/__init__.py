"""`mecum-auto`: fast or thinking, for each request. Pure but for `routing.py`, `ledger.py` and its doors."""
