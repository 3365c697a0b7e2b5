"""Measuring a trained model: counting right answers, calibrating, comparing runs, and drawing the results as pictures."""
