"""The relay under /v1 beside a bare upstream, the barest relay, and LiteLLM's proxy: `python -m bench.gateway`."""
