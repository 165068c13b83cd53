"""Turns each error of the Hub's client into one sentence that says how to go on."""

from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.errors import HTTPError as TransportError  # type: ignore[attr-defined]  # of the HTTP library that the client uses

from generation.errors import GenerateError

BUSY = (408, 429, 500, 502, 503, 504)
"""Statuses with which another try may succeed."""
AGAIN = "run the same command again to go on: what was uploaded is kept"
TOKEN = "log in with `hf auth login`, or set HF_TOKEN to a token that may write to {0}"
REFUSED = {
    401: f"the Hub does not take the token (401), or there is none; {TOKEN}",
    403: f"the token may not do this on {{0}} (403); {TOKEN}",
    404: "the Hub finds no {0} (404); is the owner spelt right, and may the token see it? Nothing was changed",
    409: "{0} is being changed by somebody else (409); wait, and run the same command again",
    412: "{0} was changed by somebody else in the meantime (412); look at it, and run the same command again",
    413: "the Hub finds a file too large for {0} (413); give a smaller release, or push it with the client's own tools",
}


class HubError(GenerateError):
    """The Hub refuses or cannot be reached. The message says what happened and how to go on."""


class BusyError(HubError):
    """A HubError after which another try may succeed."""


@contextmanager
def worded(repo_id: str) -> Iterator[None]:
    """Raise what the client raises as HubError."""
    try:
        yield
    except (TransportError, OSError, ValueError, RuntimeError) as error:
        if isinstance(error, HubError):
            raise
        raise _named(_cause(error), repo_id) from error


def _named(error: BaseException, repo_id: str) -> HubError:
    if isinstance(error, HfHubHTTPError):
        return _answered(error, repo_id)
    if isinstance(error, OfflineModeIsEnabled):
        return HubError("HF_HUB_OFFLINE is set, so that nothing is sent; unset it and run the same command again")
    if isinstance(error, TransportError | ConnectionError):
        return BusyError(f"the connection to the Hub was lost ({_first_line(error)}); {AGAIN}")
    if isinstance(error, HFValidationError):
        return HubError(f"{repo_id!r} is no name that the Hub takes ({_first_line(error)}); give --repo-id OWNER/NAME")
    return HubError(f"the push failed ({_first_line(error)}); mend that and {AGAIN}")


def _answered(error: HfHubHTTPError, repo_id: str) -> HubError:
    status = error.response.status_code
    if status in BUSY:
        return BusyError(f"the Hub is too busy (status {status}); {AGAIN}")
    if status in REFUSED:
        return HubError(REFUSED[status].format(repo_id))
    return HubError(f"the Hub refuses {repo_id} ({error.server_message or f'status {status}'}); mend that and {AGAIN}")


def _cause(error: BaseException) -> BaseException:
    """The cause beneath any RuntimeError that only says which file it happened to."""
    while type(error) is RuntimeError and error.__cause__ is not None:
        error = error.__cause__
    return error


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__).rstrip(".:")
