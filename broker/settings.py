"""Every setting once: its name, its default and what it means; read from BROKER_* variables and a .env file."""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

FORBIDDEN_SECRETS = {"secret", "changeme", "change-me", "dev", "development", "test", "password", "top-secret!"}
SHORTEST_SECRET = 32
HOST = re.compile(r"https://(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?")
LONGEST_SOCKET = 90  # bytes; 108 fit on Linux, 104 on macOS


class Settings(BaseSettings):
    """The configuration of one installation. Raises pydantic's ValidationError, naming the setting, for a bad value."""

    model_config = SettingsConfigDict(env_prefix="BROKER_", env_file=".env", extra="ignore", frozen=True)

    data: Path = Field(Path("var"), description="folder of the embedded database, queue, uploads and secret")
    database_url: str = Field("", description="postgresql://… ; empty: SQLite in the data folder")
    redis_url: str = Field("", description="redis://… or unix://… ; empty: an embedded Valkey, started by the broker")
    files_url: str = Field("", description="where uploads are kept, any fsspec URL; empty: the data folder")
    files_endpoint: str = Field("", description="address of an S3-compatible store; empty: Amazon's")
    files_key: str = Field("", description="access key of that store; empty: AWS_ACCESS_KEY_ID, or the role")
    files_secret: SecretStr = Field(SecretStr(""), description="secret of that access key; never shown")
    secret: SecretStr = Field(SecretStr(""), description="key of sessions and ids; empty: made once in the data folder")
    url: str = Field("", description="the address people use, such as https://crowd.example.org; empty: the bound one")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    web_processes: int = Field(2, ge=1, le=64, description="web server processes; at most 4 on SQLite")
    web_threads: int = Field(16, ge=1, le=256, description="threads of each web process")
    queue_workers: int = Field(1, ge=1, le=64, description="RQ workers for errands, beside the one for statistics")
    signup: Literal["open", "workers", "closed"] = Field(
        "workers",
        description="who may sign up: `open` anybody in the role they choose, `workers` only those, `closed` nobody",
    )
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="the one currency of all rewards")
    opening_credit: int = Field(
        0, ge=0, description="micro-units that a new requester starts with; admins can add more"
    )
    upload_bytes: int = Field(1_000_000_000, ge=1, description="largest upload")
    row_limit: int = Field(5_000_000, ge=1, description="most rows of one job")
    page_hosts: tuple[str, ...] = Field(
        (),
        description="JSON list of hosts, such as https://cdn.example.org, from which requesters' own pages may load "
        "pictures, sound, scripts and styles; they can send what they know to these hosts",
    )
    external_http: bool = Field(
        False, description="let ExternalQuestions be http addresses of this machine although we listen on others, too"
    )
    throttle: bool = Field(True, description="slow down repeated wrong log-ins and sign-ups")
    system_qualifications: Literal["lenient", "strict"] = Field(
        "lenient",
        description="lenient: Masters, numbers of approved answers and unknown locations are not asked of workers",
    )
    trial_turns: int = Field(
        100, ge=0, description="until so many of a worker's turns have ended, their approval rate counts as 100 %"
    )
    default_country: str = Field(
        "", pattern=r"^([A-Z]{2})?$", description="two letters: where workers live who did not say; empty: not known"
    )
    smtp_url: SecretStr = Field(
        SecretStr(""), description="smtp://user:password@host:587 or smtps://… for mail; empty: no mail is sent"
    )
    mail_from: str = Field("crowd-broker@localhost", description="the sender of mail")
    aws_key: str = Field("", description="access key id for notices to SQS and SNS; empty: none are sent there")
    aws_secret: SecretStr = Field(SecretStr(""), description="its secret access key")
    aws_region: str = Field("us-east-1", description="the region of queues and topics")
    sqs_url: str = Field("", description="address of an SQS-compatible server; empty: that of the queue itself")
    sns_url: str = Field("", description="address of an SNS-compatible server; empty: that of AWS")
    private_webhooks: bool = Field(
        False, description="webhooks may go to addresses of private networks, which requesters could then reach"
    )
    proxies: int = Field(
        0, ge=0, le=5, description="reverse proxies in front, whose X-Forwarded-* headers are believed"
    )

    buckets: dict[str, str] = Field(
        {},
        description="where s3:// addresses lead, JSON: bucket or bucket/prefix to any fsspec URL; all requesters may "
        "read what is there",
    )
    functions: dict[str, str] = Field(
        {}, description="pre- and post-annotation functions, JSON: Lambda name or ARN to package.module:function"
    )
    function_seconds: float = Field(60, gt=0, le=900, description="longest that such a function may take for one call")

    @field_validator("functions")
    @classmethod
    def _entry_points(cls, functions: dict[str, str]) -> dict[str, str]:
        for name, entry in functions.items():
            if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", entry):
                raise ValueError(f"{name}: {entry!r} is no package.module:function")
        return functions

    @field_validator("data")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.expanduser().resolve()

    @field_validator("page_hosts")
    @classmethod
    def _sources(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not HOST.fullmatch(host):
                raise ValueError(f"{host!r} is no host such as https://cdn.example.org")
        return hosts

    @field_validator("secret")
    @classmethod
    def _own_secret(cls, secret: SecretStr) -> SecretStr:
        value = secret.get_secret_value()
        if value and (value.lower() in FORBIDDEN_SECRETS or len(value) < SHORTEST_SECRET):
            raise ValueError(f"must be a random text of at least {SHORTEST_SECRET} characters, and no known one")
        return secret

    @model_validator(mode="after")
    def _few_writers_on_sqlite(self) -> Self:
        if self.database.startswith("sqlite") and self.web_processes > 4:
            raise ValueError("web_processes: SQLite serves at most 4 well; set database_url to a PostgreSQL")
        return self

    @property
    def sites_on_loopback(self) -> bool:
        """Whether ExternalQuestions may be http addresses of this machine: where people reach us only on it, too."""
        own = self.host == "localhost" or self.host.startswith("127.") or self.host == "::1"
        return self.external_http or (own and (not self.url or self.url.startswith("http://")))

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data / 'broker.sqlite3'}"

    @property
    def valkey_socket(self) -> Path:
        """Where the embedded Valkey listens; in the temporary folder if the data folder's path is too long for one."""
        socket = self.data / "valkey" / "valkey.sock"
        if len(os.fsencode(socket)) <= LONGEST_SOCKET:
            return socket
        digest = hashlib.sha256(os.fsencode(socket)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"crowd-broker-{digest}" / "valkey.sock"

    @property
    def redis(self) -> str:
        """The URL of the queue server in force."""
        return self.redis_url or f"unix://{quote(str(self.valkey_socket))}"

    @property
    def files(self) -> str:
        """The fsspec URL of the uploads in force."""
        return self.files_url or (self.data / "files").as_uri()

    @property
    def files_options(self) -> dict[str, str]:
        """What an object store is told beside its URL, in the names of s3fs; nothing for what is empty."""
        given = {"endpoint_url": self.files_endpoint, "key": self.files_key}
        given["secret"] = self.files_secret.get_secret_value()
        return {name: value for name, value in given.items() if value}
