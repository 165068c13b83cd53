"""What is wrong with a submission, in one sentence. Text of the submission in it is raw; whoever prints it uses escape.py."""


class SubmissionError(ValueError):
    """A submission, or what was given with it, cannot be used. Says what was found and what was wanted."""
