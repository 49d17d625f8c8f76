"""Every setting, read in this one place: `answerdesk.toml` in the working folder, then `ANSWERDESK_...` variables, which win."""

import os
import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from ui.hours import OfficeHours, zone
from ui.mail import MailServer

Origin = Literal["command", "environment", "file", "default"]
_FILE = "answerdesk.toml"
_ORIGIN = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::\d{1,5})?")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_SHORTEST_SECRET = 32
_PREFIX = "ANSWERDESK_"
_NO_SETTINGS = ("ANSWERDESK_DEBUG", "ANSWERDESK_TEST_")  # of every command, and of the test suite
SAMPLE_SHOP = "TechCorp"
"""What the sample shop is called; no other shop is."""


class SettingsError(Exception):
    """A setting has a value that is not allowed; the message names the setting, the value and what is allowed."""


class Settings(BaseSettings):
    """The product's settings. Each is `ANSWERDESK_<NAME>` in the environment and `<name> = ...` in answerdesk.toml."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, toml_file=_FILE, extra="ignore", frozen=True)

    data_dir: Path = Field(Path("data"), description="Where everything lives: database, index, uploads.")
    backup_dir: str = Field("", description="Where backups go that are made without naming a file; empty: beside the data folder.")
    database_url: str = Field("", description="SQLAlchemy URL; empty is SQLite in the data folder.")
    chroma_url: str = Field("", description="http://host:port of a Chroma server; empty is the embedded store in the data folder.")

    host: str = Field("127.0.0.1", description="Address the web app listens on.")
    port: int = Field(7860, ge=1, le=65535, description="Port the web app listens on.")
    trusted_hosts: list[str] = Field(["127.0.0.1", "localhost", "[::1]"], description="Host names the web app answers to; * is any.")
    secret: SecretStr = Field(SecretStr(""), description="Signs the customers' cookies; empty makes one in the data folder.")
    secure_cookies: bool = Field(False, description="Send cookies over HTTPS only; set it behind TLS.")

    admin_password: SecretStr = Field(SecretStr(""), description="The first admin's password; empty: a one-time one is made and shown.")

    oidc_issuer: str = Field("", description="Single sign-on of the staff: the OpenID Connect issuer, as https://id.example; empty: none.")
    oidc_client_id: str = Field("", description="What the issuer calls this product. It sends people back to <public_url>/login/sso/back.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="The secret that the issuer gave with it, where it gave one.")
    oidc_scopes: str = Field("openid profile email", description="What is asked of the issuer.")
    oidc_name_claim: str = Field("email", description="The claim that becomes the user's name here.")
    oidc_role_claim: str = Field("roles", description="The claim that says what somebody is: a text or a list of texts.")
    oidc_leads: list[str] = Field([], description="Values of that claim that make a lead. Whoever has none of either list is refused.")
    oidc_admins: list[str] = Field([], description="Values of that claim that make an admin.")

    shop_name: str = Field("", max_length=60, description="The shop's name on the page and in prompts; empty: none is named.")
    shop_contact: str = Field("", max_length=200, description="Where to reach a person when nobody is at the desk, e.g. a mail address.")
    suggested_questions: list[str] = Field(
        [], description="Questions the customer's page opens with, in each language, up to four of each; empty: common ones."
    )
    office_hours: str = Field(
        "", description='When somebody is at the desk, e.g. "Mon-Fri 09:00-18:00; Sat 10:00-14:00"; empty: nothing is said of hours.'
    )
    office_zone: str = Field("UTC", description="The time zone of the office hours, e.g. Europe/Berlin or Asia/Shanghai.")

    widget_origins: list[str] = Field(
        [], description='Sites whose pages may show the chat, e.g. "https://shop.example"; this one always may.'
    )
    identity_secret: SecretStr = Field(
        SecretStr(""), description="Shared with the shop's server, which signs with it who its customers are: 32 characters or more."
    )

    public_url: str = Field(
        "", description="Where people reach the product, e.g. https://support.example: for links in messages and for single sign-on."
    )
    notify_webhook: SecretStr = Field(
        SecretStr(""), description="An address that gets a JSON POST when a customer begins to wait for a person: https, or this machine."
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="The mail server: smtps://user:password@mail.example:465, or smtp://...:587 with STARTTLS (none on this machine).",
    )
    mail_from: str = Field("", description="Who its mails are from; empty: the first of notify_mail.")
    notify_mail: list[str] = Field([], description="Addresses that get a mail when a customer begins to wait for a person.")

    embedding_model: str = Field("minilm", description="minilm (shipped, offline), or any sentence-transformers name or folder.")
    threshold: float | None = Field(None, ge=0, le=1, description="Relevance under which the bot says it does not know; empty: calibrated.")

    backend: str = Field(
        "", description="Which backend answers first: extractive, hosted or local; empty: hosted where it is set up, else extractive."
    )
    hosted_url: str = Field("", description="Base URL of an OpenAI-compatible server, e.g. http://127.0.0.1:11434/v1.")
    hosted_model: str = Field("", description="Model name on that server, or provider:model for any LangChain chat model.")
    hosted_key: SecretStr = Field(SecretStr(""), description="Its API key, where it wants one.")
    hosted_window: int = Field(8192, ge=512, le=4_000_000, description="Its context window in tokens.")
    hosted_tokenizer: str = Field(
        "", description="Its tokenizer, a folder with a tokenizer.json or a name on the model hub; empty: tokens are estimated."
    )
    local_model: str = Field("", description="A causal language model to answer with: a folder, a hub name, or starter (a demonstration).")
    local_four_bit: bool = Field(False, description="Hold it in 4 bits (NF4), in an eighth of the memory.")
    max_tokens: int = Field(512, ge=16, le=8192, description="Longest reply, in tokens.")
    temperature: float = Field(0.0, ge=0, le=2, description="Sampling temperature of the hosted model.")
    shots: Annotated[int, Field(ge=0, le=64)] | Literal["auto"] = Field(
        "auto",
        description="Approved examples a model is shown with each question: 0 to 64, or auto, as many as were measured to help.",
    )
    cot: Literal["off", "zero", "few", "auto"] = Field(
        "off",
        description="How a model reasons before it answers: off, zero (told to), few (shown by examples), auto (one example of each kind).",
    )
    tone: str = Field("default", pattern="^[a-z0-9_-]{1,32}$", description="Whose prompt templates are used: see `answerdesk prompts`.")
    direct_answers: bool = Field(True, description="Give an approved answer again, before any model, where the very same is asked.")
    first_token_s: float = Field(15, gt=0, le=120, description="Seconds a backend has to its first token.")
    idle_s: float = Field(10, gt=0, le=120, description="Seconds a stream may stand still.")
    total_s: float = Field(60, gt=0, le=600, description="Seconds a whole reply may take.")

    watch: Literal["off", "back", "on"] = Field(
        "on",
        description="Promoted adapters: back takes one back when its conversations go badly, on also widens a good canary.",
    )
    watch_minutes: float = Field(
        5, gt=0, le=1440, description="Minutes between two looks at what customers did, at adapters' replies and with thumbs."
    )
    watch_least: int = Field(40, ge=10, le=100_000, description="Conversations of an adapter, and of the others, before it is judged.")
    watch_margin: float = Field(0.1, gt=0, le=0.5, description="How much larger a share of them may go badly for a canary to be widened.")
    watch_days: int = Field(30, ge=1, le=365, description="Days for which an adapter that has all conversations is watched.")
    retrain_after: int = Field(
        200, ge=0, le=1_000_000, description="Newly approved examples from which on training again is proposed; 0 is never."
    )

    alert_waiting_minutes: float = Field(5, ge=0, le=1440, description="Minutes of waiting for a person after which the desk is alerted.")
    alert_jump: float = Field(
        0.1, gt=0, le=1, description="Rise of the share of unanswered or disliked answers, a day against the week before, that alerts."
    )
    alert_least: int = Field(20, ge=1, description="Answers (or ratings) a day and a week must have before their shares are compared.")

    max_message_chars: int = Field(4000, ge=100, le=100_000, description="Longest message a customer may send, in characters.")
    max_file_mb: float = Field(50, gt=0, le=2000, description="Largest document taken in, in megabytes.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")

    _given: tuple[str, ...] = PrivateAttr(())
    _in_file: tuple[str, ...] = PrivateAttr(())

    @property
    def backups(self) -> Path:
        """The folder of backups: never in the data folder, as what loses that would lose them too."""
        beside = self.data_dir.absolute()
        return Path(self.backup_dir).absolute() if self.backup_dir else beside.with_name(f"{beside.name}-backups")

    def origin(self, name: str) -> Origin:
        """Where the value of a setting came from when it was read."""
        if name in self._given:
            return "command"
        if f"ANSWERDESK_{name.upper()}" in {variable.upper() for variable in os.environ}:
            return "environment"
        return "file" if name in self._in_file else "default"

    @field_validator("widget_origins")
    @classmethod
    def _origins(cls, origins: list[str]) -> list[str]:
        return [checked_origin(origin) for origin in origins]

    @field_validator("identity_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        if 0 < len(secret.get_secret_value()) < _SHORTEST_SECRET:
            raise ValueError(f"it has under {_SHORTEST_SECRET} characters; make one with `openssl rand -hex 32`")
        return secret

    @field_validator("notify_webhook")
    @classmethod
    def _webhook(cls, address: SecretStr) -> SecretStr:
        if address.get_secret_value() and not safe_address(address.get_secret_value()):
            raise ValueError("it is no address that may be called; allowed: https://host/..., or http:// on this machine, without a user")
        return address

    @field_validator("smtp_url")
    @classmethod
    def _smtp(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value():
            MailServer.read(url.get_secret_value())
        return url

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, address: str) -> str:
        return _checked_address(address) if address else ""

    @field_validator("notify_mail")
    @classmethod
    def _addresses(cls, addresses: list[str], others: ValidationInfo) -> list[str]:
        server = others.data.get("smtp_url")  # not there where it is wrong, which is told already
        if addresses and server is not None and not server.get_secret_value():
            raise ValueError("there is no mail server to send them by; set smtp_url too")
        return list(map(_checked_address, addresses))

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, address: str) -> str:
        if address and not safe_address(address):
            raise ValueError("it is no issuer that may be asked; allowed: https://host/..., or http:// on this machine")
        return address

    @field_validator("public_url")
    @classmethod
    def _public(cls, address: str) -> str:
        return checked_origin(address) if address else ""

    @field_validator("office_hours")
    @classmethod
    def _hours(cls, text: str) -> str:
        OfficeHours.read(text)
        return text

    @field_validator("office_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        zone(name)
        return name

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (no .env file: one file and the environment are enough)
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, file_secret_settings, TomlConfigSettingsSource(settings_cls)


def safe_address(address: str) -> bool:
    """Whether it may be called: over TLS, or on this machine, with nobody's name and password in it."""
    try:
        found = urlsplit(address)
        host, _ = found.hostname or "", found.port
    except ValueError:
        return False
    here = host in {"127.0.0.1", "localhost", "::1"}
    return bool(host) and "@" not in found.netloc and (found.scheme == "https" or (found.scheme == "http" and here))


def _checked_address(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"{address!r} is no mail address; allowed: name@host, without a shown name")
    return address


def checked_origin(origin: str) -> str:
    """A site as browsers name it, `https://shop.example`, or ValueError. It goes into headers as it is."""
    if not _ORIGIN.fullmatch(found := origin.lower().removesuffix("/")):
        raise ValueError(f"{origin!r} is no origin; allowed: https://host or http://host:port, without a path")
    return found


def load_settings(**overrides: object) -> Settings:
    """Read the settings; `overrides` win and None among them means not given. Raises `SettingsError`."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        made = Settings(**given)  # type: ignore[arg-type]
        made._given = tuple(given)  # noqa: SLF001  (its own)
        made._in_file = tuple(tomllib.loads(Path(_FILE).read_text(encoding="utf-8"))) if Path(_FILE).is_file() else ()  # noqa: SLF001
        return made
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))} is {_shown(e)}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise SettingsError("; ".join(lines) + ". Correct it in answerdesk.toml or in the ANSWERDESK_ variables.") from None
    except ValueError as error:  # a broken answerdesk.toml
        raise SettingsError(f"answerdesk.toml cannot be read: {error}. Correct it or move it away.") from None


def unknown_settings() -> list[tuple[str, str]]:
    """What looks like a setting and is none, as it is written, each with the setting that was perhaps meant, or nothing."""
    known, path = Settings.model_fields, Path(_FILE)
    in_file = list(tomllib.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []
    own = [name for name in os.environ if name.upper().startswith(_PREFIX) and not name.upper().startswith(_NO_SETTINGS)]
    wrong = [(f"{name} in {_FILE}", name.lower(), "") for name in in_file if name.lower() not in known]
    wrong += [(name, bare, _PREFIX) for name in sorted(own) if (bare := name[len(_PREFIX) :].lower()) not in known]
    told = []
    for written, bare, prefix in wrong:
        near = get_close_matches(bare, known, 1)
        told.append((written, prefix + near[0].upper() if near and prefix else near[0] if near else ""))
    return told


def named(unknown: list[tuple[str, str]]) -> str:
    """What `unknown_settings` found, in a line."""
    return ", ".join(f"{written} ({near}?)" if near else written for written, near in unknown)


def _shown(error: Any) -> str:
    """What a setting was set to, unless that is a secret."""
    field = Settings.model_fields.get(str(error["loc"][0])) if error["loc"] else None
    return "set" if field and field.annotation is SecretStr else repr(error["input"])
