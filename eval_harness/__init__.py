"""The evaluation harness: runs optimizers and controls on a release, scores the answers, and reports the results."""
