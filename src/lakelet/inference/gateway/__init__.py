"""An OpenAI-compatible server in front of models: any client's talk, by the right rules."""
