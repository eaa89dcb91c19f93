"""Where a pipeline's Python files run: ``python -m lakelet.pipelines.python.child``."""
