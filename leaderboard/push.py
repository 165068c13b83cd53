"""`atlas-leaderboard push`: publishes the site as a static Space on the Hugging Face Hub. The site's README.md is the Space's card."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leaderboard.errors import SubmissionError

NEEDED = ("index.html", "feed.json", "README.md")
LARGEST = 50_000
"""The most files that a site may have."""


def files_of_site(site: Path) -> dict[str, int]:
    """Return name -> size in bytes of every file of a built site. Raises SubmissionError if it is not one."""
    if missing := [name for name in NEEDED if not (site / name).is_file()]:
        raise SubmissionError(f"{site} lacks {', '.join(missing)}: it is no site; make one with atlas-leaderboard build --out {site}")
    found = {str(path.relative_to(site)): path.lstat().st_size for path in sorted(site.rglob("*")) if path.is_file() and not path.is_symlink()}
    if len(found) > LARGEST:
        raise SubmissionError(f"{site} holds {len(found):,} files, at most {LARGEST:,} are taken; it is no site of ours")
    return found


def check_repo_id(repo_id: str) -> None:
    """Raise SubmissionError unless `repo_id` is OWNER/NAME as the Hub takes it."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise SubmissionError(f"--repo-id {repo_id!r} is no name of a Space ({' '.join(str(error).split())}), wanted OWNER/NAME") from None
    if repo_id.count("/") != 1:
        raise SubmissionError(f"--repo-id {repo_id!r} is no name of a Space, wanted OWNER/NAME")


def push(site: Path, repo_id: str, private: bool) -> str:
    """Upload the site in one commit, and return the address of the Space.

    The Space is made if there is none. Pages on it that are no longer here are removed. Raises SubmissionError.
    """
    from huggingface_hub import HfApi, get_token

    files_of_site(site)
    check_repo_id(repo_id)
    if not get_token():
        raise SubmissionError("there is no token for the Hub; set HF_TOKEN to one that may write, or type: hf auth login")
    api = HfApi(library_name="persona-atlas")
    with _sentences(repo_id):
        api.create_repo(repo_id, repo_type="space", space_sdk="static", private=private, exist_ok=True)
        gone = ["submissions/*", "boards/*"]
        api.upload_folder(repo_id=repo_id, folder_path=site, repo_type="space", commit_message="Leaderboard built anew", delete_patterns=gone)
    return f"{api.endpoint}/spaces/{repo_id}"


@contextmanager
def _sentences(repo_id: str) -> Iterator[None]:
    """Turn what can go wrong with the Hub into a SubmissionError that says in one sentence what to do."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

    try:
        yield
    except LocalTokenNotFoundError:
        raise SubmissionError("there is no token for the Hub; set HF_TOKEN to one that may write, or type: hf auth login") from None
    except HfHubHTTPError as error:
        raise SubmissionError(_refused(error.response.status_code if error.response is not None else None, repo_id, str(error))) from None
    except OfflineModeIsEnabled:
        raise SubmissionError("the Hub is switched off by HF_HUB_OFFLINE; unset it and push again") from None
    except (httpx2.HTTPError, OSError) as error:
        raise SubmissionError(f"the Hub cannot be reached ({' '.join(str(error).split())}); nothing was published, push again later") from None


def _refused(status: int | None, repo_id: str, said: str) -> str:
    sentences = {
        401: "the Hub does not know the token (401); set HF_TOKEN to a valid one that may write, or type: hf auth login",
        403: f"the token may not write to {repo_id} (403); use one of its owner, with the right to write",
        404: f"the Hub has no {repo_id} that the token may see (404); check --repo-id and the token",
        409: f"somebody else changed {repo_id} at the same time, or the name is taken (409); push again, or give another --repo-id",
    }
    return sentences.get(status or 0, f"the Hub refused ({' '.join(said.split())[:300]}); nothing was published")
