"""What is wrong with a submission, in one sentence. Text of the submission in it is shown as escape.py shows it, by whoever prints it."""


class SubmissionError(ValueError):
    """A submission cannot be read: what was found, what was wanted."""
