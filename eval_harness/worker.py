"""The optimizer's own process: loads a module, then answers one request per line.

It exchanges JSON lines with the harness (sandbox.py) over two pipes, and holds nothing of the release but the requests that it is sent:

    <- {"module": "mymodule", "attribute": null, "arguments": {}, "path": "/where/it/is", "folder": "/tmp/...", "memory": 8589934592, "calls": 0}
    -> {"ready": true, "fits": false, "batches": false}          or {"unusable": "one sentence"}
    <- {"fit": [{request}, ...], "seed": 1, "seconds": 3600, "left": 100}          only if it has a fit
    -> {"fitted": true}                        or {"unusable": "one sentence"}
    <- {"number": 1, "request": {...}, "seed": 1, "seconds": 30, "left": 93}
    -> {"number": 1, "text": "...", "profile": [...], "notes": ""}      or {"number": 1, "failure": "ValueError: ..."}
    <- {"number": 2, "requests": [{...}, ...], "seed": 1, "seconds": 1920, "left": 93}        only if it has an optimize_batch
    -> {"number": 2, "replies": [{"text": ...}, {"failure": ...}, ...]}      or {"number": 2, "failure": "ValueError: ..."}

In between it may ask the metered model (pipe.py, metered.py), of whose calls so many are `left`. What the module prints goes to standard error, which
the harness keeps in the run folder. The module's folder is *appended* to the path, so that it cannot shadow a library.
"""

import difflib
import importlib
import inspect
import itertools
import json
import os
import resource
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eval_harness.adapters import ADAPTERS, EXTRAS
from eval_harness.isolation import end_with_the_harness, give_up_looking
from eval_harness.pipe import PipedModel
from persona_atlas.protocol import MAX_PROMPT_CHARACTERS, Context, Message, NoModel, Prompt, Request, TrainTask

Optimize = Callable[[Request, Context], Prompt | str]
OptimizeBatch = Callable[[list[Request], Context], Sequence[Prompt | str]]
Fit = Callable[[list[TrainTask], Context], Any]


@dataclass(frozen=True)
class Loaded:
    """What a module offers: `optimize`, and `fit` and `optimize_batch` if it has them."""

    optimize: Optimize
    fit: Fit | None = None
    batch: OptimizeBatch | None = None


class UnusableError(ValueError):
    """The module is no optimizer; the message is one sentence that says why."""


def load_optimizer(module_name: str, attribute: str | None, arguments: dict[str, Any]) -> Loaded:
    """Import the module and find its optimizer, with `fit` and `optimize_batch` beside it.

    The optimizer is a function, an object with `optimize`, or a class with `optimize`, which is created with `arguments`. Raises UnusableError.
    """
    module = _import(module_name)
    name = attribute or "optimize"
    if not hasattr(module, name):
        public = [key for key in vars(module) if not key.startswith("_")]
        near = difflib.get_close_matches(name, public, n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}? (write {module_name}:{near[0]})" if near else "define optimize(request)"
        raise UnusableError(f"the module {module_name!r} has no {name!r}; {hint}")
    found = getattr(module, name)
    if inspect.isclass(found):
        found = _made(found, arguments, f"{module_name}:{name}")
        arguments = {}
    function = found.optimize if hasattr(found, "optimize") else found
    beside = found if hasattr(found, "optimize") else module if name == "optimize" else None
    fit, batch = getattr(beside, "fit", None), getattr(beside, "optimize_batch", None)
    for given, wanted in ((fit, "fit(train, context)"), (batch, "optimize_batch(requests, context)")):
        if given is not None and not callable(given):
            raise UnusableError(f"{module_name}: its {wanted.split('(')[0]} is a {type(given).__name__}, wanted a function {wanted}")
    many = None if batch is None else _with_context(batch, arguments, f"{module_name}:optimize_batch", "optimize_batch(requests")
    return Loaded(_with_context(function, arguments, f"{module_name}:{name}"), fit, many)


def _import(module_name: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise UnusableError(_not_found(module_name)) from None
        raise UnusableError(
            f"the module {module_name!r} does not import: it needs {error.name!r}, which is not installed{_extra(module_name)}"
        ) from None
    except Exception as error:  # whatever a user's module raises on import is shown to the user
        raise UnusableError(f"the module {module_name!r} does not import: {type(error).__name__}: {_first_line(error)}") from None


def _extra(module_name: str) -> str:
    """What to type, to end a message, if the module is one of the package's own adapters and lacks its library."""
    mine = [name for name, place in ADAPTERS.items() if place.startswith(f"{module_name}:")]
    return f": pip install 'persona-atlas[{EXTRAS[mine[0]]}]'" if mine else ""


def _not_found(module_name: str) -> str:
    from eval_harness.controls import KNOWN

    if module_name in (*KNOWN, *ADAPTERS):
        return f"there is no module {module_name!r} here or installed; what ships under that name is written without an attribute: {module_name}"
    here = [name[:-3] for name in os.listdir(sys.path[-1]) if name.endswith(".py")] if os.path.isdir(sys.path[-1]) else []
    near = difflib.get_close_matches(module_name.removesuffix(".py"), [*here, *KNOWN, *ADAPTERS], n=3, cutoff=0.6)
    return f"there is no module {module_name!r} here or installed" + (
        f"; did you mean {', '.join(near)}?" if near else "; give the name of a Python file without .py, or one of the built-in controls"
    )


def _made(class_: type, arguments: dict[str, Any], name: str) -> Any:
    try:
        made = class_(**arguments)
    except Exception as error:  # the user's constructor, the user's error
        raise UnusableError(f"{name} cannot be made with --optimizer_args {arguments}: {type(error).__name__}: {_first_line(error)}") from None
    if not hasattr(made, "optimize"):
        raise UnusableError(f"the class {name} has no method optimize(request, context)")
    return made


def _with_context(function: Any, arguments: dict[str, Any], name: str, call: str = "optimize(request") -> Any:
    """The function, passed the context only if its second parameter must be given or is called `context`.

    Raises UnusableError for a signature that fits neither form; `call` begins both forms in the message.
    """
    wanted = f"{call}) or {call}, context)"
    if not callable(function):
        raise UnusableError(f"{name} is a {type(function).__name__}, wanted a function {wanted}")
    try:
        signature = inspect.signature(function)
    except ValueError:  # some functions that are written in C have none
        raise UnusableError(f"{name} has no signature that Python can read; wrap it in a function {wanted}") from None
    second = next(itertools.islice(signature.parameters.values(), 1, None), None)
    optional = second is not None and second.default is not second.empty and second.name != "context"
    for positional in ((None,), (None, None)) if optional else ((None, None), (None,)):
        try:
            signature.bind(*positional, **arguments)
        except TypeError:
            continue
        if len(positional) == 2:
            return lambda request, context: function(request, context, **arguments)
        return lambda request, context: function(request, **arguments)
    extra = f" and --optimizer_args {', '.join(arguments)}" if arguments else ""
    raise UnusableError(f"{name}{signature} cannot be called; wanted {wanted}{extra}")


def answer(optimize: Optimize, message: dict[str, Any], model: PipedModel | NoModel) -> dict[str, Any]:
    """The optimizer's answer to one request. An exception or a wrong return value becomes a failure."""
    try:
        request = _request(message["request"])
        return _checked(optimize(request, Context(message["seed"], message["seconds"], model, request=request)))
    except Exception as error:  # recorded as this item's failure: an optimizer's error must not end the run
        return {"failure": f"{type(error).__name__}: {_first_line(error)}"}


def answer_all(batch: OptimizeBatch, message: dict[str, Any], model: PipedModel | NoModel) -> dict[str, Any]:
    """The answers to several requests at once. After an exception, or a list of another length, all fail, and the harness asks each by itself."""
    requests = [_request(data) for data in message["requests"]]
    try:
        results = list(batch(requests, Context(message["seed"], message["seconds"], model)))
    except Exception as error:  # as in `answer`
        return {"failure": f"{type(error).__name__}: {_first_line(error)}"}
    if len(results) != len(requests):
        return {"failure": f"wrong number: optimize_batch returned {len(results)} prompts for {len(requests)} requests"}
    return {"replies": [_said(result) for result in results]}


def _said(result: object) -> dict[str, Any]:
    """The reply for one result of a batch; a failure if its profile cannot be read."""
    try:
        return _checked(result)
    except Exception as error:  # as in `answer`
        return {"failure": f"{type(error).__name__}: {_first_line(error)}"}


def fitted(fit: Fit, message: dict[str, Any], model: PipedModel | NoModel) -> dict[str, Any]:
    """Call `fit` on the train tasks. An exception makes the optimizer unusable."""
    tasks = [TrainTask(number, _request(data)) for number, data in enumerate(message["fit"])]
    try:
        fit(tasks, Context(message["seed"], message["seconds"], model, model.score))
    except Exception as error:  # the user's function, the user's error
        return {"unusable": f"its fit failed: {type(error).__name__}: {_first_line(error)}"}
    return {"fitted": True}


def _request(data: dict[str, Any]) -> Request:
    history = tuple(tuple(Message(**turn) for turn in conversation) for conversation in data["history"])
    return Request(data["user"], history, data["query"])


def _checked(result: object) -> dict[str, Any]:
    prompt = Prompt(result) if isinstance(result, str) else result
    if not isinstance(prompt, Prompt):
        return {"failure": f"wrong type: optimize returned {type(result).__name__}, wanted str or Prompt"}
    if not isinstance(prompt.text, str) or not prompt.text.strip():
        return {"failure": "empty prompt" if isinstance(prompt.text, str) else f"wrong type: Prompt.text is {type(prompt.text).__name__}, wanted str"}
    if len(prompt.text) > MAX_PROMPT_CHARACTERS:
        return {"failure": f"too long: the prompt has {len(prompt.text):,} characters, at most {MAX_PROMPT_CHARACTERS:,} are taken"}
    # Half a surrogate pair cannot be written to any file later. In a prompt it is the optimizer's fault; elsewhere it is replaced.
    if _writable(prompt.text) != prompt.text:
        return {"failure": "not text: the prompt holds half a surrogate pair"}
    profile = [{name: _writable(str(getattr(entry, name))) for name in ("preference", "value", "evidence")} for entry in prompt.profile[:100]]
    return {"text": prompt.text, "profile": profile, "notes": _writable(str(prompt.notes)[:10_000])}


def _writable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _first_line(error: Exception) -> str:
    return _writable((str(error).splitlines() or [""])[0][:300])


def main() -> None:
    """Serve requests until standard input ends."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    incoming = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def reply(message: dict[str, Any]) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    give_up_looking()
    end_with_the_harness()
    start = json.loads(incoming.readline())
    if sys.platform == "linux":  # elsewhere the limit does not count what malloc maps, or cannot be set
        resource.setrlimit(resource.RLIMIT_DATA, (start["memory"], start["memory"]))
    sys.path[:] = [entry for entry in sys.path if entry not in ("", start["path"])] + [start["path"]]
    os.chdir(tempfile.mkdtemp(prefix="optimizer-", dir=start["folder"]))
    try:
        loaded = load_optimizer(start["module"], start["attribute"], start["arguments"])
    except UnusableError as error:
        reply({"unusable": str(error)})
        return
    reply({"ready": True, "fits": loaded.fit is not None, "batches": loaded.batch is not None})
    model = PipedModel(reply, incoming, start["calls"]) if start["calls"] else NoModel()
    own = os.getpid()
    while line := incoming.readline():
        message = json.loads(line)
        if isinstance(model, PipedModel):
            model.calls_left = message["left"]
        if "fit" in message and loaded.fit is not None:
            reply(fitted(loaded.fit, message, model))
            continue
        many = loaded.batch if "requests" in message else None
        found = answer(loaded.optimize, message, model) if many is None else answer_all(many, message, model)
        if os.getpid() != own:  # a child that the optimizer forked has returned here: one request gets one reply
            os._exit(0)
        reply({**found, "number": message["number"]})


if __name__ == "__main__":
    main()
