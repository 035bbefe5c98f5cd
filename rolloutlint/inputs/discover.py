"""Which files a run reads, and what it knowingly leaves out.

Symbolic links are followed only within the directory they were found under, and every file is read once, by its
real path. Charts, patches and other files that are no manifests become `Incomplete` entries. The outcome does
not depend on the order of arguments or of directory entries.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from rolloutlint.errors import UsageError
from rolloutlint.finding import Incomplete
from rolloutlint.inputs import ignore, stdin
from rolloutlint.inputs.files import (
    below,
    display,
    printable,
    read_path,
    refuse_binary,
    special,
    unreadable,
)
from rolloutlint.inputs.globs import SKIPPED, expand, is_magic
from rolloutlint.inputs.kustomize import (
    FILE_LIMIT,
    NAMES,
    Kustomization,
    KustomizeGraph,
    Role,
    is_kustomization,
    link,
    load_kustomization,
)
from rolloutlint.source import KUSTOMIZE, Document, Source, load

EXTENSIONS = (".yaml", ".yml", ".json")
"""What is read in directories; a file named by the user may have any name."""

_CHART = "Chart.yaml"
_CHART_PARTS = ("templates", "charts")
_CHART_FILES = re.compile(r"(?:values[^/]*|Chart|Chart\.lock|requirements)\.(?:ya?ml|json)$")

_WHY: dict[Role, tuple[Any, str]] = {
    "patch": ("patch", "a patch of {}, no manifest of its own"),
    "component": ("component", "part of a kustomize component, which {} adds to other manifests"),
    "generator-input": ("generator-input", "input of a ConfigMap or Secret generator in {}"),
    "configuration": ("kustomize", "configuration of kustomize or Helm named in {}, no manifest"),
}


class Candidate(NamedTuple):
    """A file to read."""

    name: str
    """Display path: relative to the working directory when below it, else absolute; forward slashes."""
    path: str
    """Absolute path; "-" for standard input."""
    root: str
    """Display path of the directory argument it was found under; "" for a file that was itself given."""
    explicit: bool
    """Whether the user named this very file."""


class Discovery(NamedTuple):
    """What to read, in order of name, and what was left out and why, in order of source."""

    candidates: tuple[Candidate, ...]
    incomplete: tuple[Incomplete, ...]
    kustomizations: tuple[Kustomization, ...]
    """Those among the inputs and, for context, those in the directories above them up to the git root."""
    project_root: str
    """Absolute: the git work tree of the inputs, or the working directory; exclude patterns start here."""
    graph: KustomizeGraph
    """The kustomizations, linked."""
    given: frozenset[str] = frozenset()
    """Directories of the kustomizations among the inputs."""
    jsonnet: bool = False
    """Whether a Jsonnet file was seen."""


def read(candidate: Candidate) -> bytes | Incomplete:
    """The content of `candidate`, or the entry (mostly `lost`) that says why there is none. Never blocks on
    a file, never raises for what the file system does; at most 64 MiB.
    """
    if candidate.path == stdin.STDIN:
        return stdin.read_stdin(candidate.name)
    data = read_path(candidate.path, candidate.name)
    if isinstance(data, bytes):
        return refuse_binary(data, candidate.name, candidate.explicit)
    return data


def discover(
    paths: Sequence[str],
    *,
    exclude: Sequence[str] = (),
    force_exclude: bool = False,
    use_gitignore: bool = True,
    cwd: str | None = None,
    stdin_filename: str = "",
) -> Discovery:
    """Finds what `paths` (files, directories, globs, `-`) mean, relative to `cwd`.

    `exclude`: patterns in .gitignore syntax, relative to the project root. Ignored and excluded files are passed
    over without a word, unless the user named them and `force_exclude` is off. `stdin_filename` names what
    `-` gives and replaces the file of that name.

    Raises `UsageError` for a path that does not exist, a glob that matches nothing, a bad exclude pattern.
    """
    cwd = os.path.abspath(cwd or os.getcwd())
    finder = _Finder(cwd, _project_root(paths, cwd), exclude, force_exclude, use_gitignore)
    finder.arguments(paths, stdin_filename)
    return finder.result()


def _parse(text: str) -> Sequence[Any]:
    """The documents of a kustomization or patch as kustomize types them. Raises `ValueError` where one is broken."""
    values = []
    for item in load(Source("kustomization.yaml", text, typing=KUSTOMIZE)):
        if isinstance(item, Document):
            values.append(item.value)
        elif item.fatal:
            raise ValueError(item.message)
    return values


def _git_root(directory: str) -> str:
    """The nearest directory at or above with a `.git`; "" if there is none."""
    while True:
        if os.path.lexists(os.path.join(directory, ".git")):
            return directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return ""
        directory = parent


def _project_root(paths: Sequence[str], cwd: str) -> str:
    """The git root of the working directory, or of the inputs where all of them lie elsewhere."""
    base = cwd
    places = [os.path.normpath(os.path.join(cwd, p)) for p in paths if p != stdin.STDIN and "\0" not in p]
    if places and not any(below(place, cwd) for place in places):
        try:
            common = os.path.commonpath(places)
        except ValueError:  # on different drives
            common = cwd
        base = common if os.path.isdir(common) else os.path.dirname(common)
        if below(cwd, base):
            base = cwd
    return _git_root(base) or base


class _Root(NamedTuple):
    """A directory whose tree is to be read."""

    path: str
    real: str
    name: str
    """Display path."""
    parents_ignore: bool = True
    """False where the user named a directory that is ignored: only what lies in it is asked then."""


class _Finder:
    """Collects; nothing of it outlives `discover`."""

    def __init__(
        self,
        cwd: str,
        project_root: str,
        exclude: Sequence[str],
        force_exclude: bool,
        use_gitignore: bool,
    ) -> None:
        self.cwd = cwd
        self.project_root = project_root
        self.exclude = ignore.compile_excludes(exclude, project_root)
        self.force_exclude = force_exclude
        self.use_gitignore = use_gitignore
        self.found: dict[str, Candidate] = {}  # by real path
        self.linked: set[str] = set()  # real paths so far found through a link only
        self.incomplete: set[Incomplete] = set()
        self.left: list[tuple[str, Incomplete]] = []  # real targets of links that were not followed
        self.kustomization_files: dict[str, bool] = {}  # absolute -> named by the user
        self.context_files: set[str] = set()  # absolute, above the inputs
        self.charts: set[str] = set()  # absolute
        self.visited: set[str] = set()  # real paths of directories
        self.roots: dict[str, _Root] = {}  # by real path
        self.git_roots: dict[str, str] = {}
        self.chains: dict[str, ignore.Chain] = {}
        self.looked_up: set[str] = set()  # directories
        self.jsonnet = False

    def arguments(self, paths: Sequence[str], stdin_filename: str) -> None:
        for argument in dict.fromkeys(paths):
            if argument != stdin.STDIN:
                self.argument(argument)
        for root in sorted(self.roots.values(), key=lambda root: (len(root.real), root.path)):
            self.walk(root)
        if stdin.STDIN in paths:
            self.stdin(stdin_filename)

    def argument(self, argument: str) -> None:
        if not argument or "\0" in argument:
            raise UsageError("an input path is empty or holds a NUL character")
        path = os.path.normpath(os.path.join(self.cwd, argument))
        name = display(path, self.cwd)
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
                if os.path.islink(path):
                    target = printable(os.readlink(path))
                    raise UsageError(f"{name}: a symbolic link to {target}, which does not exist") from None
                if is_magic(argument):
                    self.glob(argument)
                    return
                raise UsageError(f"{printable(argument)}: no such file or directory") from None
            if error.errno == errno.ELOOP:
                message = "its symbolic links form a loop"
                self.incomplete.add(Incomplete(name, "symlink", message, lost=True))
            else:
                self.incomplete.add(unreadable(name, error))
            return
        if stat.S_ISDIR(mode):
            self.directory_argument(path, name)
        elif stat.S_ISREG(mode):
            self.file_argument(path, name)
        else:
            self.incomplete.add(special(name, mode))

    def file_argument(self, path: str, name: str) -> None:
        if self.force_exclude and self.left_out(path, is_dir=False):
            return
        directory = os.path.dirname(path)
        self.look_up(directory)
        if chart := self.chart_of(path):
            self.charts.add(chart)
        elif os.path.basename(path) in NAMES:
            self.kustomization_files[path] = True
        else:
            real = os.path.realpath(path)
            known = self.found.get(real)
            if known is None or not known.explicit or name < known.name:
                self.found[real] = Candidate(name, path, "", True)
            self.linked.discard(real)

    def directory_argument(self, path: str, name: str) -> None:
        parents_ignore = True
        if self.left_out(path, is_dir=True):
            if self.force_exclude:
                return
            parents_ignore = False
        self.look_up(os.path.dirname(path))
        if chart := self.chart_of(path):
            self.charts.add(chart)
            return
        real = os.path.realpath(path)
        known = self.roots.get(real)
        if known is None or path < known.path:
            self.roots[real] = _Root(path, real, name, parents_ignore)

    def stdin(self, filename: str) -> None:
        if not filename:
            self.found[stdin.STDIN] = Candidate(stdin.NAME, stdin.STDIN, "", True)
            return
        path = os.path.normpath(os.path.join(self.cwd, filename.replace("\0", "")))
        self.look_up(os.path.dirname(path))
        self.found[os.path.realpath(path)] = Candidate(display(path, self.cwd), stdin.STDIN, "", True)
        self.kustomization_files.pop(path, None)

    def glob(self, pattern: str) -> None:
        """A quoted glob: what it matches is searched as a directory is, so ignore rules hold."""
        parts = os.path.normpath(os.path.join(self.cwd, pattern)).split(os.sep)
        first = next(i for i, part in enumerate(parts) if is_magic(part))
        base = os.sep.join(parts[:first]) or os.sep
        name = display(base, self.cwd)
        any_extension = bool(re.search(r"\.\w+$", parts[-1]))
        matched = False
        for path in expand(base, parts[first:]):
            matched = True
            if os.path.isdir(path):
                if not self.left_out(path, is_dir=True):
                    self.directory_argument(path, display(path, self.cwd))
            elif any_extension or path.lower().endswith(EXTENSIONS) or os.path.basename(path) in NAMES:
                self.globbed_file(path, name)
        if not matched:
            raise UsageError(f"{printable(pattern)}: no such file, and no file matches it as a glob")

    def globbed_file(self, path: str, root: str) -> None:
        name = display(path, self.cwd)
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            self.incomplete.add(Incomplete(name, "symlink", _broken(path, error)))
            return
        if not stat.S_ISREG(mode):
            self.incomplete.add(special(name, mode))
        elif not self.left_out(path, is_dir=False):
            self.look_up(os.path.dirname(path))
            if chart := self.chart_of(path):
                self.charts.add(chart)
            elif os.path.basename(path) in NAMES:
                self.kustomization_files.setdefault(path, False)
            else:
                self.add(os.path.realpath(path), Candidate(name, path, root, False), os.path.islink(path))

    def git_root(self, directory: str) -> str:
        known = self.git_roots.get(directory)
        if known is None:
            known = self.git_roots[directory] = _git_root(directory)
        return known

    def chain(self, directory: str) -> ignore.Chain:
        """The ignore patterns in force in `directory`, from its git root down (without one: its own only)."""
        known = self.chains.get(directory)
        if known is None:
            root = self.git_root(directory)
            if not self.use_gitignore:
                known = ()
            elif root in ("", directory):
                known = ignore.load(ignore.info_exclude(directory), directory) if root else ()
                known += ignore.load(os.path.join(directory, ".gitignore"), directory)
            else:
                known = self.chain(os.path.dirname(directory))
                known += ignore.load(os.path.join(directory, ".gitignore"), directory)
            self.chains[directory] = known
        return known

    def left_out(self, path: str, is_dir: bool) -> bool:
        """Whether a path that was not reached by walking, or a directory above it, is ignored or excluded."""
        top = self.git_root(os.path.dirname(path)) or os.path.dirname(path)
        parts = path[len(top) :].split(os.sep)
        for depth in range(1, len(parts) + 1):
            step = top + os.sep.join(parts[:depth])
            if step != top and ignore.ignored(self.chain(os.path.dirname(step)), step, is_dir or step != path):
                return True
        return self.excluded(path, is_dir)

    def excluded(self, path: str, is_dir: bool) -> bool:
        """Whether our own patterns exclude the path or, below the project root, a directory above it."""
        if not self.exclude or not below(path, self.project_root) or path == self.project_root:
            return False
        top = self.project_root.rstrip(os.sep)
        parts = path[len(top) + 1 :].split(os.sep)
        step = top
        for part in parts:
            step += os.sep + part
            if ignore.ignored(self.exclude, step, is_dir or step != path):
                return True
        return False

    def look_up(self, directory: str) -> None:
        """Notes kustomizations at and above `directory` in the same work tree: they may name what is given."""
        top = self.git_root(directory) or directory
        while below(directory, top):
            if directory in self.looked_up:
                return
            self.looked_up.add(directory)
            for name in NAMES:
                path = os.path.join(directory, name)
                if os.path.isfile(path):
                    self.context_files.add(path)
            parent = os.path.dirname(directory)
            if parent == directory:
                return
            directory = parent

    def chart_of(self, path: str) -> str:
        """The outermost chart that an argument is a part of (template, subchart, values); "" if none."""
        top = self.git_root(os.path.dirname(path))
        chart = ""
        child, parent = os.path.basename(path), os.path.dirname(path)
        own = True
        while not top or below(parent, top):
            part = child in _CHART_PARTS or (own and _CHART_FILES.match(child) is not None)
            if part and os.path.isfile(os.path.join(parent, _CHART)):
                chart = parent
            own = False
            if parent == os.path.dirname(parent):
                break
            child, parent = os.path.basename(parent), os.path.dirname(parent)
        return chart

    def add(self, real: str, candidate: Candidate, linked: bool) -> None:
        """Notes a file found by walking. Its own name beats the name of a link to it."""
        known = self.found.get(real)
        if known and (known.explicit or (real in self.linked, known.name) <= (linked, candidate.name)):
            return
        self.found[real] = candidate
        (self.linked.add if linked else self.linked.discard)(real)

    def walk(self, root: _Root) -> None:
        chain: ignore.Chain = ()
        if self.use_gitignore and root.parents_ignore and self.git_root(root.path) != root.path:
            chain = self.chain(os.path.dirname(root.path)) if self.git_root(root.path) else ()
        links = self.tree(root, root.path, root.real, chain)
        while links:  # a link is followed only when all real directories are done: they go by their own names
            links.sort()
            path, real, chain = links.pop(0)
            if real not in self.visited:
                links += self.tree(root, path, real, chain)

    def tree(self, root: _Root, path: str, real: str, chain: ignore.Chain) -> list[tuple[str, str, ignore.Chain]]:
        """Walks real directories from `path`; returns the directory links in it that stay below the root."""
        links: list[tuple[str, str, ignore.Chain]] = []
        waiting = [(path, real, chain)]
        while waiting:
            path, real, chain = waiting.pop()
            if real in self.visited:
                continue
            self.visited.add(real)
            try:
                with os.scandir(path) as scan:
                    entries = list(scan)
            except OSError as error:
                self.incomplete.add(unreadable(display(path, self.cwd), error))
                continue
            names = {entry.name for entry in entries}
            if "pyvenv.cfg" in names and path != root.path:
                continue
            if self.use_gitignore and (".gitignore" in names or ".git" in names):
                if ".git" in names:  # a work tree of its own: what stands above does not count here
                    chain = ignore.load(ignore.info_exclude(path), path)
                if ".gitignore" in names:
                    chain += ignore.load(os.path.join(path, ".gitignore"), path)
            is_chart = _CHART in names and os.path.isfile(os.path.join(path, _CHART))
            if is_chart:
                self.charts.add(path)
            self.directory(root, path, real, chain, entries, is_chart, waiting, links)
        return links

    def directory(
        self,
        root: _Root,
        path: str,
        real: str,
        chain: ignore.Chain,
        entries: list[os.DirEntry[str]],
        is_chart: bool,
        waiting: list[tuple[str, str, ignore.Chain]],
        links: list[tuple[str, str, ignore.Chain]],
    ) -> None:
        prefix = path if path.endswith(os.sep) else path + os.sep
        real_prefix = prefix if real == path else os.path.join(real, "")
        shown = display(path, self.cwd)
        shown = "" if shown == "." else shown if shown.endswith("/") else shown + "/"
        found, root_name = self.found, root.name
        exclude = self.exclude if below(path, self.project_root) else ()
        for entry in entries:
            name = entry.name
            if entry.is_dir(follow_symlinks=False):
                if name in SKIPPED or (is_chart and name in _CHART_PARTS):
                    continue
                below_path = prefix + name
                if chain and ignore.ignored(chain, below_path, True):
                    continue
                if exclude and ignore.ignored(exclude, below_path, True):
                    continue
                waiting.append((below_path, real_prefix + name, chain))
                continue
            wanted = name.endswith(EXTENSIONS) or name.lower().endswith(EXTENSIONS) or name in NAMES
            if entry.is_symlink():
                self.link(root, entry, prefix + name, shown + printable(name), wanted, chain, is_chart, links)
                continue
            if not wanted or (is_chart and _CHART_FILES.match(name)):
                self.jsonnet = self.jsonnet or name.endswith(".jsonnet")
                continue
            file = prefix + name
            if (chain and ignore.ignored(chain, file, False)) or (exclude and ignore.ignored(exclude, file, False)):
                continue
            if not entry.is_file(follow_symlinks=False):
                self.incomplete.add(special(shown + printable(name), os.lstat(file).st_mode))
                continue
            if name in NAMES:
                self.kustomization_files.setdefault(file, False)
                continue
            real_file = real_prefix + name if real_prefix is not prefix else file
            candidate = Candidate(shown + printable(name), file, root_name, False)
            if real_file in found:
                self.add(real_file, candidate, False)
            else:
                found[real_file] = candidate

    def link(
        self,
        root: _Root,
        entry: os.DirEntry[str],
        path: str,
        name: str,
        wanted: bool,
        chain: ignore.Chain,
        is_chart: bool,
        links: list[tuple[str, str, ignore.Chain]],
    ) -> None:
        """One symbolic link: followed within the root, otherwise listed."""
        if entry.name.startswith(".#") or entry.name in SKIPPED:  # Emacs locks files with dangling links
            return
        if is_chart and (entry.name in _CHART_PARTS or _CHART_FILES.match(entry.name)):
            return
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            if (wanted or error.errno == errno.ELOOP) and not self.skipped(chain, path, False):
                self.incomplete.add(Incomplete(name, "symlink", _broken(path, error)))
            return
        is_dir = stat.S_ISDIR(mode)
        if not (is_dir or wanted) or self.skipped(chain, path, is_dir):
            return
        real = os.path.realpath(path)
        if not below(real, root.real):
            target = printable(real)
            message = f"a symbolic link to {target}, outside of {root.name}: give that path to have it read"
            self.left.append((real, Incomplete(name, "symlink", message)))
        elif is_dir and below(os.path.realpath(os.path.dirname(path)), real):
            message = "a symbolic link to a directory above it: a loop, not followed"
            self.incomplete.add(Incomplete(name, "symlink", message))
        elif is_dir:
            links.append((path, real, chain))
        elif not stat.S_ISREG(mode):
            self.incomplete.add(special(name, mode))
        elif entry.name in NAMES:
            self.kustomization_files.setdefault(path, False)
        else:
            self.add(real, Candidate(name, path, root.name, False), True)

    def skipped(self, chain: ignore.Chain, path: str, is_dir: bool) -> bool:
        """Whether a link is ignored or excluded. To git a link is a file, wherever it points."""
        if ignore.ignored(chain, path, False):
            return True
        return below(path, self.project_root) and ignore.ignored(self.exclude, path, is_dir)

    def result(self) -> Discovery:
        kustomizations = [k for path in sorted(self.kustomization_files) for k in self.kustomization(path, True)]
        above = self.context_files.difference(self.kustomization_files)
        context = [k for path in sorted(above) for k in self.kustomization(path, False)]
        graph = link((*kustomizations, *context))
        self.incomplete.update(entry for real, entry in self.left if not self.is_read(real))
        self.incomplete.update(_chart_entry(chart, self.cwd) for chart in self.charts)
        given = {k.directory for k in kustomizations}
        roots = {k.directory for k in graph.roots}
        for k in graph.kustomizations:
            if k.directory in given:
                self.incomplete.update(_not_built(k, graph, k.directory in roots))
        candidates = []
        for candidate in self.found.values():
            role = graph.role_of(candidate.name) if graph.kustomizations else "manifest"
            if role in _WHY:
                reason, message = _WHY[role]
                by = graph.named_by(candidate.name)
                self.incomplete.add(Incomplete(candidate.name, reason, message.format(by)))
            else:
                candidates.append(candidate)
        candidates.sort(key=lambda c: (c.name, c.path))
        return Discovery(
            tuple(candidates),
            tuple(sorted(self.incomplete, key=lambda i: (i.source, i.reason, i.message))),
            graph.kustomizations,
            self.project_root,
            graph,
            frozenset(given),
            self.jsonnet,
        )

    def is_read(self, real: str) -> bool:
        return real in self.found or real in self.visited or real in self.kustomization_files

    def kustomization(self, path: str, given: bool) -> Iterator[Kustomization]:
        """The kustomization in a file of that name. What turns out to be no kustomization is a candidate."""
        name = display(path, self.cwd)
        data = read_path(path, name, FILE_LIMIT)
        if not isinstance(data, bytes):
            if given:
                self.incomplete.add(data)
            return
        try:
            documents = [d for d in _parse(data.decode("utf-8-sig", "replace")) if d is not None]
        except ValueError:
            documents = []
            if given:
                message = "no valid YAML, so which files are its patches or components is unknown"
                self.incomplete.add(Incomplete(name, "kustomize", message))
        if is_kustomization(documents):
            yield load_kustomization(path, documents[0], self.cwd, _parse)
        elif given:
            explicit = self.kustomization_files[path]
            root = "" if explicit else self.root_of(path)
            self.add(os.path.realpath(path), Candidate(name, path, root, explicit), False)

    def root_of(self, path: str) -> str:
        """Display path of the outermost directory argument above `path`; "" if it was itself given."""
        above = [root for root in self.roots.values() if below(path, root.path)]
        return min(above, key=lambda root: len(root.path)).name if above else ""


def _broken(path: str, error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "its symbolic links form a loop"
    try:
        return f"a symbolic link to {printable(os.readlink(path))}, which cannot be reached"
    except OSError:
        return "a symbolic link that cannot be followed"


def _chart_entry(chart: str, cwd: str) -> Incomplete:
    count = _count_templates(chart)
    what = f"{count} template{'' if count == 1 else 's'} not rendered" if count else "no templates of its own"
    message = f"a Helm chart, {what}: pass the output of `helm template` to have its manifests linted"
    return Incomplete(display(chart, cwd), "chart", message)


def _count_templates(chart: str) -> int:
    """Template files of a chart and the charts inside it; links are not followed."""
    count = 0
    for folder in _CHART_PARTS:
        for directory, _, files in os.walk(os.path.join(chart, folder)):
            if folder == "templates" or f"{os.sep}templates" in directory[len(chart) :]:
                count += sum(name.lower().endswith(EXTENSIONS) for name in files)
    return count


def _not_built(k: Kustomization, graph: KustomizeGraph, is_root: bool) -> Iterator[Incomplete]:
    """What is lost on one kustomization by not running kustomize."""
    if k.helm_charts:
        names = ", ".join(f"`{name}`" for name in k.helm_charts)
        message = f"inflates {_plural(len(k.helm_charts), 'Helm chart')} ({names}), not rendered"
        yield Incomplete(k.file, "unrendered", f"{message}: pass the output of `kustomize build --enable-helm`")
    for entry in k.remote:
        yield Incomplete(k.file, "unresolved", f"`{printable(entry)}` is remote and not downloaded")
    for entry in dict.fromkeys(k.missing):
        yield Incomplete(k.file, "unresolved", f"`{printable(entry)}` is named here, but does not exist")
    if is_root and (done := _transformations(graph.chain(k.directory))):
        message = f"kustomize is not run ({done} not applied): pass the output of `kustomize build`"
        yield Incomplete(k.directory, "kustomize", f"{message} to lint what is deployed")


def _transformations(chain: Iterable[Kustomization]) -> str:
    chain = tuple(chain)
    done = []
    if any(k.namespace for k in chain):
        done.append("namespace")
    if any(k.name_prefix or k.name_suffix for k in chain):
        done.append("name prefix or suffix")
    if any(k.patches or k.inline_patches for k in chain):
        done.append("patches")
    if any(k.has_replacements for k in chain):
        done.append("replacements")
    if any(k.has_transformers for k in chain):
        done.append("transformers")
    if not done and any(k.changes for k in chain):
        done.append("labels, images or replicas")
    return ", ".join(done)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
