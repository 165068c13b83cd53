"""What the leaderboard's tests share: a suite of four conditions on the small release, honest submissions of it, and a forger's tools.

`wordy` is a target like the scripted one, but its answers depend on every letter of the prompt, as a real model's do, and it cuts them off.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from eval_harness import prepare, scores, suites
from eval_harness.cli import main
from eval_harness.coverage import plan_of
from eval_harness.finished import open_run
from eval_harness.results import derive
from eval_harness.runfolder import Sample
from eval_harness.runner import choose_items
from eval_harness.submission import Entry, folder_name, pack, run_id
from eval_harness.suites import Suite
from leaderboard import compared, plausible
from leaderboard.board import standings
from leaderboard.build import believed
from leaderboard.cache import Cache
from leaderboard.entry import Board, entry_of
from leaderboard.entry import Entry as SiteEntry
from leaderboard.site import site
from leaderboard.submission import described
from leaderboard.verify import verify_one
from persona_atlas.data import Release, load_dataset
from persona_atlas.models import Sampling, load_model
from persona_atlas.models.protocol import Generation
from persona_atlas.models.scripted import ScriptedModel
from persona_atlas.randomness import digest
from persona_atlas.records import Item, canonical_json
from persona_atlas.scoring import SCORER_VERSION, answers_question, score

FLAGS = {"conditions": "clean,surface,history_0,history_2", "limit": 24, "items_per_user": 1, "max_gen_toks": 260}
ENTRY = Entry("Reads what was said", "https://example.org/reads", "reads@example.org", "Nothing: it has no weights.")
READS = '''
def optimize(request):
    """The last thing that the user said before, then the question."""
    said = [message.content for conversation in request.history for message in conversation if message.role == "user"]
    return f"I said before: {said[-1]}\\n\\n{request.query}" if said else request.query
'''
BRIEF = """
def optimize(request):
    return request.query + "\\n\\nAnswer in at most 60 words."
"""
FAILS = """
def optimize(request):
    if "how" in request.query.lower():
        raise FileNotFoundError(2, "No such file or directory", "/home/me/secret/notes.txt")
    return request.query + "\\n\\nPlease."
"""
ADJECTIVES = [
    "amber",
    "brisk",
    "copper",
    "dusty",
    "early",
    "faint",
    "gentle",
    "hollow",
    "ivory",
    "jolly",
    "keen",
    "lunar",
    "mellow",
    "noble",
    "quiet",
]
NOUNS = [
    "anchor",
    "bridge",
    "candle",
    "drawer",
    "engine",
    "fountain",
    "garden",
    "harbour",
    "island",
    "jacket",
    "kettle",
    "lantern",
    "mirror",
    "river",
]


class Wordy(ScriptedModel):
    """Ends each answer with a sentence that depends on the whole prompt, and cuts it off after `max_gen_toks` words."""

    name = "wordy"

    def __init__(self) -> None:
        super().__init__()
        self.fingerprint = "wordy-1"

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        for index, generation in super().generate(prompts, sampling):
            number = int(hashlib.sha256(prompts[index].encode()).hexdigest(), 16)
            chosen = [words[number // 1000**i % len(words)] for i, words in enumerate([ADJECTIVES, NOUNS, ADJECTIVES, NOUNS])]
            words = f"{generation.text}\n\nThe {chosen[0]} {chosen[1]} is near the {chosen[2]} {chosen[3]}.".split(" ")
            cut = len(words) > sampling.max_gen_toks
            text = " ".join(words[: sampling.max_gen_toks])
            yield index, Generation(text, "length" if cut else "stop", len(prompts[index].split(" ")), len(text.split(" ")))


@pytest.fixture(scope="session")
def wordy() -> type[Wordy]:
    return Wordy


@pytest.fixture(scope="session")
def small() -> Release:
    return load_dataset("persona-atlas")


@pytest.fixture(scope="session")
def tiny() -> Suite:
    return Suite("tiny", tuple(FLAGS["conditions"].split(",")), FLAGS["limit"], FLAGS["items_per_user"], FLAGS["max_gen_toks"])


@dataclass(frozen=True)
class Runs:
    """Runs of the suite tiny, made when asked for and then kept."""

    folder: Path
    made: dict[tuple[str, ...], Path] = field(default_factory=dict)

    def run(self, optimizer: str, model: str = "scripted", *more: str) -> Path:
        """The run folder of an optimizer: a control, or one of the modules above."""
        key = (optimizer, model, *more)
        if key not in self.made:
            path = self.folder / f"run-{len(self.made)}"
            arguments = ["--optimizer", optimizer, "--model", model, "--controls", "identity,oracle,placebo", *(more or ["--suite", "tiny"])]
            arguments += ["--output_path", str(path), "--use_cache", str(self.folder / "cache.sqlite")]
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(self.folder)
                patch.setitem(suites.SUITES, "tiny", FLAGS)
                patch.setattr(prepare, "load_model", lambda name, args: Wordy() if name == "wordy" else load_model(name, args))
                done = CliRunner().invoke(main, arguments)
            assert done.exit_code == 0, done.output
            self.made[key] = path
        return self.made[key]


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("runs")
    for name, source in (("reads", READS), ("brief", BRIEF), ("fails", FAILS)):
        (folder / f"{name}.py").write_text(source)
    return Runs(folder)


@dataclass
class Hand:
    """A submission in somebody's hand: `record` is submission.json, the others what their files hold."""

    record: dict[str, Any]
    run: dict[str, Any]
    samples: list[dict[str, Any]]
    results: dict[str, Any]

    @property
    def config(self) -> dict[str, Any]:
        return self.run["config"]

    def of(self, arm: str | None = None, condition: str | None = None) -> list[dict[str, Any]]:
        """The samples of an arm, the optimizer's unless another is named, under one condition or all."""
        arm = arm or self.config["optimizer"]
        return [sample for sample in self.samples if sample["arm"] == arm and condition in (None, sample["condition"])]

    def texts(self) -> dict[str, str]:
        lines = "".join(json.dumps(sample, ensure_ascii=False) + "\n" for sample in self.samples)
        return {"run.json": pretty(self.run), "samples.jsonl": lines, "results.json": pretty(self.results)}

    def write(self, folder: Path, name: str | None = None) -> Path:
        """Into FOLDER/RUN_ID, or another name, as it is."""
        path = folder / (name or self.record["run_id"])
        path.mkdir(parents=True)
        for name, text in {**self.texts(), "submission.json": pretty(self.record)}.items():
            (path / name).write_text(text, encoding="utf-8")
        return path

    def derive_again(self, release: Release) -> None:
        """results.json from the samples, as an honest run would have it."""
        items = choose_items(release, "test", self.config["limit"], self.config["items_per_user"])
        samples = [Sample(**{**sample, "profile": tuple(sample["profile"])}) for sample in self.samples]
        self.results = derive(plan_of(self.config), samples, items, release)

    def digest_again(self) -> None:
        """Every digest, and what submission.json repeats of run.json."""
        config = self.config
        self.run["config_digest"] = digest(canonical_json(config))
        self.record["files"] = described({name: text.encode() for name, text in self.texts().items()})
        self.record["run_id"] = run_id(config, self.record["files"])
        self.record.update(optimizer=config["optimizer"], dataset_digest=config["dataset_digest"])
        versions = {"persona_atlas": config["persona_atlas"], "schema": config["schema_version"], "scorer": config["scorer_version"]}
        self.record["versions"] = {**versions, "suite": config["suite"]}


def pretty(record: Any) -> str:
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def hand_of(path: Path) -> Hand:
    record, run, found = (json.loads((path / f"{name}.json").read_text(encoding="utf-8")) for name in ("submission", "run", "results"))
    samples = [json.loads(line) for line in (path / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
    return Hand(record, run, samples, found)


Packed = Callable[..., Path]


@pytest.fixture(scope="session")
def packed(runs: Runs, small: Release, tiny: Suite, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """The submission of an honest run, by optimizer, target and further flags."""
    out, made = tmp_path_factory.mktemp("submissions"), {}

    def of(optimizer: str = "reads", model: str = "scripted", *more: str) -> Path:
        key = (optimizer, model, *more)
        if key not in made:
            made[key] = pack(open_run(runs.run(*key)), small, ENTRY, out / model, tiny)
            assert made[key].parent.name == folder_name(optimizer)
        return made[key]

    return of


@pytest.fixture(scope="session")
def untouched(packed: Packed) -> Hand:
    """An honest submission, to be copied and not changed."""
    return hand_of(packed("brief", "wordy"))


@pytest.fixture(scope="session")
def hand(packed: Packed) -> Callable[..., Hand]:
    """A copy of an honest submission, to be changed: another one at every call."""
    return lambda *key: hand_of(packed(*key))


EXCHANGE = ("prompt", "prompt_tokens", "answer", "answer_tokens", "finish_reason")


@pytest.fixture(scope="session")
def taken() -> Callable[..., None]:
    """Give an optimizer, from one donor's samples after the other, item by item, what was asked and answered there. None: what is there stays."""

    def taken(hand: Hand, *donors: Sequence[dict[str, Any]] | None, conditions: Sequence[str] | None = None) -> None:
        there = [donor and {(sample["condition"], sample["item_id"]): sample for sample in donor} for donor in donors]
        for condition in conditions or hand.config["conditions"]:
            for number, sample in enumerate(hand.of(condition=condition)):
                if theirs := there[number % len(there)]:
                    sample.update({key: theirs[condition, sample["item_id"]][key] for key in EXCHANGE})

    return taken


@pytest.fixture(scope="session")
def ask() -> Callable[[Hand, Callable[[dict[str, Any]], str]], None]:
    """Give an optimizer the prompts that a function makes of its samples, and what `wordy` answers to them."""

    def ask(hand: Hand, change: Callable[[dict[str, Any]], str]) -> None:
        mine = hand.of()
        prompts = [change(sample) for sample in mine]
        for index, said in Wordy().generate(prompts, Sampling(hand.config["max_gen_toks"])):
            exchange = (prompts[index], said.prompt_tokens, said.text, said.answer_tokens, said.finish_reason)
            mine[index].update(zip(EXCHANGE, exchange, strict=True))

    return ask


def kept(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of an item and texts that reads nothing else, with its results kept: for an equal item and the same texts it is not called again."""
    known: dict[tuple[str, ...], tuple[Item, Any]] = {}

    def asked(item: Item, *texts: str) -> Any:
        key = (item.item_id, *texts)
        if key not in known or known[key][0] != item:
            known[key] = item, function(item, *texts)
        return known[key][1]

    return asked


KEPT_SCORE, KEPT_ANSWERS_QUESTION = kept(score), kept(answers_question)


@pytest.fixture(scope="module")
def scores_are_kept() -> Iterator[None]:
    """For modules that verify many runs with mostly the same answers: an answer to an item is scored once. All else is computed each time."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (scores, plausible, compared):
            patch.setattr(module, "score", KEPT_SCORE)
        patch.setattr(scores, "answers_question", KEPT_ANSWERS_QUESTION)
        yield


@pytest.fixture(scope="session")
def honest(packed: Packed, small: Release, tiny: Suite) -> SiteEntry:
    """What the site shows of an honest run."""
    return entry_of(verify_one(packed("history"), small, tiny), small, tiny)


@pytest.fixture(scope="session")
def like(honest: SiteEntry) -> Callable[..., SiteEntry]:
    """An entry like the honest one, with another run, name and G, on another target if that is named."""

    def made(number: int, gain: float = 0.0, model: str = "scripted", **told: Any) -> SiteEntry:
        clean, cost = honest.results["scores"], honest.results["cost"]
        own = clean["personalization"]
        moved = {**clean, "personalization": {**own, "mean": own["mean"] + gain, "ci": [end + gain for end in own["ci"]]}}
        results = {
            **honest.results,
            "scores": moved,
            "arms": {**honest.results["arms"], "history": {"clean": moved}},
            "cost": {**cost, "history": {**cost["history"], "prompt_tokens": 40.0 + 13 * (number % 97)}},
            "track": ("free", "compact")[number % 2],
        }
        gains = {name: None if value is None else value + gain for name, value in honest.gains.items()}
        config = {**honest.config, "model": model, "model_fingerprint": model}
        return replace(
            honest,
            told={**honest.told, "run_id": f"{number:016x}", "name": f"Optimizer {number}", **told},
            config=config,
            results=results,
            gains=gains,
        )

    return made


@pytest.fixture(scope="session")
def build(small: Release) -> Callable[..., Any]:
    """The tables and the site of entries, all of them self-reported unless told otherwise. Whom to believe follows from the tiers, unless told."""
    digest = small.manifest["content_digest"]
    items = {digest: {item.item_id: item for item in small.items("test")}}

    def built(entries: Sequence[SiteEntry], tiers: dict[str, Any] | None = None, boards: Sequence[Board] = (), **runs: Collection[str]) -> Any:
        given = tiers or {entry.run_id: ("self-reported", None) for entry in entries}
        runs = {**dict(zip(("trusted", "doubted"), believed(given), strict=True)), **runs}
        found = standings(entries, items, boards or [Board(digest, SCORER_VERSION, "tiny")], Cache(), **runs)
        return found, site(found, given)

    return built
