"""Executors: the same shards wherever they are made, and one sentence where they cannot be."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from generation.build import LOCAL, Config, build
from generation.executors import ExecutorError, Job, executor, ray
from generation.executors.ray import Ray
from generation.people import Block
from generation.spoken.cast import Cast, Voice
from generation.spoken.engine import Speech

BLOCKS = [Block("train", number, 1) for number in range(6)]


def silent(done: int, total: int) -> None:
    pass


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def job(work: Path, fatal: int = -1, wrong: int = -1, unseen: int = -1, seconds: float = 0.0) -> Job:
    """Shards that are markers alone. Making the one of the given number kills the process, raises, or writes nothing. Local: it travels by value."""

    def marker(block: Any) -> Path:
        return work / f"{block.split}-{block.number:05d}" / "shard.json"

    def make(block: Any) -> Any:
        time.sleep(seconds)
        if block.number == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        if block.number == wrong:
            raise LookupError("no such phrase")
        if block.number != unseen:
            marker(block).parent.mkdir(parents=True, exist_ok=True)
            marker(block).write_text("{}")
        return block

    return Job(work, make, marker, lambda: None)


# what is refused before anything is written


def test_ray_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "find_spec", lambda name: None)
    with pytest.raises(ExecutorError, match=r"not installed; type: pip install 'persona-atlas\[ray\]'"):
        executor("ray", None, None)


@pytest.mark.parametrize("address", ["here", "ray://", "10.0.0.1", "http://10.0.0.1:6379", "local"])
def test_what_is_no_address_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "find_spec", lambda name: "there")
    with pytest.raises(ExecutorError, match="is no address of a cluster; give auto, HOST:PORT or ray://HOST:PORT"):
        executor("ray", None, address)


@pytest.mark.parametrize("address", [None, "auto", "10.0.0.1:6379", "ray://head.example:10001", "[::1]:6379"])
def test_ray_takes_auto_host_port_and_ray_addresses(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "find_spec", lambda name: "there")
    assert executor("ray", 0.5, address) == Ray(0.5, address)


def test_one_gpu_and_a_half_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "find_spec", lambda name: "there")
    with pytest.raises(ExecutorError, match=r"--num_gpus 1.5 is neither a whole number nor a share of one GPU"):
        executor("ray", 1.5, None)


@pytest.mark.parametrize(("seconds", "times"), [(55, 0), (65, 1), (600, 1)])
def test_a_wait_for_gpus_that_others_hold_is_told_once(
    seconds: int, times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]

    def wait(answers: list[object], timeout: float) -> tuple[list[object], list[object]]:
        now[0] += timeout
        return ([], answers) if now[0] <= seconds else 1 / 0

    monkeypatch.setattr(ray, "time", SimpleNamespace(monotonic=lambda: now[0]))
    actor = SimpleNamespace(set_up=SimpleNamespace(remote=lambda job: object()))
    pickle = SimpleNamespace(dumps=lambda job: b"")
    held = SimpleNamespace(cloudpickle=pickle, wait=wait, available_resources=lambda: {"CPU": 3.0})
    crew = ray._Crew(held, job(tmp_path), SimpleNamespace(remote=lambda: actor), lambda: 1, Ray(1.0)._wanted())
    with pytest.raises(ZeroDivisionError):
        list(crew.made(BLOCKS, 2))
    assert len(caplog.messages) == times
    assert all("each takes a CPU and 1 GPUs, and of the cluster are free 3 CPUs and 0 GPUs" in message for message in caplog.messages)


# on Ray: `make test-slow` installs it


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of one CPU each; Ray's own word for a cluster on one machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # actors would wait for whatever else this machine does
        from ray.cluster_utils import Cluster

        found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        found.add_node(num_cpus=1)
        found.wait_for_nodes()
        yield found
        found.shutdown()


@pytest.mark.slow
def test_a_cluster_makes_the_same_bytes(cluster: Any, release_path: Path, tmp_path: Path) -> None:
    build(Config(20, 0), tmp_path / "out", None, silent, Ray(0.0, cluster.address))
    assert content(tmp_path / "out") == content(release_path)


@pytest.mark.slow
def test_a_cluster_speaks_the_same_words(cluster: Any, tmp_path: Path) -> None:
    """Four shards for two actors: each keeps its models from one shard to the next."""
    voice = Voice("scripted")
    found = []
    for name, where in (("here", LOCAL), ("there", Ray(0.0, cluster.address))):
        speech = Speech(Cast(voice, voice, (voice,)), tmp_path / f"{name}.sqlite")
        found.append(build(Config(10, 3, speech), tmp_path / name, None, silent, where)["content_digest"])
    assert found[0] == found[1]


@pytest.mark.slow
def test_a_shard_over_which_three_actors_died_is_given_up_and_no_other(cluster: Any, tmp_path: Path) -> None:
    with pytest.raises(ExecutorError, match=r"shard train-00002 was given up: 3 actors died over it \(The actor died .* run the same command again"):
        list(Ray(0.0, cluster.address).run(job(tmp_path, fatal=2), BLOCKS, 2))
    assert sorted(path.parent.name for path in tmp_path.glob("*/shard.json")) == [f"train-0000{number}" for number in (0, 1, 3, 4, 5)]


@pytest.mark.slow
def test_what_making_a_shard_raises_is_raised(cluster: Any, tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="no such phrase"):
        list(Ray(0.0, cluster.address).run(job(tmp_path, wrong=3), BLOCKS, 2))


@pytest.mark.slow
def test_a_marker_that_is_not_seen_here_is_told(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "VISIBLE", 0.5)
    with pytest.raises(
        ExecutorError, match=r"has written .*shard.json, but it is not to be seen here; give an --out on a file system that all nodes"
    ):
        list(Ray(0.0, cluster.address).run(job(tmp_path, unseen=0), BLOCKS, 2))


@pytest.mark.slow
def test_a_gpu_that_no_node_has_is_told(cluster: Any, tmp_path: Path) -> None:
    with pytest.raises(ExecutorError, match=r"no node with a CPU and 64 GPUs"):
        list(Ray(64.0, cluster.address).run(job(tmp_path), BLOCKS, 2))


@pytest.mark.slow
def test_a_node_that_dies_costs_the_shard_in_hand(cluster: Any, tmp_path: Path) -> None:
    node = cluster.add_node(num_cpus=1)
    done = []
    for block in Ray(0.0, cluster.address).run(job(tmp_path, seconds=1.0), BLOCKS * 2, 3):
        if not done:
            cluster.remove_node(node, allow_graceful=False)
        done.append(block)
    assert sorted(block.number for block in done) == sorted(2 * list(range(6)))


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "ANSWER", 5.0)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(ExecutorError, match=f"no Ray cluster answered at --ray_address {address} within 5 seconds"):
            list(Ray(0.0, address).run(job(tmp_path), BLOCKS, 2))


def command(out: Path, folder: Path) -> "subprocess.Popen[str]":
    arguments = ["build", "--users", "20", "--seed", "0", "--out", str(out), "--executor", "ray", "--workers", "2", "--json"]
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "atlas-generate"), *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.slow
def test_a_ray_of_our_own_in_a_folder_of_decoys_makes_the_same_bytes_and_says_nothing(release_path: Path, tmp_path: Path) -> None:
    (tmp_path / "generation.py").write_text("raise RuntimeError('the decoy was imported')\n")
    with command(tmp_path / "out", tmp_path) as process:
        said, told = process.communicate()
    assert process.returncode == 0, told
    assert json.loads(said) == json.loads((release_path / "manifest.json").read_text())
    assert [line for line in told.splitlines() if not line.endswith(" shards")] == []
    assert content(tmp_path / "out") == content(release_path)


@pytest.mark.slow
def test_ctrl_c_ends_a_ray_of_our_own(tmp_path: Path) -> None:
    with command(tmp_path / "out", tmp_path) as process:
        while not list(tmp_path.glob("out/.building/*/shard.json")):
            assert process.poll() is None
            time.sleep(0.01)
        family = psutil.Process(process.pid).children(recursive=True)
        assert {"raylet", "gcs_server"} <= {one.name() for one in family}
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()
    assert process.returncode == 130
    assert "Finished shards are kept: run the same command again to go on" in told
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
