"""The commented ``lakelet.toml`` that ``lakelet init`` writes."""

from __future__ import annotations

__all__ = ("SETTINGS_TEMPLATE",)

SETTINGS_TEMPLATE = """\
# Settings of this Lakelet workspace. Everything here has a default; a line that is commented out
# shows it. Keep this file under version control. Secrets are written by reference only:
# env:NAME, file:PATH or keyring:NAME.

# Text without a zone is read in this zone, and results are shown in it.
time_zone = "{time_zone}"

[lake]
# Where the Delta tables live: a folder, or a bucket such as "s3://my-bucket/lake".
# path = "lake"
# Versions younger than this are never removed by `lakelet maintain`.
# retention = "30 days"

[loading]
# What a load does with fields the table does not have: add | widen | rescue | fail.
# evolve = "add"
# The share of a new column's values its type must fit; the others are rescued.
# tolerance = 0.99
# The most bytes a `widen` may rewrite.
# widen_limit = "1 GB"
# A file that changed under its old name: report | replace | fail.
# on_changed = "report"

[sql]
# databricks | duckdb
# dialect = "databricks"
# Whether statements are kept in system.queries, for 90 days.
# history = true

[resources]
# For each process; one that finds another at work takes half. threads = 0 means all cores.
# memory = "50%"
# threads = 0
# temp = ".lakelet/temp"
# An update stops staging while less than this is free.
# min_free_disk = "2 GB"

[runs]
# The address of an MLflow server; without one, runs are kept in .lakelet/mlflow.db.
# tracking = "http://127.0.0.1:5000"
# Files that git does not track are kept with a run up to this size each; all changes up to ten
# times as much.
# untracked = "1 MB"

[models]
# Where model files are kept; without one, once for each user in the user's data folder.
# store = "models"
# The model that is meant where none is named.
# default = "smollm2-f16"
# A llama-server of your own with its arguments, built for your GPU perhaps, that runs the store's
# models in the place of the engine that comes with Lakelet. It is started and ended as they are.
# llama_server = "~/llama.cpp/build/bin/llama-server --n-gpu-layers 99"
# How a model is sampled, in the place of what its file or its makers say.
# [models.presets.smollm2-f16]
# temperature = 0.7
# top_p = 0.9
# top_k = 40
# min_p = 0.05
# repeat_penalty = 1.0
# What the gateway does with sampling that a client asks for and that is not what is advised: advise
# does as asked and says so, enforce does as advised. And with an answer that repeats itself without
# end: it is marked, and with stop_loops ended.
# [models.gateway]
# presets = "advise"
# stop_loops = false
# Whether requests and answers are kept as conversations (system.conversations).
# record = false
# A server of models that speaks OpenAI's API; its models are asked as lmstudio/NAME. The window is
# that of one conversation, where the server does not say it.
# [models.servers.lmstudio]
# address = "http://127.0.0.1:1234/v1"
# key = "env:LMSTUDIO_KEY"
# window = 8192
# Ollama by its own API, which is told the window each time, where its /v1 takes a small one.
# [models.servers.ollama]
# address = "http://127.0.0.1:11434"
# api = "ollama"

# When `lakelet jobs start` updates a pipeline; `lakelet jobs add` writes such a section.
# [jobs.forum]
# cron = "0 6 * * *"
# One of the three: at these times, when the files it reads change, or when a table has moved.
# on_files = true
# on_table = "bronze.posts"

# Folders and buckets with raw files, besides `files/`. `raw:posts/a.json` and
# /Volumes/main/default/raw/posts/a.json are then the same file.
[volumes]
# raw = "s3://my-bucket/raw"

# How a bucket is reached. Without a section the usual AWS_… environment variables count.
# [storage.my-bucket]
# endpoint = "http://127.0.0.1:9000"
# region = "us-east-1"
# access_key_id = "env:MY_KEY"
# secret_access_key = "env:MY_SECRET"
# session_token = "env:MY_TOKEN"
"""
