"""Worked reasoning for approved examples, written by a model that is shown the answer, and kept only where it adds nothing of its own."""

from bot.backends.base import Backend, Options
from bot.messages import Example, Message, Prompt
from bot.metrics import figures
from bot.prompts import texts

STEPS, LONGEST = 5, 900  # lines and characters; longer reasoning makes worse examples (Zhang et al. 2022, section 4)


def reasoned(example: Example, backend: Backend) -> str | None:
    """The steps from the example's evidence to its answer; None where what the model wrote cannot be used. Raises `BackendError`.

    The model is shown the approved answer, so that what it explains is right (Zelikman et al. 2022, "STaR": rationalization).
    """
    own = texts(example.language)
    told = {"question": example.question, "evidence": example.evidence, "answer": example.answer}
    asked = "\n".join(f"{own.known[name]}: {text}" for name, text in told.items())
    prompt = Prompt((Message("system", own.known["explain"]), Message("customer", asked)), example.question, (), example.language)
    said = "".join(backend.stream(prompt, Options(max_tokens=400)))
    steps = [line.strip() for line in said.splitlines() if line.strip()]
    return "\n".join(steps) if usable(steps, example) else None


def usable(steps: list[str], example: Example) -> bool:
    """Whether reasoning is short and has no figure that neither the example nor the numbering of its steps has."""
    known = figures(f"{example.evidence} {example.question} {example.answer}") | {str(number) for number in range(1, STEPS + 1)}
    return 1 <= len(steps) <= STEPS and sum(map(len, steps)) <= LONGEST and figures(" ".join(steps)) <= known
