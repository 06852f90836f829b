"""All SQL of the room, one module per noun.

Every function takes the caller's connection: the caller owns the transaction.
"""
