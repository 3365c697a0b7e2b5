"""Measuring a trained model: counts, calibration, comparison, pictures."""
