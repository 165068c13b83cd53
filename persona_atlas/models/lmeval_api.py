"""What lm-eval's HTTP backends know of an answer but do not pass on: why it ended, how many tokens it took, what failed."""

import re
from typing import Any

_PROMPT_AT_FAULT = {400, 413, 422, 500}
_OVERFLOW = re.compile(r"context (length|size|window)|maximum context|exceed_context|prompt is too long", re.IGNORECASE)


class ReportedAnswer(str):
    """An answer's text that carries what the server said of it; lm-eval hands it through untouched."""

    finish_reason: str | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None


def reported(answer: str) -> ReportedAnswer:
    """`answer` itself where a server reported on it, else the same text with nothing known."""
    return answer if isinstance(answer, ReportedAnswer) else ReportedAnswer(answer)


def report_finish_reasons(backend: Any) -> None:
    """Have `backend.parse_generations` give `ReportedAnswer`s, where it has one (OpenAI-compatible servers)."""
    parse = getattr(backend, "parse_generations", None)
    if parse is None:
        return

    def parse_with_report(outputs: Any, **kwargs: Any) -> list[str]:
        texts = parse(outputs=outputs, **kwargs)
        responses = outputs if isinstance(outputs, list) else [outputs]
        reports = [report for response in responses for report in _reports(response)]
        return [_annotated(text, report) for text, report in zip(texts, reports, strict=True)] if len(texts) == len(reports) else texts

    backend.parse_generations = parse_with_report


def _reports(response: dict[str, Any]) -> list[tuple[str | None, dict[str, Any]]]:
    """A `(finish_reason, usage)` for each choice; usage is that of the whole response, so known only where it holds one."""
    choices = sorted(response.get("choices") or [], key=lambda choice: choice.get("index", 0))
    usage = response.get("usage") if len(choices) == 1 else None
    return [(choice.get("finish_reason"), usage or {}) for choice in choices]


def _annotated(text: str | None, report: tuple[str | None, dict[str, Any]]) -> ReportedAnswer:
    answer = ReportedAnswer(text or "")  # null content: all tokens went into thinking
    answer.finish_reason, usage = report
    answer.prompt_tokens, answer.answer_tokens = usage.get("prompt_tokens"), usage.get("completion_tokens")
    return answer


def fails_for_prompt(error: Exception) -> bool:
    """Whether a server refused this request rather than all: HTTP 400, 413, 422 or 500 of `requests` or `aiohttp`."""
    return _status(error) in _PROMPT_AT_FAULT


def is_context_overflow(error: Exception) -> bool:
    """Whether the refusal names the context's length; only `requests` keeps the server's words (`num_concurrent=1`)."""
    return bool(_OVERFLOW.search(getattr(getattr(error, "response", None), "text", "") or ""))


def _status(error: Exception) -> int | None:
    return getattr(error, "status", None) or getattr(getattr(error, "response", None), "status_code", None)
