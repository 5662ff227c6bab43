//! Nothing but a bench: see `run.py`.
