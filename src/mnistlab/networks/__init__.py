"""Networks: their architecture, their layers, and how they are saved."""
