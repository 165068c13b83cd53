"""What can go wrong with a command of `atlas-generate`."""


class GenerateError(ValueError):
    """One sentence for the user: what was found, what was wanted, what to type next."""
