"""The command atlas-generate, which notes the key of each prompt that it sends to a model.

python chaos_driver.py LOG build --engine lm --model smol ...
python chaos_driver.py LOG build --engine lm --model rewording ...        a stand-in that needs no weights
"""

import sys
import time
from collections.abc import Iterator, Sequence

from generation.cli import main
from generation.spoken import cast as casting
from persona_atlas.models import load_model, stream
from persona_atlas.models.cache import cache_key
from persona_atlas.models.protocol import Generation, LanguageModel, Sampling
from persona_atlas.models.stream import Answers, Stream

open_stream = stream.open_stream


class Noting:
    """A stream that notes what goes into it."""

    def __init__(self, model: LanguageModel, log: str) -> None:
        self.stream: Stream = open_stream(model)
        self.fingerprint, self.log = model.fingerprint, log

    def submit(self, number: int, prompt: str, sampling: Sampling) -> None:
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"{cache_key(self.fingerprint, prompt, sampling)}\n")
        self.stream.submit(number, prompt, sampling)

    def finished(self, wait: bool = True) -> Answers:
        return self.stream.finished(wait)

    def close(self) -> Answers:
        return self.stream.close()


class Rewording:
    """Puts a word before what it is to say again, and takes a moment for it."""

    name, fingerprint, context_length = "rewording", "rewording 1", None

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> Iterator[tuple[int, Generation]]:
        for index, prompt in enumerate(prompts):
            time.sleep(0.002)
            yield index, Generation("well then, you see, " + prompt.rpartition("\n\n")[2], "stop", 1, 1)


if __name__ == "__main__":
    stream.open_stream = lambda model: Noting(model, sys.argv[1])
    casting.load_model = lambda name, arguments: Rewording() if name == "rewording" else load_model(name, arguments)
    main(sys.argv[2:])
