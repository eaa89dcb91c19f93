"""Small language models for tests, trained here: real files for an engine, in seconds to load.

``python -m small_models FOLDER`` (from ``tests/``) trains each and writes it as GGUF, if it is not
there: Llama-, Qwen- and Gemma-shaped ones that answer questions about a made-up world, one of them
after thinking. Each must answer 95 % of its held-out questions before it is written.
"""
