"""Finds a Chromium for the browser tests, installs one where it can; as a program it prints the path."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
MAC = ("Google Chrome", "Chromium", "Microsoft Edge")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Fonts too: without them the pages' signs, and the guides of half the world, are empty boxes.
PACKAGES = ("chromium", "fonts-noto-core", "fonts-noto-cjk", "fonts-noto-color-emoji")
APT = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300")
ADVICE = "the browser tests need a Chromium: install one (Debian: sudo apt-get install chromium; macOS: Google Chrome)"


@cache
def chromium() -> str:
    """The path of a Chromium; installed if there is none. Raises RuntimeError that says what to install."""
    for way in (_on_path, _playwrights_own, _download, _debian):
        found = way()
        if found:
            return found
    raise RuntimeError(ADVICE)


def _on_path() -> str | None:
    applications = (f"/Applications/{name}.app/Contents/MacOS/{name}" for name in MAC)
    # Ubuntu's chromium-browser may be a script that only asks to install the snap.
    found = (shutil.which(name) for name in (*NAMES, *applications))
    return next((path for path in found if path and _starts(path)), None)


def _starts(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], check=False, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwrights_own() -> str | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() and _starts(path) else None


def _download() -> str | None:
    _quietly(sys.executable, "-m", "playwright", "install", "chromium")
    return _playwrights_own()


def _debian() -> str | None:
    if os.getuid() != 0 or not shutil.which("apt-get"):
        return None
    _quietly(*APT, "update")
    _quietly(*APT, "install", "-y", "--no-install-recommends", *PACKAGES)
    return _on_path()


def _quietly(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"{' '.join(command)} took more than ten minutes\n")
        return
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"ended with code {done.returncode}"]
        complaint = next((line for line in lines if "rror" in line), lines[-1])
        sys.stderr.write(f"{' '.join(command)}: {complaint.strip()}\n")


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{chromium()}\n")
    except RuntimeError as error:
        sys.exit(str(error))
