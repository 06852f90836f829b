"""OpenAI's Batch API: files of requests, answered when nobody else needs the models."""
