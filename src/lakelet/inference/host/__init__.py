"""The engine host: one process for each user that loads models and gives turns to who asks."""
