"""Get from lm-eval's HTTP backends what they know about an answer but do not pass on: why it ended, its tokens, why it was refused.

When a server refuses one prompt, lm-eval gives up the whole list after three tries. `adapt` makes the refusal the answer to that one prompt, and
tells refusals for its content from others. It replaces three methods of one backend object and leaves lm-eval's classes as they are.
"""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from persona_atlas.models.ending import withheld

_PROMPT_AT_FAULT = {400, 413, 422}  # the same request would fail again; lm-eval retries all other failures
_OVERFLOW = re.compile(r"context (length|size|window)|maximum context|exceed_context|prompt is too long", re.IGNORECASE)
_FILTER = re.compile(
    r"content[ _-]?(?:filter|polic|moderation)|content management polic|responsible_?ai|data_?inspection|inappropriate content|content exists risk|"
    r"usage polic|(?:input|prompt|content) (?:is|was|were) flagged",
    re.IGNORECASE,
)
"""How servers say that they refuse a prompt for its content: OpenAI's and Azure's, Anthropic's, Alibaba's, DeepSeek's. What they refuse for another
reason, such as an unknown parameter or an account without credit, is no fault of the prompt.
"""


class ReportedAnswer(str):
    """The text of an answer, with what the server said about it. lm-eval passes the object through unchanged."""

    finish_reason: str | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    refusal: str | None = None  # why there is no answer, in the server's words
    filtered = False  # whether a content filter refused the prompt, or withheld the answer

    @property
    def overflows(self) -> bool:
        """Whether the refusal is about the context length."""
        return self.refusal is not None and _OVERFLOW.search(self.refusal) is not None

    @property
    def no_prompts_fault(self) -> bool:
        """Whether there is no answer, and that has nothing to do with what the prompt says or how long it is."""
        return self.refusal is not None and not self.overflows and not self.filtered


def reported(answer: str) -> ReportedAnswer:
    """Return `answer` itself if a server reported on it, else the same text with nothing known about it."""
    return answer if isinstance(answer, ReportedAnswer) else ReportedAnswer(answer)


def lost(why: str) -> ReportedAnswer:
    """The empty answer to a prompt that was refused or that the backend failed on, with the reason."""
    answer = ReportedAnswer("")
    answer.refusal = why
    return answer


def retry_after(error: Exception) -> float | None:
    """The seconds that the server asks to be left alone (its header `Retry-After`, a number or a date), or `None` if it does not say."""
    headers = getattr(getattr(error, "response", None), "headers", None) or getattr(error, "headers", None)
    said = headers.get("Retry-After") if isinstance(headers, Mapping) else None
    if said is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", said):
        return float(said)
    try:
        date = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def adapt(backend: Any) -> None:
    """Make `backend.generate_until` return `ReportedAnswer`s if it is one of lm-eval's HTTP backends; else do nothing."""
    if not all(hasattr(backend, method) for method in ("model_call", "amodel_call", "parse_generations")):
        return
    call, call_async, parse = backend.model_call, backend.amodel_call, backend.parse_generations

    def model_call(messages: list[Any], **kwargs: Any) -> Any:
        try:
            return _answering(call(messages=messages, **kwargs))
        except Exception as error:
            if _status(error) not in _PROMPT_AT_FAULT:
                raise
            return [_refused(error) for _ in messages]

    async def amodel_call(session: Any, sem: Any, messages: list[Any], **kwargs: Any) -> Any:
        asyncio.get_running_loop().set_exception_handler(_tell)
        try:
            return await call_async(session=session, sem=sem, messages=messages, **kwargs)
        except Exception as error:
            if _status(error) not in _PROMPT_AT_FAULT:
                raise
            # lm-eval has dropped the text of the server's response by now: ask once more, in the way that keeps it.
            options = {key: kwargs[key] for key in ("generate", "gen_kwargs") if key in kwargs}
            return parse_generations(await asyncio.to_thread(model_call, messages, **options))

    def parse_generations(outputs: Any, **kwargs: Any) -> list[str]:
        if isinstance(outputs, list) and all(isinstance(output, ReportedAnswer) for output in outputs):
            return outputs
        for response in outputs if isinstance(outputs, list) else [outputs]:
            _answering(response)
        texts = parse(outputs=outputs, **kwargs)
        reports = [report for response in (outputs if isinstance(outputs, list) else [outputs]) for report in _reports(response)]
        texts = texts or [""] * len(reports)  # with a refusal, Anthropic's servers may send no part at all
        return [_annotated(text, *report) for text, report in zip(texts, reports, strict=True)] if len(texts) == len(reports) else texts

    backend.model_call, backend.amodel_call, backend.parse_generations = model_call, amodel_call, parse_generations


def _tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what goes wrong in a loop, but for requests that fail. lm-eval passes on a list's first error; asyncio would print the others."""
    if "never retrieved" not in context["message"]:
        loop.default_exception_handler(context)


def _answering(response: Any) -> Any:
    """Return the response if it holds an answer. A gateway may report with status 200 that the server behind it failed: that is worth another try."""
    if isinstance(response, dict) and "error" in response and not (response.get("choices") or response.get("content")):
        raise ConnectionError(f"the server reported a failure in place of an answer: {' '.join(str(response['error']).split())[:300]}")
    return response


def _reports(response: dict[str, Any]) -> list[tuple[str | None, dict[str, Any]]]:
    """Return `(finish_reason, usage)` for each choice. Usage counts the whole response, so it is known only if there is a single choice.

    Anthropic's servers call a choice a part of the content, and its words are others.
    """
    parts = response.get("content")
    if isinstance(parts, list):
        used = response.get("usage") or {}
        whole = {"prompt_tokens": used.get("input_tokens"), "completion_tokens": used.get("output_tokens")}
        return [(response.get("stop_reason"), whole if len(parts) <= 1 else {}) for _ in parts or [""]]
    choices = sorted(response.get("choices") or [], key=lambda choice: choice.get("index", 0))
    usage = response.get("usage") if len(choices) == 1 else None
    return [(choice.get("finish_reason"), usage or {}) for choice in choices]


def _annotated(text: str | None, finish_reason: str | None, usage: dict[str, Any]) -> ReportedAnswer:
    answer = ReportedAnswer(text or "")  # the content is null if all tokens went into thinking
    answer.finish_reason, answer.filtered = finish_reason, withheld(finish_reason)
    answer.prompt_tokens, answer.answer_tokens = usage.get("prompt_tokens"), usage.get("completion_tokens")
    return answer


def _refused(error: Exception) -> ReportedAnswer:
    words = getattr(getattr(error, "response", None), "text", None) or str(error)
    said = " ".join(words.split())[:500]
    answer = lost(f"The server refused the prompt with status {_status(error)}: {said}")
    answer.filtered = _FILTER.search(said) is not None
    return answer


def _status(error: Exception) -> int | None:
    """The HTTP status in an error of `aiohttp`, `openai`, `litellm` or `requests`."""
    for source, attribute in ((error, "status"), (error, "status_code"), (getattr(error, "response", None), "status_code")):
        if isinstance(getattr(source, attribute, None), int):
            return getattr(source, attribute)
    return None
