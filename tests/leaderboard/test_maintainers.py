"""What maintainers write beside the submissions: a slip of theirs ends `build` with a sentence, in place of deciding nothing."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from leaderboard.accepted import accepted_in
from leaderboard.cli import main
from leaderboard.errors import SubmissionError
from leaderboard.tiers import decided_in

RUN, SLIP = "0123456789abcdef", "0123456789abcdee"


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    (tmp_path / "submissions" / "mine" / RUN).mkdir(parents=True)
    return tmp_path / "submissions"


def refused(submissions: Path, said: str) -> None:
    done = CliRunner().invoke(main, ["build", "--submissions", str(submissions), "--out", str(submissions.parent / "site")])
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (submissions.parent / "site").exists()


def test_an_accepted_submission_that_is_not_there_is_said(submissions: Path) -> None:
    (submissions / "accepted.txt").write_text(f"mine/{RUN}\n")
    assert accepted_in(submissions) == (f"mine/{RUN}",)
    (submissions / "accepted.txt").write_text(f"mine/{RUN}\nmine/{SLIP}\n")
    refused(submissions, f"accepted.txt names mine/{SLIP} in line 2, and there is no such folder")


@pytest.mark.parametrize("run", [SLIP, "*", "../submissions", RUN.upper(), ""])
def test_a_tier_of_a_run_that_nobody_has_is_said(run: str, submissions: Path) -> None:
    file = submissions.parent / "tiers.yaml"
    file.write_text(f'"{RUN}": held-out\n')
    assert decided_in(file) == {RUN: "held-out"}
    file.write_text(f'"{RUN}": held-out\n"{run}": reproduced\n')
    with pytest.raises(SubmissionError, match="which no submission beside it has; correct the line, or take it out"):
        decided_in(file)
    refused(submissions, f"tiers.yaml names the run {run}, which no")
