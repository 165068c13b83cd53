"""Training: recipes, examples and fine-tuning of the small target, and what PPOpt is to share with it."""
