"""Runs optimizers: worker, conditions, controls, runner, statistics, report."""
