"""From a recipe to a tested run folder."""
