"""Jobs: pipelines updated on a schedule, when files arrive, or when a table moves."""
