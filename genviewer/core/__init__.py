"""The values everything is made of: latents, conditions, recipes, scenes. NumPy only."""
