"""Settings on their way from one process to another."""

from broker.cli.serve import environment
from broker.settings import Settings


def test_every_setting_reaches_another_process_as_it_is(monkeypatch, tmp_path):
    given = Settings(
        data=tmp_path,
        secret="a secret of thirty-two characters!!",
        page_hosts=("https://cdn.example.org",),
        buckets={"bucket/prefix": "file:///somewhere"},
        functions={"name": "package.module:function"},
        throttle=False,
    )
    for name, text in environment(given).items():
        monkeypatch.setenv(name, text)
    assert Settings() == given
