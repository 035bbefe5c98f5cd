"""Glob patterns of gobwas/glob, which Argo CD uses for kinds, groups, repositories and file names.

`*` matches any run of characters except separators, `**` any run at all, `?` one character that is no
separator, `[abc]`, `[a-z]` and `[!a]` one character, `{a,b}` alternatives; `\\` takes the next character
literally. Matching walks a set of states, so no pattern can make it slow. Two faults of gobwas/glob are not
mirrored: a lone `?` or `[!a]` also matches the empty text there, and `a*a` also matches `a`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

_SPECIAL = frozenset("*?[]{}\\")
_MAX_LENGTH = 2000


class _Step(NamedTuple):
    """One instruction of the matcher: a character, a set or range of them, or a change of state."""

    op: Literal["char", "class", "range", "other", "split", "jump", "match"]
    text: str = ""
    negated: bool = False
    targets: tuple[int, ...] = ()


class GlobProblem(NamedTuple):
    """A pattern that gobwas/glob does not compile; Argo CD then treats it as matching nothing."""

    message: str


class Glob(NamedTuple):
    """A compiled pattern; `literal` is the only text that matches where no character is special."""

    pattern: str
    literal: str | None
    program: tuple[_Step, ...] = ()

    def matches(self, text: str) -> bool:
        """True where the whole of `text` matches, case-sensitively (gobwas/glob `Match`)."""
        if self.literal is not None:
            return text == self.literal
        program = self.program
        states = _closure(program, (0,))
        for char in text:
            states = _closure(program, (at + 1 for at in states if _accepts(program[at], char)))
            if not states:
                return False
        return any(program[at].op == "match" for at in states)


def _accepts(step: _Step, char: str) -> bool:
    if step.op == "char":
        return char == step.text
    if step.op == "class":
        return (char in step.text) is not step.negated
    if step.op == "range":
        return (step.text[0] <= char <= step.text[1]) is not step.negated
    return step.op == "other" and char not in step.text


def _closure(program: tuple[_Step, ...], states: Iterable[int]) -> set[int]:
    seen: set[int] = set()
    todo = list(states)
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            if program[at].op in ("split", "jump"):
                todo.extend(program[at].targets)
    return {at for at in seen if program[at].op not in ("split", "jump")}


def compile_glob(pattern: str, separators: str = "") -> Glob | GlobProblem:
    """The compiled `pattern`, or why gobwas/glob refuses it (its `syntax/lexer`, `syntax/ast`).

    `separators` are the characters that `*` and `?` do not match: none for group, kind and file patterns
    (argo-cd `util/glob/glob.go`), `/` for the repositories of an AppProject.
    """
    if len(pattern) > _MAX_LENGTH or "\x00" in pattern:
        return GlobProblem("the pattern is too long or holds a NUL character")
    if not _SPECIAL.intersection(pattern):
        return Glob(pattern, pattern)
    program: list[_Step] = []
    open_braces: list[tuple[int, list[int]]] = []  # where the group's split is; the jumps that leave it
    branches: list[list[int]] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            other = separators
            if pattern.startswith("*", at):
                at += 1
                other = ""
            here = len(program)
            program += [_Step("split", targets=(here + 1, here + 3)), _Step("other", other)]
            program.append(_Step("jump", targets=(here,)))
        elif char == "?":
            program.append(_Step("other", separators))
        elif char == "[":
            parsed = _class(pattern, at)
            if isinstance(parsed, GlobProblem):
                return parsed
            step, at = parsed
            program.append(step)
        elif char == "{":
            open_braces.append((len(program), []))
            branches.append([len(program) + 1])
            program.append(_Step("split"))
        elif char in ",}" and open_braces:
            split, leaves = open_braces[-1]
            leaves.append(len(program))
            program.append(_Step("jump"))
            if char == ",":
                branches[-1].append(len(program))
            else:
                _close(program, split, leaves, branches.pop())
                open_braces.pop()
        elif char == "\\":
            if at < len(pattern):
                program.append(_Step("char", pattern[at]))
                at += 1
        else:
            program.append(_Step("char", char))
    if open_braces:  # gobwas/glob compiles these and then matches at random, or panics
        return GlobProblem("a `{` has no `}`")
    program.append(_Step("match"))
    return Glob(pattern, None, tuple(program))


def _close(program: list[_Step], split: int, leaves: list[int], branches: list[int]) -> None:
    program[split] = _Step("split", targets=tuple(branches))
    for leave in leaves:
        program[leave] = _Step("jump", targets=(len(program),))


def _class(pattern: str, at: int) -> tuple[_Step, int] | GlobProblem:
    """The character class that starts after `[`, and the offset behind its `]`."""
    problem = GlobProblem(f"the character class at offset {at - 1} is malformed")
    negated = pattern.startswith("!", at)
    at += negated
    if pattern.startswith("-", at + 1):
        low, high = pattern[at], pattern[at + 2 : at + 3]
        if not high or high < low or not pattern.startswith("]", at + 3):
            return problem
        return _Step("range", low + high, negated), at + 4
    chars: list[str] = []
    while at < len(pattern) and pattern[at] != "]":
        if pattern[at] == "\\":
            at += 1
            if at == len(pattern):
                return problem
        chars.append(pattern[at])
        at += 1
    if not chars or at >= len(pattern):
        return problem
    return _Step("class", "".join(chars), negated), at + 1


def glob_matches(pattern: str, text: str, separators: str = "") -> bool:
    """`util/glob/glob.go Match`: a pattern that does not compile matches nothing."""
    compiled = compile_glob(pattern, separators)
    return isinstance(compiled, Glob) and compiled.matches(text)
