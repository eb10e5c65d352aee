from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Optional

import pytest

from restore.config import parse, to_yaml
from restore.errors import ConfigError


@dataclass
class Training:
    """Train the generator."""

    data_dir: str = field(metadata={"help": "folder of clean videos"})
    epochs: int = field(default=50, metadata={"help": "100% of the data, this often"})
    learning_rate: float = 2e-4
    flip: bool = True
    compile: bool = False
    precision: Literal["fp32", "bf16"] = "fp32"
    sizes: list[int] = field(default_factory=lambda: [128, 256])
    seed: int | None = None
    resume: Optional[str] = None  # noqa: UP045  # both spellings must work
    output_dir: Path = Path("saved_models")

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"epochs is {self.epochs}, expected 1 or more")


@pytest.fixture
def profile(tmp_path: Path):
    def write(text: str) -> str:
        path = tmp_path / "profile.yaml"
        path.write_text(text)
        return str(path)

    return write


def refusal(argv: list[str]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(Training, argv)
    message = str(caught.value)
    assert "\n" not in message and caught.value.exit_code == 2
    return message


def test_defaults() -> None:
    assert parse(Training, ["--data_dir", "UCF-101"]) == Training("UCF-101")


def test_every_kind_of_flag() -> None:
    argv = "--data_dir D --epochs 3 --learning_rate 1e-3 --no-flip --compile --precision bf16 --sizes 64 96 --seed 7"
    argv += " --resume last.pth --output_dir out"
    expected = Training("D", 3, 1e-3, False, True, "bf16", [64, 96], 7, "last.pth", Path("out"))
    assert parse(Training, argv.split()) == expected


def test_the_command_line_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", "--data_dir", "D"])
    assert parse(Training) == Training("D")


def test_flags_lie_over_the_profile_over_the_defaults(profile) -> None:
    path = profile("data_dir: UCF-101\nepochs: 10\nsizes: [64]\ncompile: true\n")
    config = parse(Training, ["--config", path, "--epochs", "20"])
    assert config == Training("UCF-101", epochs=20, sizes=[64], compile=True)


def test_a_flag_turns_off_what_the_profile_turns_on(profile) -> None:
    path = profile("data_dir: D\ncompile: true\nflip: false\n")
    config = parse(Training, ["--config", path, "--no-compile", "--flip"])
    assert (config.compile, config.flip) == (False, True)


def test_a_flag_equal_to_the_default_still_overrides_the_profile(profile) -> None:
    assert parse(Training, ["--config", profile("data_dir: D\nepochs: 10\n"), "--epochs", "50"]).epochs == 50


def test_the_profile_may_hold_everything(profile) -> None:
    text = "data_dir: D\nlearning_rate: 2e-4\nprecision: bf16\nseed: null\nresume: last.pth\noutput_dir: out\n"
    config = parse(Training, ["--config", profile(text)])
    assert config == Training("D", precision="bf16", resume="last.pth", output_dir=Path("out"))
    assert isinstance(config.learning_rate, float)  # 2e-4 is a string to PyYAML
    assert isinstance(config.output_dir, Path)


def test_whole_numbers_serve_as_floats(profile) -> None:
    rate = parse(Training, ["--config", profile("data_dir: D\nlearning_rate: 1\n")]).learning_rate
    assert rate == 1.0 and isinstance(rate, float)


def test_an_empty_profile_changes_nothing(profile) -> None:
    assert parse(Training, ["--config", profile("# nothing yet\n"), "--data_dir", "D"]) == Training("D")


@pytest.mark.parametrize(
    "config",
    [
        Training("UCF-101"),
        Training("D: a#b", 3, 1e-5, False, True, "bf16", [], 7, "last.pth", Path("out/é")),
        Training("null", learning_rate=1e300, resume="2e-4"),
    ],
)
def test_to_yaml_reads_back_the_same(config: Training, profile) -> None:
    assert parse(Training, ["--config", profile(to_yaml(config))]) == config


def test_help_shows_defaults_and_texts(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(Training, ["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0
    for line in (
        "Train the generator.",
        "folder of clean videos (required)",
        "--epochs EPOCHS 100% of the data, this often (default: 50)",
        "--flip, --no-flip (default: True)",
        "--precision {fp32,bf16} (default: fp32)",
        "(default: 128 256)",
        "--config FILE.yaml",
    ):
        assert line in text


def test_help_without_a_docstring_shows_no_signature(capsys: pytest.CaptureFixture[str]) -> None:
    @dataclass
    class Bare:
        epochs: int = 1

    with pytest.raises(SystemExit):
        parse(Bare, ["--help"])
    assert "Bare(" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("", "--data_dir is missing; give the flag, or `data_dir: ...` in the --config file"),
        ("--epoch 3", "unknown flag --epoch; did you mean --epochs?"),
        ("--data-dir=D", "unknown flag --data-dir; did you mean --data_dir?"),
        ("--zzz", "unknown flag --zzz; --help lists all"),
        ("clip.mp4", "unexpected 'clip.mp4'; every value follows its flag; --help lists all"),
        ("--epochs many", "--epochs: invalid int value: 'many'; --help lists all"),
        ("--epochs 1.5", "--epochs: invalid int value: '1.5'; --help lists all"),
        ("--epochs", "--epochs: expected one argument; --help lists all"),
        ("--sizes 1 x", "--sizes: invalid int value: 'x'; --help lists all"),
        ("--data_dir D --epochs 0", "epochs is 0, expected 1 or more"),
    ],
)
def test_wrong_command_lines(argv: str, message: str) -> None:
    assert refusal(argv.split()) == message


def test_a_choice_that_is_none_of_the_choices() -> None:
    message = refusal(["--precision", "fp8"])
    assert message.startswith("--precision: invalid choice: 'fp8'") and "fp32" in message and "bf16" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", "unknown setting 'epoch'; did you mean epochs?; line 1: {path}"),
        ("flip: true\n\non: 3", "unknown setting 'on'; --help lists all; line 3: {path}"),
        ("epochs: many", "epochs is 'many', expected a whole number; change line 1: {path}"),
        ("flip: false\nepochs: true", "epochs is True, expected a whole number; change line 2: {path}"),
        ("epochs: 1.5", "epochs is 1.5, expected a whole number; change line 1: {path}"),
        ("epochs: null", "epochs is None, expected a whole number; change line 1: {path}"),
        ("flip: 1", "flip is 1, expected true or false; change line 1: {path}"),
        ("learning_rate: fast", "learning_rate is 'fast', expected a number; change line 1: {path}"),
        ("learning_rate: true", "learning_rate is True, expected a number; change line 1: {path}"),
        ("precision: fp8", "precision is 'fp8', expected one of fp32, bf16; change line 1: {path}"),
        ("sizes: 128", "sizes is 128, expected a list, each of it a whole number; change line 1: {path}"),
        ("sizes: [1, x]", "sizes is [1, 'x'], expected a list, each of it a whole number; change line 1: {path}"),
        ("seed: x", "seed is 'x', expected a whole number, or null; change line 1: {path}"),
        ("data_dir: 101", "data_dir is 101, expected text; change line 1: {path}"),
        ("output_dir: 1", "output_dir is 1, expected a path; change line 1: {path}"),
        ("epochs: 1\nepochs: 2", "epochs is set twice; leave one, line 2: {path}"),
        ("- epochs\n- 3", "a profile holds lines of `name: value`, got a seq: {path}"),
        ("epochs: [1", "broken YAML, expected ',' or ']', but got '<stream end>'; mend line 1: {path}"),
        ("data_dir: 2026-02-30", "broken YAML, day is out of range for month; mend {path}"),
        ("data_dir: D\nepochs: 0", "epochs is 0, expected 1 or more"),
    ],
)
def test_wrong_profiles(text: str, message: str, profile) -> None:
    path = profile(text)
    assert refusal(["--config", path]) == message.format(path=path)


def test_a_profile_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    message = f"cannot read the profile, give a YAML file to --config: No such file or directory: {path}"
    assert refusal(["--config", str(path)]) == message


def test_a_profile_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"PK\x03\x04\xff\xfe\x00\x00")
    assert refusal(["--config", str(path)]).startswith("broken YAML, ")


def test_a_profile_that_would_fill_the_memory(profile) -> None:
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
    ]
    path = profile("\n".join(lines))
    line = "a profile holds lines of `name: value`, got an alias (*name); write it out: "
    assert refusal(["--data_dir", "a", "--config", path]) == f"{line}{path}"
    path = profile("epochs: " + "[" * 500 + "]" * 500)
    line = "a profile holds lines of `name: value`, got lists within lists; write it out: "
    assert refusal(["--data_dir", "a", "--config", path]) == f"{line}{path}"
    path = profile("# " + "a" * (1 << 20))
    assert refusal(["--data_dir", "a", "--config", path]).startswith("a profile has at most 65536 bytes, got more; ")
    path = profile(f"epochs: {'x' * 5000}")
    assert refusal(["--data_dir", "a", "--config", path]) == (
        f"epochs is '{'x' * 79}..., expected a whole number; change line 1: {path}"
    )
