from __future__ import annotations

from tfx_rollout.gateway import access_log_folder as module
from tfx_rollout.gateway.access_log_folder import AccessLogFolder, log_parts


def names(folder):
    return [part.path.name for part in log_parts(folder.path)]


def test_each_start_has_a_log_later_than_all_before(tmp_path):
    folder = AccessLogFolder(tmp_path / "access")
    (tmp_path / "access").mkdir()
    (tmp_path / "access" / "99999999999999.log").touch()  # from a clock that was ahead
    first, second = folder.begin(), folder.begin()
    assert names(folder)[-2:] == [first.name, second.name]
    assert second.exists()


def test_parts_are_in_the_order_in_which_they_were_written(tmp_path):
    folder = AccessLogFolder(tmp_path)
    current = folder.begin()
    for _ in range(2):
        current.write_text("x" * 100)
        assert folder.rotate(50)
    current.write_text("x")
    stem = current.stem
    assert names(folder) == [f"{stem}.0001.log", f"{stem}.0002.log", f"{stem}.log"]
    assert [part.current for part in log_parts(tmp_path)] == [False, False, True]


def test_a_small_log_is_left_and_so_is_one_that_is_not_opened_anew_yet(tmp_path):
    folder = AccessLogFolder(tmp_path)
    assert not folder.rotate(0)
    current = folder.begin()
    assert not folder.rotate(0)
    current.write_text("x")
    assert folder.rotate(0)
    assert not folder.rotate(0)


def test_old_files_are_thinned_out_and_numbers_never_used_again(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "KEEP_PARTS", 3)
    folder = AccessLogFolder(tmp_path)
    current = folder.begin()
    for _ in range(7):
        current.write_text("x")
        folder.rotate(0)
    current.write_text("x")
    assert names(folder) == [*(f"{current.stem}.{number:04d}.log" for number in (5, 6, 7)), current.name]
    for _ in range(5):
        folder.begin()
    assert len(names(folder)) == 3 + 1


def test_other_files_are_none_of_its_business(tmp_path):
    (tmp_path / "notes.log").touch()
    (tmp_path / "1795000000000.log.gz").touch()
    assert log_parts(tmp_path) == []
