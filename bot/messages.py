"""What flows through a turn: the customer's request in, pieces of text and one answer out."""

from dataclasses import dataclass, field
from typing import Literal

from bot.wording import Wording
from knowledge.documents import Gaps, Language, Passage
from knowledge.report import SubQuestion

Role = Literal["customer", "agent", "bot", "system", "action"]
Route = Literal["answer", "clarify", "human"]
Shots = int | Literal["auto"]
Cot = Literal["off", "zero", "few", "auto"]


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a conversation, oldest first in every list of them."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """A customer's message. The same `message` id sent twice is one message and gets the one answer.

    conversation: None starts a new one. customer: an opaque id; None is a fresh anonymous customer.
    history: earlier messages a stateless caller brings along (the HTTP API); None means what is saved.
    language: the page's language, used only where the text itself does not tell ("ok", "123").
    shots, cot, prompt: how many examples are shown, how the model is made to reason and which prompt version it gets, for this one turn;
    None means what is set. wording: a prompt that is no version yet, to be tried before it is one.
    """

    text: str
    conversation: str | None = None
    customer: str | None = None
    message: str | None = None
    backend: str | None = None
    collection: str = "default"
    history: tuple[Message, ...] | None = None
    language: Language | None = None
    shots: Shots | None = None
    cot: Cot | None = None
    prompt: str | None = None
    wording: Wording | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the reply, to be appended to what came before."""

    text: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that a sentence of the reply rests on; `text` is the passage, `quote` the sentence of it."""

    id: str
    source: str
    title: str
    text: str
    score: float
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Counted with the answering backend's tokenizer. saved: what was left out of a full prompt."""

    prompt: int = 0
    completion: int = 0
    saved: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of every turn, and what `ask --json` prints.

    abstained: a question left unanswered for want of evidence. route `human`: a hand-over was recorded, `reason` says why.
    interrupted: the customer stopped it or the backend broke off; `text` is what came until then.
    rungs: the backends tried or passed over before the one that answered, each with the reason; why: it was this one. For the support lead.
    latency_ms: `first_token`, `total` and one entry a stage, in milliseconds.
    confidence: how likely the evidence holds an answer, 0..1; None where it was not asked for.
    """

    text: str
    conversation: str
    message: str
    citations: tuple[Citation, ...] = ()
    abstained: bool = False
    route: Route = "answer"
    reason: str | None = None
    backend: str = ""
    adapter: str | None = None
    prompt_version: str = ""
    language: Language = "en"
    intent: str | None = None
    sentiment: str | None = None
    tokens: Tokens = Tokens()
    latency_ms: dict[str, float] = field(default_factory=dict)
    interrupted: bool = False
    rungs: tuple[tuple[str, str], ...] = ()
    suggestions: tuple[str, ...] = ()
    reply: str = ""  # the id of the saved reply, what feedback refers to
    confidence: float | None = None
    why: str = ""


ExampleState = Literal["pending", "approved", "rejected"]
Split = Literal["train", "eval", "neither"]


@dataclass(frozen=True, slots=True)
class Example:
    """A question with a good answer to it, in the approved pool or on its way there. It may be shown in prompts only when approved.

    evidence: the passage that the answer rests on; source: the document it stands in, as a citation names it. reasoning: how one gets
    from the evidence to the answer, for worked examples. conversation, customer: where it comes from; empty for one that was written
    by hand. at: position in time of its source, ISO 8601. split: what it may be used for, training or evaluation; the pool sets it.
    flagged: the bot's reply that a customer did not like, where it comes from one; a better answer has to take its place. corrects: the
    example that gave that reply, word for word: approved, this one takes its place.
    """

    id: str
    question: str
    answer: str
    language: Language = "en"
    evidence: str = ""
    reasoning: str = ""
    intent: str = ""
    conversation: str = ""
    customer: str = ""
    at: str = ""
    state: ExampleState = "pending"
    source: str = ""
    split: Split = "train"
    flagged: str = ""
    corrects: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a prompt is made of, before it is cut to a window.

    passages: best first. facts: what is known of this customer, most relevant first. summary: of what was said before `history`.
    examples: approved ones, the most fitting first. history: oldest first.
    """

    question: str
    passages: tuple[Passage, ...] = ()
    examples: tuple[Example, ...] = ()
    facts: tuple[str, ...] = ()
    summary: str = ""
    history: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a backend is asked: the very messages, and the evidence they were built from.

    A language model reads `messages`; the extractive backend reads `question` (self-contained) and `passages`.
    gaps: what of the question the passages leave open. reasoned: the model was told to reason in a marked section before it answers.
    parts: the questions, where several are asked at once.
    """

    messages: tuple[Message, ...]
    question: str
    passages: tuple[Passage, ...]
    language: Language
    version: str = ""
    gaps: Gaps = field(default_factory=Gaps)
    reasoned: bool = False
    parts: tuple[SubQuestion, ...] = ()


Event = Delta | Answer
