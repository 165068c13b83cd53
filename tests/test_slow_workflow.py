"""The longer checks, among them those that kill a training, run by themselves: a workflow types `make test-slow` once a week."""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def test_the_longer_checks_run_every_week_and_may_only_read() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "slow.yml").read_text(encoding="utf-8"))
    (schedule,) = workflow[True]["schedule"]  # `True` is what YAML 1.1 makes of `on`
    minute, hour, day, month, weekday = schedule["cron"].split()
    assert (day, month) == ("*", "*")
    assert all(part.isdigit() for part in (minute, hour, weekday))
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    assert not {"permissions", "secrets"} & job.keys()
    assert "make test-slow" in [step.get("run") for step in job["steps"]]
    assert "\ntest-slow: " in (ROOT / "Makefile").read_text(encoding="utf-8")
