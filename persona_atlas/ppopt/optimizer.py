"""PPOpt as an optimizer: `atlas-eval --optimizer ppopt --optimizer_args checkpoint=DIR`.

The policy writes a profile and a prompt, in one reply or chat by chat, as it was trained. A prompt that is missing, or that loses a part of the
query, is replaced by the query itself. A chat of which the engine gives no reading is left out, and of a reading that is not in the right form counts
what can be understood. The notes say so in each case.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from persona_atlas.models import load_model
from persona_atlas.models.adapter import merged
from persona_atlas.models.protocol import Generation, LanguageModel, ModelError, Sampling, unknown_name, whole_number
from persona_atlas.ppopt.answers import OWN, SURE, believed
from persona_atlas.ppopt.base import ADAPTER, base_path, import_torch, read_settings
from persona_atlas.ppopt.budget import newest
from persona_atlas.ppopt.certainty import weighed
from persona_atlas.ppopt.chats import MOST, faithful, in_force, parse_read, read_asked, shortened, typed, wanted, write_asked
from persona_atlas.ppopt.joined import disowned, joined
from persona_atlas.ppopt.text import Finding, Reply, asked, lost, parse
from persona_atlas.ppopt.wishes import asks_in
from persona_atlas.protocol import Context, Message, ProfileEntry, Prompt, Request

ENGINES = ("openvino", "hf", "vllm")
KEPT = 50_000
"""How many chats, and how many rewritten questions, are remembered; beyond that, all are forgotten."""


class PPOpt:
    """The optimizer. Its attribute `counts` counts replies by what was wrong with them.

    `checkpoint`: a folder that atlas-train wrote, by default the one in the package. `engine`: what runs the policy. `base`: where the base's weights
    are, in the engine's own format, if not where they were in training. `history_tokens`: how many tokens of the history, or of a chat, are read at
    once, by default as many as in training. `sure` and `own`: how probable it must be, for a reading of a chat to count, that it names what is wanted
    and that the user wants it (certainty.py), where the engine tells (openvino does). `answers`: whether readings are checked against what the
    assistant's answers show (answers.py). `twice`: whether a wish is read again, together with the sentence before it (joined.py); reading takes
    about a third longer.

    Raises ModelError where the checkpoint or the engine cannot be loaded, `history_tokens` is no number of tokens, `sure` or `own` is no probability,
    `answers` or `twice` is neither true nor false, or one of these four is given for a checkpoint that reads no chat by itself.
    """

    def __init__(
        self,
        checkpoint: str | None = None,
        engine: str = "openvino",
        base: str | None = None,
        history_tokens: int | None = None,
        sure: float = SURE,
        own: float = OWN,
        answers: bool = True,
        twice: bool = False,
    ) -> None:
        for name, flag in (("answers", answers), ("twice", twice)):
            if flag not in (False, True):
                raise ModelError(f"{name}={flag} is neither true nor false; pass one of them")
        for name, least in (("sure", sure), ("own", own)):
            if not isinstance(least, int | float) or not 0.0 <= least <= 1.0:
                raise ModelError(f"{name}={least} is no probability; pass 0 to believe all that is read, up to 1")
        read_at_once = None if history_tokens is None else whole_number("history_tokens", history_tokens, 1)
        self.sure, self.own, self.answers, self.twice = float(sure), float(own), bool(answers), bool(twice)
        folder = Path(checkpoint).expanduser() if checkpoint else shipped()
        self.settings = read_settings(folder)
        given = {"sure": sure != SURE, "own": own != OWN, "answers": not answers, "twice": twice}
        if self.settings.one_reply and any(given.values()):
            name = next(name for name in given if given[name])
            raise ModelError(f"{name}= is for a policy that reads chat by chat, and the one in {folder} reads whole histories; leave it out")
        self.history_tokens = read_at_once or self.settings.history_tokens
        self.model = load_policy(folder, engine, base or self.settings.base)
        self.counts: Counter[str] = Counter()
        self.known: dict[tuple[Message, ...], tuple[Finding, ...]] = {}
        self.flaws: dict[tuple[Message, ...], str] = {}
        self.rewritten: dict[str, Generation] = {}

    def optimize(self, request: Request, context: Context) -> Prompt:
        return self.optimize_batch([request], context)[0]

    def optimize_batch(self, requests: Sequence[Request], context: Context) -> list[Prompt]:
        """A prompt for each request, in order, written by the policy greedily and in batches."""
        return self._whole(requests) if self.settings.one_reply else self._by_chats(requests)

    def _whole(self, requests: Sequence[Request]) -> list[Prompt]:
        """Write one reply to history and question."""
        texts = [asked(newest(request.history, self.model.count_tokens, self.history_tokens), request.query) for request in requests]
        found = []
        for request, written in zip(requests, self._replies(texts), strict=True):
            reply = _parsed(written, self.settings.profile)
            found.append(self._prompt(request.query, reply, reply.profile()))
        return found

    def _by_chats(self, requests: Sequence[Request]) -> list[Prompt]:
        """Read each chat by itself, then rewrite the question by what is in force after all of them."""
        chats = [[tuple(chat) for chat in request.history[-MOST:]] for request in requests]
        unread = self._read([chat for shown in chats for chat in shown])
        held = [in_force(self.known[chat] for chat in shown if chat not in unread) for shown in chats]
        texts = [write_asked(findings, request.query) for request, findings in zip(requests, held, strict=True)]
        written = self._rewrite(texts)
        found = []
        for request, shown, findings, text in zip(requests, chats, held, texts, strict=True):
            reply = _parsed(written[text], profile=False)
            reply = replace(reply, prompt=reply.prompt and faithful(request.query, reply.prompt, findings))
            meanings = set(asks_in(request.query, reply.prompt or ""))
            missed = [_told("not read", unread, shown), _told("read in part", self.flaws, shown)]
            found.append(self._prompt(request.query, reply, typed(findings, meanings.__contains__), "; ".join(filter(None, missed))))
        return found

    def _read(self, chats: Sequence[tuple[Message, ...]]) -> dict[tuple[Message, ...], str]:
        """Read the chats that are not known yet. A chat is read once, however many questions come after it. Return the engine's error for each of
        which no reading came; these are not remembered.
        """
        if len(self.known) > KEPT:
            self.known.clear()
            self.flaws.clear()
        new = [chat for chat in dict.fromkeys(chats) if chat not in self.known]
        unread = {}
        for chat, reply in zip(new, self._replies([self._asked(chat) for chat in new]), strict=True):
            if reply.error is not None:
                unread[chat] = reply.error
                self.counts[f"of a chat: {reply.error}"] += 1
                continue
            findings, flaw = parse_read(reply.text)
            self.known[chat] = believed(chat, weighed(findings, reply.tokens), self.sure, self.own, self.answers)
            self.counts[f"of a chat: {flaw}" if flaw else "well-formed"] += 1
            if flaw:
                self.flaws[chat] = flaw
        if self.twice:
            self._read_again([chat for chat in new if chat not in unread])
        return unread

    def _read_again(self, chats: Sequence[tuple[Message, ...]]) -> None:
        """Leave out the wishes that are not the user's own when they are read with the sentence before them. One that is not read again stays."""
        pairs = [(chat, finding) for chat in chats for finding in self.known[chat] if wanted(finding.verdict)]
        again = [(chat, finding, one) for chat, finding in pairs if (one := joined(chat, finding.evidence))]
        for (chat, finding, _), reply in zip(again, self._replies([self._asked(one) for _, _, one in again]), strict=True):
            if reply.error is None and disowned(finding.evidence, parse_read(reply.text)[0]):
                self.known[chat] = tuple(known for known in self.known[chat] if known != finding)
                self.counts["of a wish: not the user's own"] += 1

    def _asked(self, chat: Sequence[Message]) -> str:
        return read_asked(shortened(chat, self.model.count_tokens, self.history_tokens))

    def _rewrite(self, texts: Sequence[str]) -> dict[str, Generation]:
        """Return the reply to each text. One that is known is not asked again: under many conditions the same question comes with the same findings.

        A reply that did not come is not remembered.
        """
        if len(self.rewritten) > KEPT:
            self.rewritten.clear()
        new = [text for text in dict.fromkeys(texts) if text not in self.rewritten]
        replies = dict(zip(new, self._replies(new), strict=True))
        self.rewritten |= {text: reply for text, reply in replies.items() if reply.error is None}
        return {text: replies[text] if text in replies else self.rewritten[text] for text in texts}

    def _replies(self, texts: Sequence[str]) -> list[Generation]:
        written = dict(self.model.generate(texts, Sampling(self.settings.new_tokens))) if texts else {}
        return [written[number] for number in range(len(texts))]

    def _prompt(self, query: str, reply: Reply, profile: tuple[ProfileEntry, ...], missed: str = "") -> Prompt:
        gone = f"lost {what}" if reply.prompt is not None and (what := lost(query, reply.prompt)) else None
        self.counts[reply.flaw or gone or "well-formed"] += 1
        if reply.prompt is None or gone is not None:
            text, note = query, f"fallback to the query: {gone or reply.flaw}"
        else:
            text, note = reply.prompt, f"malformed: {reply.flaw}" if reply.flaw else ""
        return Prompt(text, profile, notes="; ".join(filter(None, (note, missed))))


def _told(how: str, reasons: Mapping[tuple[Message, ...], str], shown: Sequence[tuple[Message, ...]]) -> str:
    """Say how many of the chats have a reason not to be read as they should, and the first reason. Empty where none has."""
    found = [reasons[chat] for chat in shown if chat in reasons]
    return f"{'a chat was' if len(found) == 1 else f'{len(found)} chats were'} {how}: {found[0]}" if found else ""


def _parsed(written: Generation, profile: bool) -> Reply:
    """Parse a reply. The flaw of one that did not come is the engine's error."""
    reply = parse(written.text, profile)
    return reply if written.error is None else replace(reply, flaw=written.error)


def shipped() -> Path:
    """The trained adapter in the package."""
    from importlib.resources import files

    return Path(str(files("persona_atlas.ppopt"))) / "trained"


def load_policy(checkpoint: Path, engine: str, named: str) -> LanguageModel:
    """Load the policy on an engine: for OpenVINO merged into a GGUF file, else as an adapter beside the base `named`. Raises ModelError."""
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    base = base_path(named, checkpoint)
    is_file = isinstance(base, Path) and base.suffix == ".gguf"
    if engine == "openvino":
        if not isinstance(base, Path) or not is_file:
            raise ModelError(f"OpenVINO runs GGUF files, and {checkpoint} was trained on {base}: pass engine=hf or engine=vllm.")
        return load_model("openvino", {"pretrained": str(merged(base, checkpoint / ADAPTER)), "cache_gb": 2, "logprobs": 1})
    if engine == "vllm":
        return load_model("vllm", {"pretrained": str(base), "enable_lora": True, "max_lora_rank": 64, "lora_local_path": str(checkpoint)})
    place = {"pretrained": str(base.parent), "gguf_file": base.name} if isinstance(base, Path) and is_file else {"pretrained": str(base)}
    device = "cuda" if import_torch().cuda.is_available() else "cpu"
    return load_model("hf", {**place, "peft": str(checkpoint), "dtype": "float32", "device": device})
