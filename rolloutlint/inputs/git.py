"""Git as a source of manifests: the name of a checkout's repository, and the files of another commit.

A commit is read without touching the work tree or the index: one `git ls-tree`, one `git cat-file --batch`, into a
private directory that is removed at the end. No shell, no hooks, no filters, no network, and limits to time and size.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, NamedTuple

from rolloutlint.errors import RolloutlintError, UsageError
from rolloutlint.finding import Incomplete
from rolloutlint.inputs.files import LIMIT, below, printable, read_path, too_large
from rolloutlint.inputs.globs import expand, is_magic

if TYPE_CHECKING:
    import subprocess
    import threading

PREFIX = "git:"
"""What a state begins with that is read from a commit: `git:origin/main`."""

TIME_LIMIT = 120.0
"""Seconds for one run of git. Ten thousand files take less than one."""
ELSEWHERE_FILES = 20_000
ELSEWHERE_BYTES = 64 * 1024 * 1024
"""So much is read outside of the paths that were asked for: the bases, charts and values that those may refer to."""
ASKED_FILES = 500_000
ASKED_BYTES = 1024 * 1024 * 1024

IN_MEMORY = 256 * 1024 * 1024
"""So many bytes at most are written to memory rather than to a disk."""

_SHARED_MEMORY = "/dev/shm"
_BLOCK = 4096
_MANIFESTS = (".yaml", ".yml", ".json")
_RENDERED_FROM = (*_MANIFESTS, ".tpl", ".tgz", ".txt", ".env", ".properties", "Kustomization", "Chart.lock")
_IGNORE_FILES = (".gitignore", ".helmignore")
_LFS = b"version https://git-lfs.github.com/spec/"
_LFS_LIMIT = 1024
"""Bytes; pointers are smaller."""

_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",  # a partial clone would fetch what it lacks
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


def repository_name(root: str) -> str:
    """Name of the repository checked out at the absolute directory `root`, by the URL of its remote.

    `config-repo` for `git@host:org/config-repo.git`; `""` where there is no remote, or no `origin` among several.
    """
    raw = read_path(os.path.join(root, ".git", "config"), ".git/config")
    if not isinstance(raw, bytes):
        return ""
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(raw.decode("utf-8", "replace"))
    except configparser.Error:
        return ""
    remotes = {s: parser[s].get("url", "") for s in parser.sections() if s.startswith("remote ")}
    url = remotes.get('remote "origin"') or (next(iter(remotes.values())) if len(remotes) == 1 else "")
    return posixpath.basename(url.rstrip("/").replace(":", "/")).removesuffix(".git")


class Repository(NamedTuple):
    """A repository on this machine."""

    top: str
    """Absolute, without symbolic links: the top of its work tree, or of the repository itself where it is bare."""
    bare: bool
    shallow: bool


class Entry(NamedTuple):
    """One file of a commit."""

    mode: int
    """As in a tree: a regular file, a symbolic link (0o120000) or a submodule (0o160000)."""
    id: str
    size: int
    path: str
    """From the top of the repository, with forward slashes."""


class Checkout(NamedTuple):
    """The files of a commit, as long as they are there."""

    root: str
    """Absolute: a private directory that holds them. It has the paths of the repository."""
    top: str
    """Absolute: the repository that `root` stands for."""
    base: str
    """Absolute, below `root`: what names of files count from, so that they are those of the work tree."""
    shown_from: str
    """Absolute: the directory of the work tree that `base` stands for."""
    paths: tuple[str, ...]
    """Absolute: the paths that were asked for, as far as the commit has them."""
    absent: tuple[str, ...]
    """Those that it does not have, as they were given."""
    incomplete: tuple[Incomplete, ...]
    """What the commit has below those paths and could not be read."""


# ---- what there is -------------------------------------------------------------------------------------------


def find_repository(directory: str) -> Repository:
    """The repository that holds an existing directory. Raises `UsageError` where there is none that git would read."""
    code, out, said = _git(
        directory,
        "rev-parse",
        "--is-bare-repository",
        "--is-shallow-repository",
        "--absolute-git-dir",
        "--show-toplevel",
    )
    answers = os.fsdecode(out).splitlines()
    if len(answers) == 4 and code == 0:
        return Repository(os.path.realpath(answers[3]), False, answers[1] == "true")
    if len(answers) == 3 and answers[0] == "true":
        return Repository(os.path.realpath(answers[2]), True, answers[1] == "true")
    where = printable(directory)
    if len(answers) == 3:
        raise UsageError(f"{where} is the inside of a git repository: run from its work tree")
    if "dubious ownership" in said:
        message = f"git does not read {where}, which belongs to another user"
        raise UsageError(f"{message}: `git config --global --add safe.directory {where}` allows it")
    if "not a git repository" in said:
        raise UsageError(f"{where} is in no git repository, so there is nothing that `{PREFIX}` could mean")
    raise UsageError(f"git cannot read the repository of {where}: {_line(said)}")


def resolve(repository: Repository, ref: str) -> str:
    """The id of the tree that `ref` (a branch, tag, commit or `HEAD~2`) names. Raises `UsageError` for none."""
    shown = printable(ref)
    if not ref or ref.startswith("-") or not ref.isprintable() or ":" in ref or ".." in ref or " " in ref:
        hint = "paths are given as arguments" if ":" in ref else "name a branch, a tag or a commit"
        raise UsageError(f"`{PREFIX}{shown}` names no commit: {hint}")
    code, out, _ = _git(repository.top, "rev-parse", "--verify", "--quiet", "--end-of-options", ref + "^{tree}")
    tree = out.decode("ascii", "replace").strip()
    if code == 0 and tree:
        return tree
    message = f"`{shown}` names no commit of {printable(repository.top)}"
    near = _near(repository, ref)
    if near:
        message += f": did you mean {' or '.join(f'`{PREFIX}{printable(one)}`' for one in near)}?"
    if repository.shallow:
        remote, _, branch = ref.partition("/")
        fetch = f"git fetch {remote} {branch}" if remote == "origin" and branch else f"git fetch origin {ref}"
        message += (
            f"\nThis is a shallow clone: run `{printable(fetch)}` first, or give actions/checkout `fetch-depth: 0`"
        )
    raise UsageError(message)


def entries(repository: Repository, tree: str) -> list[Entry]:
    """Every file of a tree, in order of path."""
    code, out, said = _git(repository.top, "ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", tree)
    if code:
        raise RolloutlintError(_unreadable(said))
    found = []
    for record in out.split(b"\0"):
        if record:
            about, _, path = record.partition(b"\t")
            mode, _, identity, size = about.split()
            found.append(Entry(int(mode, 8), identity.decode(), int(size) if size.isdigit() else 0, os.fsdecode(path)))
    return found


def _near(repository: Repository, ref: str) -> list[str]:
    """Up to two refs that are nearly what was asked for: the same branch of a remote first."""
    import difflib

    known = ("refs/heads", "refs/remotes", "refs/tags")
    _, out, _ = _git(repository.top, "for-each-ref", "--count=5000", "--format=%(refname:short)", *known)
    names = ["HEAD", *(name for name in os.fsdecode(out).splitlines() if name != "origin")]
    same = [name for name in names if name.rpartition("/")[2] == ref or name == ref.rpartition("/")[2]]
    return (same or difflib.get_close_matches(ref, names, 2, 0.7))[:2]


# ---- what it holds -------------------------------------------------------------------------------------------


@contextmanager
def opened(ref: str, paths: Sequence[str], cwd: str = "") -> Iterator[Checkout]:
    """The files of a commit below `paths` (files, directories, globs; relative to `cwd`) and what those may refer to.

    Raises `UsageError` where there is no repository or no such commit, or for a path outside of the repository.
    """
    import shutil
    import tempfile

    cwd = os.path.realpath(cwd or os.getcwd())
    wanted = [_absolute(path, cwd) for path in paths]
    repository = find_repository(_start(wanted, cwd))
    for given, path in zip(paths, wanted, strict=True):
        if not below(path, repository.top):
            raise UsageError(f"{printable(given)} is outside of the repository {printable(repository.top)}")
    inside = below(cwd, repository.top) and all(below(path, cwd) for path in wanted)
    shown_from = cwd if inside else repository.top
    asked = [os.path.relpath(path, repository.top).replace(os.sep, "/") for path in wanted]
    told: list[Incomplete] = []
    chosen = _chosen(entries(repository, resolve(repository, ref)), asked, told)
    into = os.path.realpath(tempfile.mkdtemp(prefix="rolloutlint-", dir=_memory(chosen)))
    try:
        base = os.path.normpath(os.path.join(into, os.path.relpath(shown_from, repository.top)))
        told += checkout(repository, chosen, into, asked)
        os.makedirs(base, exist_ok=True)
        there = [_there(into, one) for one in asked]
        absent = tuple(given for given, path in zip(paths, there, strict=True) if not path)
        prefix = "" if base == into else os.path.relpath(base, into).replace(os.sep, "/") + "/"
        incomplete = tuple(i._replace(source=i.source.removeprefix(prefix)) for i in told)
        yield Checkout(into, repository.top, base, shown_from, tuple(filter(None, there)), absent, incomplete)
    finally:
        shutil.rmtree(into, ignore_errors=True)


def _absolute(path: str, cwd: str) -> str:
    if not path or "\0" in path:
        raise UsageError("an input path is empty or holds a NUL character")
    absolute = os.path.normpath(os.path.join(cwd, path))
    if below(absolute, cwd):
        return absolute
    return (
        os.path.join(os.path.realpath(os.path.dirname(absolute)), os.path.basename(absolute)).rstrip(os.sep) or os.sep
    )


def _start(paths: Sequence[str], cwd: str) -> str:
    """A directory in the repository that is meant: the working directory, or the inputs where all lie elsewhere."""
    if not paths or any(below(path, cwd) for path in paths):
        return cwd
    try:
        start = os.path.commonpath(paths)
    except ValueError:  # on different drives
        return cwd
    while not os.path.isdir(start):
        start = os.path.dirname(start)
    return cwd if below(cwd, start) else start


def _there(root: str, path: str) -> str:
    """The absolute path below `root`, or `""` where nothing is there and no file matches it as a glob."""
    absolute = os.path.normpath(os.path.join(root, path))
    if os.path.exists(absolute):
        return absolute
    return absolute if is_magic(path) and any(True for _ in expand(root, path.split("/"))) else ""


def _memory(some: Sequence[Entry]) -> str | None:
    """A directory in memory with ample room, where files are made ten times faster than on some disks."""
    size = sum(entry.size + 2 * _BLOCK for entry in some)
    try:
        room = os.statvfs(_SHARED_MEMORY)
    except (OSError, AttributeError):
        return None
    ample = size <= IN_MEMORY and 4 * size <= room.f_bavail * room.f_frsize and 4 * len(some) <= room.f_favail
    return _SHARED_MEMORY if ample and os.access(_SHARED_MEMORY, os.W_OK | os.X_OK) else None


def checkout(
    repository: Repository, some: Sequence[Entry], into: str, asked: Sequence[str] = (".",)
) -> tuple[Incomplete, ...]:
    """Write some files of a commit into the empty directory `into`; what could not be had below the `asked` paths.

    `into` gets a `.git` with nothing but the name of the repository, so that it is taken for what it stands for.
    """
    told: list[Incomplete] = []
    files: list[Entry] = []
    links: list[Entry] = []
    for entry in some:
        kind = stat.S_IFMT(entry.mode)
        if not _is_plain(entry.path):
            told.append(Incomplete(printable(entry.path), "unreadable", "a path that no file can have here", lost=True))
        elif kind == stat.S_IFLNK:
            links.append(entry)
        elif kind != stat.S_IFREG:
            _submodule(entry, into, asked, repository, told)
        elif entry.size > LIMIT:
            told.append(too_large(printable(entry.path), entry.size, LIMIT)._replace(lost=_is_asked(entry.path, asked)))
        else:
            files.append(entry)
    os.makedirs(os.path.join(into, ".git"))
    name = "" if repository.bare else repository_name(_common_directory(repository))
    with open(os.path.join(into, ".git", "config"), "w", encoding="utf-8", errors="surrogateescape") as handle:
        handle.write(f'[remote "origin"]\n\turl = {name}\n' if name and "\n" not in name else "")
    _write(repository, files, into, asked, told)
    _link(repository, links, into, asked, told)
    return tuple(told)


def _common_directory(repository: Repository) -> str:
    """The checkout whose `.git` holds the configuration: another one for a linked work tree."""
    if os.path.isdir(os.path.join(repository.top, ".git")):
        return repository.top
    _, out, _ = _git(repository.top, "rev-parse", "--path-format=absolute", "--git-common-dir")
    return os.path.dirname(os.fsdecode(out).strip()) or repository.top


def _is_plain(path: str) -> bool:
    """Whether a path of a tree stays below the directory into which it is written. git makes none that does not."""
    parts = path.split("/")
    if os.sep != "/" and (os.sep in path or ":" in path):
        return False
    return not any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)


def _is_asked(path: str, asked: Iterable[str]) -> bool:
    return any(one == "." or path == one or path.startswith(one + "/") for one in asked)


def _chosen(found: Sequence[Entry], asked: Sequence[str], told: list[Incomplete]) -> Sequence[Entry]:
    """The files below the asked paths, and elsewhere those that manifests may be rendered from."""
    roots = tuple(_before_glob(one) for one in asked)
    wanted = [e for e in found if _is_asked(e.path, roots)]
    if len(wanted) > ASKED_FILES or sum(e.size for e in wanted) > ASKED_BYTES:
        gibi = ASKED_BYTES // 1024**3
        raise RolloutlintError(
            f"the commit has more than {ASKED_FILES} files or {gibi} GiB below these paths: give fewer"
        )
    if len(wanted) == len(found):
        return wanted
    others = [e for e in found if not _is_asked(e.path, roots)]
    if not _fits(others):
        others = [e for e in others if e.path.endswith(_RENDERED_FROM) or posixpath.basename(e.path) in _IGNORE_FILES]
    if not _fits(others):
        mebi = ELSEWHERE_BYTES // 1024**2
        message = f"more than {ELSEWHERE_FILES} files or {mebi} MiB outside of these paths: bases and values there"
        told.append(Incomplete(".", "unresolved", f"{message} were not read from the commit"))
        names = {posixpath.dirname(e.path) for e in wanted}
        above = {parent for name in names for parent in _parents(name)}
        others = [e for e in others if posixpath.dirname(e.path) in above]  # kustomizations and ignore files
    return sorted((*wanted, *others), key=lambda e: e.path)


def _fits(some: Sequence[Entry]) -> bool:
    return len(some) <= ELSEWHERE_FILES and sum(e.size for e in some) <= ELSEWHERE_BYTES


def _parents(directory: str) -> Iterator[str]:
    while directory:
        directory = posixpath.dirname(directory)
        yield directory


def _before_glob(path: str) -> str:
    """The directory in which a glob starts to match; other paths as they are."""
    if not is_magic(path):
        return path
    parts = path.split("/")
    return "/".join(parts[: next(i for i, part in enumerate(parts) if is_magic(part))]) or "."


def _submodule(entry: Entry, into: str, asked: Sequence[str], repository: Repository, told: list[Incomplete]) -> None:
    """An empty directory in its place; lost where the work tree has its files, which will look as if they were new."""
    os.makedirs(os.path.join(into, *entry.path.split("/")), exist_ok=True)
    if not _is_asked(entry.path, asked):
        return
    try:
        filled = any(name != ".git" for name in os.listdir(os.path.join(repository.top, *entry.path.split("/"))))
    except OSError:
        filled = False
    message = f"a submodule at {entry.id[:10]}: its files belong to another repository and are not read from the commit"
    told.append(Incomplete(printable(entry.path), "unresolved", message, lost=filled))


def _write(
    repository: Repository, files: Sequence[Entry], into: str, asked: Sequence[str], told: list[Incomplete]
) -> None:
    made: set[str] = {""}
    exclusive = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    for entry, data in _contents(repository, files):
        folder, _, _ = entry.path.rpartition("/")
        manifest = entry.path.endswith(_MANIFESTS)
        if len(data) <= _LFS_LIMIT and data.startswith(_LFS) and manifest:
            message = "a pointer of Git LFS: the repository itself does not hold the file"
            told.append(Incomplete(printable(entry.path), "unreadable", message, lost=_is_asked(entry.path, asked)))
            continue
        try:
            if folder not in made:
                os.makedirs(f"{into}/{folder}", exist_ok=True)
                made.add(folder)
            handle = os.open(f"{into}/{entry.path}", exclusive, 0o600)
            try:
                os.write(handle, data) if len(data) < 1 << 20 else _write_all(handle, data)
            finally:
                os.close(handle)
        except FileExistsError:
            message = "another path of the commit is the same file here"
            told.append(Incomplete(printable(entry.path), "unreadable", message, lost=_is_asked(entry.path, asked)))
        except OSError as error:
            raise RolloutlintError(f"cannot write below {into}: {(error.strerror or str(error)).lower()}") from None


def _write_all(handle: int, data: bytes) -> None:
    with open(handle, "wb", closefd=False) as file:
        file.write(data)


def _link(
    repository: Repository, links: Sequence[Entry], into: str, asked: Sequence[str], told: list[Incomplete]
) -> None:
    """The symbolic links, when all files are there: those that lead out of the tree are refused."""
    made: list[tuple[Entry, str, str]] = []
    for entry, data in _contents(repository, links):
        target, path = os.fsdecode(data), os.path.join(into, *entry.path.split("/"))
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if os.path.isabs(target) or not below(os.path.realpath(os.path.dirname(path)), into):
                raise OSError
            os.symlink(target, path)
        except (OSError, ValueError, NotImplementedError):
            _refused(entry, target, asked, told)
        else:
            made.append((entry, path, target))
    for entry, path, target in made:  # only now is it known what stands behind each
        if os.path.islink(path) and not below(os.path.realpath(path), into):
            os.unlink(path)
            _refused(entry, target, asked, told)


def _refused(entry: Entry, target: str, asked: Sequence[str], told: list[Incomplete]) -> None:
    if _is_asked(entry.path, asked):
        message = f"a symbolic link to {printable(target)}, outside of the repository: not followed"
        lost = entry.path.endswith(_MANIFESTS) or "." not in posixpath.basename(entry.path)
        told.append(Incomplete(printable(entry.path), "symlink", message, lost=lost))


# ---- git itself ----------------------------------------------------------------------------------------------


def _contents(repository: Repository, some: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
    """Each entry with its bytes, from one process. Raises `RolloutlintError` where git cannot give one."""
    if not some:
        return
    import tempfile

    with tempfile.TemporaryFile() as asking:  # a pipe could fill up while git waits for us to read
        asking.write("".join(f"{entry.id}\n" for entry in some).encode())
        asking.seek(0)
        with _started(repository.top, ("cat-file", "--batch", "--buffer"), asking) as run:
            for entry in some:
                header = run.output.readline().split()
                if len(header) != 3:
                    run.process.kill()
                    raise RolloutlintError(_unreadable(run.said() or b" ".join(header).decode("ascii", "replace")))
                data = run.output.read(int(header[2]))
                run.output.read(1)
                yield entry, data


def _git(directory: str, *arguments: str) -> tuple[int, bytes, str]:
    """Exit code, standard output and what git said."""
    with _started(directory, arguments, None) as run:
        out = run.output.read()
        return run.process.wait(), out, run.said()


class _Running(NamedTuple):
    """A run of git."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]
    errors: IO[bytes]
    late: threading.Event
    """Set where its time was over."""

    def said(self) -> str:
        """What it wrote to standard error until it ended."""
        self.process.wait()
        if self.late.is_set():
            return f"it did not answer within {TIME_LIMIT:g} s"
        self.errors.seek(0)
        return self.errors.read(64 * 1024).decode("utf-8", "replace")


@contextmanager
def _started(directory: str, arguments: Sequence[str], stdin: IO[bytes] | None) -> Iterator[_Running]:
    """A run of git that ends with the block, at the latest when its time is over."""
    import shutil
    import subprocess
    import tempfile
    import threading

    program = shutil.which("git")
    if program is None:
        raise UsageError(f"`{PREFIX}` needs the program git, which is not installed here")
    safe = ("--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                (program, *safe, *arguments),
                cwd=directory,
                env=_environment(os.environ),
                stdin=stdin or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        except OSError as error:
            raise UsageError(f"git cannot be run in {printable(directory)}: {error.strerror}") from None
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(TIME_LIMIT, stop)
        timer.daemon = True
        timer.start()
        assert process.stdout is not None
        try:
            yield _Running(process, process.stdout, errors, late)
        finally:
            timer.cancel()
            process.stdout.close()
            process.kill()
            process.wait()


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """Ours without what would lead git elsewhere (a hook has GIT_DIR and GIT_INDEX_FILE set), nor to a network."""
    return {**{name: value for name, value in own.items() if not name.startswith("GIT_")}, **_ENVIRONMENT}


def _unreadable(said: str) -> str:
    if "promisor" in said or "missing" in said or "not allowed" in said:
        message = "part of the commit is not on this machine (a partial clone)"
        return f"{message}: fetch it with `git fetch --refetch`, or clone without `--filter`"
    return f"git cannot read the commit: {_line(said)}"


def _line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    text = (lines or ["it says nothing"])[0].removeprefix("fatal: ").removeprefix("error: ")
    return "".join(c if c.isprintable() else " " for c in text)[:300]
