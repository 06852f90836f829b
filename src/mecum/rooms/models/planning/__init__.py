"""Tool calls for models that have none of their own: a small constrained decision, then either a call or an answer."""
