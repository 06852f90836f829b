"""Budgets: what a person, key or organisation may use in a day, week or month."""
