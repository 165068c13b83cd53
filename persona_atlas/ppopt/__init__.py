"""PPOpt, the reference optimizer: its text, cases, rewards, training and inference; and the training of the small target, which shares them."""
