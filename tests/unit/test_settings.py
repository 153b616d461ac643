"""Flags over environment over config.toml over defaults; secrets that never show; errors that name the file."""

from __future__ import annotations

import copy
import pickle
import stat
from pathlib import Path

import pytest

from ingestune_tui.errors import ConfigError, GridError, IngestuneError, Problem, UsageError
from ingestune_tui.secrets import Secret
from ingestune_tui.settings import Remembered, load, paths, private_directory, ready_grids, recall, remember


def home(tmp_path: Path, config: str = "", **environment: str) -> dict[str, str]:
    """An environment whose config.toml says `config`."""
    (tmp_path / "config.toml").write_text(config, encoding="utf-8")
    return {"INGESTUNE_HOME": str(tmp_path), **environment}


def test_nothing_configured_gives_the_defaults(tmp_path: Path) -> None:
    found = load(environment={"INGESTUNE_HOME": str(tmp_path)})
    assert found.database == tmp_path / "results.db"
    assert (found.cluster, found.shared_copy, found.topic_prefix, found.cache_days) == (None, None, "ingestune", 7.0)


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    config = 'cluster = "file:1"\ntopic_prefix = "file"\ndatabase = "/file.db"\n'
    environment = home(tmp_path, config, INGESTUNE_CLUSTER="environment:1", INGESTUNE_DATABASE="/environment.db")
    found = load(cluster="flag:1", environment=environment)
    assert found.cluster == "flag:1"
    assert found.database == Path("/environment.db")
    assert found.topic_prefix == "file"


def test_files_that_are_named_are_found_from_any_other_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = load(database="mine.db", command_config="client.properties", environment=home(tmp_path, ""))
    assert (found.database, found.command_config) == (tmp_path / "mine.db", tmp_path / "client.properties")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("cluster = local", "line 1"),
        ("clutser = 'local'", "clutser"),
        ("cache_days = 'seven'", "cache_days"),
        ("cache_days = nan", "between 0 and 3650"),
        ("cache_days = -1", "between 0 and 3650"),
        ("refresh = inf", "redraws"),
        ("topic_prefix = 'a b'", "prefix"),
        pytest.param("a = " + "[" * 3000, "config.toml", id="3000 brackets"),
        pytest.param("a = " + "1" * 5000, "config.toml", id="5000 digits"),
        ("database = '~no-such-person-here/x.db'", "no such home"),
    ],
)
def test_a_wrong_config_names_what_is_wrong(tmp_path: Path, config: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        load(environment=home(tmp_path, config))
    assert caught.value.exit_code == 2


def test_a_config_that_is_no_text_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"config\.toml cannot be read"):
        load(environment={"INGESTUNE_HOME": str(tmp_path)})
    (tmp_path / "config.toml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match="larger than 1 MB"):
        load(environment={"INGESTUNE_HOME": str(tmp_path)})


def test_a_home_of_nobody_is_said_so() -> None:
    with pytest.raises(ConfigError, match="INGESTUNE_HOME"):
        paths({"INGESTUNE_HOME": "~no-such-person-here"})


def test_the_shared_copy_knows_where_its_address_came_from(tmp_path: Path) -> None:
    dsn = "postgresql://me:hunter2@db/x"
    found = load(environment=home(tmp_path, "allow_plaintext = true", INGESTUNE_POSTGRES=dsn)).shared_copy
    assert found is not None
    assert (found.dsn.reveal(), found.origin, found.allow_plaintext) == (dsn, "INGESTUNE_POSTGRES", True)
    assert "hunter2" not in repr(found)


def test_a_password_file_is_read_only_when_it_is_private(tmp_path: Path) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("postgresql://me:hunter2@db/x\n")
    secret.chmod(0o644)
    environment = home(tmp_path, f'postgres_file = "{secret}"')
    with pytest.raises(ConfigError, match="read by others") as caught:
        load(environment=environment)
    assert "chmod 600" in caught.value.hint
    secret.chmod(0o600)
    found = load(environment=environment).shared_copy
    assert found is not None
    assert found.dsn.reveal() == "postgresql://me:hunter2@db/x"


def test_a_password_file_that_is_no_text_is_said_without_showing_it(tmp_path: Path) -> None:
    secret = tmp_path / "dsn"
    secret.write_bytes(b"hunter2\xff")
    secret.chmod(0o600)
    with pytest.raises(ConfigError, match="UTF-8") as caught:
        load(environment=home(tmp_path, f'postgres_file = "{secret}"'))
    assert caught.value.__cause__ is None
    assert "hunter2" not in str(caught.value)
    secret.unlink()
    with pytest.raises(ConfigError, match="No such file"):
        load(environment=home(tmp_path, f'postgres_file = "{secret}"'))


def test_what_the_app_remembers_comes_back_and_a_broken_file_costs_only_keystrokes(tmp_path: Path) -> None:
    where = paths({"INGESTUNE_HOME": str(tmp_path)})
    assert recall(where) == Remembered()
    remembered = Remembered(cluster="local", recent=("a.toml", "b.toml"))
    remember(where, remembered)
    assert recall(where) == remembered
    assert stat.S_IMODE(where.state.stat().st_mode) == 0o700
    (where.state / "remembered.json").write_bytes(b"\xff{")
    assert recall(where) == Remembered()


def test_a_directory_that_cannot_be_made_or_is_anothers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be made"):
        private_directory(tmp_path / "file" / "below")
    monkeypatch.setattr("os.getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(ConfigError, match="another user"):
        private_directory(tmp_path)


def test_the_ready_grids_are_there() -> None:
    assert (ready_grids() / "quick.toml").is_file()


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hunter2")
    shown = [f"{secret}", f"{secret!r:>10}", str([secret]), f"{secret:s}", "%s" % secret]  # noqa: UP031
    assert not any("hunter2" in text for text in shown)
    assert secret.reveal() == "hunter2"
    assert secret == Secret("hunter2") != Secret("hunter3")
    assert secret != "hunter2"
    assert len({secret, Secret("hunter2")}) == 1
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)


def test_an_error_says_what_happened_and_what_to_do() -> None:
    assert str(UsageError("it is so", "Do that.")) == "it is so\nDo that."
    assert str(IngestuneError("it is so")) == "it is so"


def test_a_grid_error_lists_every_problem_under_its_file() -> None:
    problems = (Problem("producer.acks", "it is wrong", "try all"), Problem("", "and that"))
    said = str(GridError(problems, "x.toml"))
    assert said == "x.toml has 2 problems:\n  producer.acks: it is wrong (try all)\n  and that"
    assert "has 1 problem:" in str(GridError(problems[:1]))


def every_error(kind: type[IngestuneError] = IngestuneError) -> list[type[IngestuneError]]:
    return [kind, *(below for each in kind.__subclasses__() for below in every_error(each))]


def test_every_error_has_a_title_of_its_own_and_an_exit_code_of_the_contract() -> None:
    kinds = [kind for kind in every_error() if kind.__module__ == "ingestune_tui.errors"]
    assert len({kind.title for kind in kinds}) == len(kinds)
    assert {kind.exit_code for kind in kinds} == {1, 2}
