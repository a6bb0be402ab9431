"""Devices as an instrument sees them: traces, hysteresis, pulse response and fits."""
