"""The reference of the public protocol, in Markdown: what its files and their comments say.

    python3 reference.py FILE     writes it
"""

import os
import re
import subprocess
import sys
import tempfile
import textwrap
from typing import Dict, Iterator, List, Tuple

from google.protobuf import descriptor_pb2

PROTOS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_PACKAGE = "vitrine.v1"
HEAD = """\
# Reference of the API

<!-- Written of the comments in proto/vitrine/v1: change those, and then
ninja -C build/release vitrine_reference -->

Every call, message, field and enum value of the protocol, in the words of its files. [The
API](api.md) shows each call once, [clients](clients.md) are whole programs in several languages,
and [the queue](queue.md) says how products are sent.

The third column of a message's table says how many values a field has, or what it is where it
was not set:

- *optional*: it may be absent, and stubs tell whether it is;
- *repeated*: a list, and *map*: values by keys; both may be empty;
- *one of* a group: it may be absent, and no more than one field of the group is set;
- a value, as `0`: this is what it is where it was not set, and stubs do not tell the difference.
"""
_SCALARS = {
    "double": "`0`", "float": "`0`", "int64": "`0`", "uint64": "`0`", "int32": "`0`",
    "uint32": "`0`", "bool": "`false`", "string": '`""`', "bytes": '`""`'}
# Types that other files than ours have.
_ELSEWHERE = {
    "google.protobuf.Timestamp":
        "https://protobuf.dev/reference/protobuf/google.protobuf/#timestamp"}

Path = Tuple[int, ...]
_Field = descriptor_pb2.FieldDescriptorProto


def describe(folder: str = PROTOS) -> descriptor_pb2.FileDescriptorSet:
    """The files of vitrine/v1 below a folder, with their comments, after those that they import."""
    v1 = _PACKAGE.replace(".", "/")
    protos = sorted(f"{v1}/{name}" for name in os.listdir(os.path.join(folder, v1))
                    if name.endswith(".proto"))
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "described")
        subprocess.run(["protoc", f"-I{folder}", "--include_source_info", "--include_imports",
                        f"--descriptor_set_out={out}", *protos], check=True)
        with open(out, "rb") as file:
            return descriptor_pb2.FileDescriptorSet.FromString(file.read())


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class _File:
    """One file and where things stand in it."""

    def __init__(self, proto: descriptor_pb2.FileDescriptorProto):
        self.proto = proto
        self._locations = {tuple(one.path): one for one in proto.source_code_info.location}

    def comment(self, path: Path) -> str:
        location = self._locations.get(path)
        return location.leading_comments if location else ""

    def line(self, path: Path) -> int:
        return self._locations[path].span[0]


class Reference:
    """Raises ValueError where two headings would have one anchor."""

    def __init__(self, described: descriptor_pb2.FileDescriptorSet):
        self._files = [_File(proto) for proto in described.file if proto.package == _PACKAGE]
        self._lines: List[str] = []
        self._anchors: Dict[str, str] = {}  # Of headings.
        # What comments may name: types, and fields of each.
        self._members: Dict[str, List[str]] = {}
        self._comments: List[Tuple[str, str]] = []  # Of what, and its words.
        for file in self._files:
            for name, kind, _ in self._declarations(file):
                self._members[name] = self._members_of(kind)
        body = self._write(self._write_files)
        self._anchors["contents"] = "Contents"
        contents = self._write(self._write_contents)
        self.markdown = "\n".join([HEAD, *contents, *body]).rstrip("\n") + "\n"

    def uncommented(self) -> List[str]:
        return [what for what, words in self._comments if not words.strip()]

    def unknown_names(self) -> List[str]:
        """Names in `marks` that the protocol does not have, each with where it stands."""
        fields = {field for members in self._members.values() for field in members}
        unknown = []
        for what, words in self._comments:
            for name in re.findall(r"`([A-Za-z_][\w.]*)`", words):
                name = name.removeprefix(f"{_PACKAGE}.")
                head, _, field = name.rpartition(".")
                if name not in fields and name not in self._members and (
                        field not in self._members.get(head, ())):
                    unknown.append(f"{what}: `{name}`")
        return unknown

    @staticmethod
    def _members_of(kind) -> List[str]:
        if isinstance(kind, descriptor_pb2.DescriptorProto):
            return [one.name for one in (*kind.field, *kind.oneof_decl)]
        if isinstance(kind, descriptor_pb2.EnumDescriptorProto):
            return [one.name for one in kind.value]
        return [one.name for one in kind.method]

    def _declarations(self, file: _File) -> Iterator[Tuple[str, object, Path]]:
        """Services, then messages and enums in the file's order, and what they hold after each."""
        for i, service in enumerate(file.proto.service):
            yield service.name, service, (6, i)
        yield from self._types(file, file.proto.message_type, file.proto.enum_type, (), 4, 5, "")

    def _types(self, file, messages, enums, path: Path, of_messages: int, of_enums: int,
               holder: str) -> Iterator[Tuple[str, object, Path]]:
        found = [(message, (*path, of_messages, i)) for i, message in enumerate(messages)
                 if not message.options.map_entry]
        found += [(enum, (*path, of_enums, i)) for i, enum in enumerate(enums)]
        for one, its_path in sorted(found, key=lambda each: file.line(each[1])):
            name = holder + one.name
            yield name, one, its_path
            if isinstance(one, descriptor_pb2.DescriptorProto):
                yield from self._types(file, one.nested_type, one.enum_type, its_path, 3, 4,
                                       f"{name}.")

    # What is written.

    def _write(self, writer) -> List[str]:
        self._lines = []
        writer()
        return self._lines

    def _heading(self, level: int, text: str) -> None:
        anchor = slug(text)
        if anchor in self._anchors:
            raise ValueError(f"{text} and {self._anchors[anchor]} have the same anchor")
        self._anchors[anchor] = text
        self._lines += [f"{'#' * level} {text}", ""]

    def _write_contents(self) -> None:
        self._lines += ["## Contents", ""]
        for file in self._files:
            self._lines.append(f"- [{file.proto.name}](#{slug(file.proto.name)})")
            types = []
            for name, kind, _ in self._declarations(file):
                if not isinstance(kind, descriptor_pb2.ServiceDescriptorProto):
                    types.append(self._link(name))
                    continue
                calls = (f"[{call.name}](#{slug(f'{name}.{call.name}')})" for call in kind.method)
                self._lines.append(f"  - [{name}](#{slug(name)}): {', '.join(calls)}")
            self._lines.append(f"  - {', '.join(types)}")
        self._lines.append("")

    def _write_files(self) -> None:
        for file in self._files:
            self._heading(2, file.proto.name)
            self._paragraphs(file.proto.name, file.comment((12,)))
            for name, kind, path in self._declarations(file):
                self._heading(3, name)
                self._paragraphs(name, file.comment(path))
                if isinstance(kind, descriptor_pb2.ServiceDescriptorProto):
                    self._calls(file, name, kind, path)
                elif isinstance(kind, descriptor_pb2.EnumDescriptorProto):
                    self._values(file, name, kind, path)
                else:
                    self._fields(file, name, kind, path)

    def _calls(self, file, name: str, service, path: Path) -> None:
        for i, call in enumerate(service.method):
            self._heading(4, f"{name}.{call.name}")
            asks = ("stream of " if call.client_streaming else "") + self._type(call.input_type)
            answers = ("stream of " if call.server_streaming else "") + self._type(call.output_type)
            kind = "streaming" if "stream of" in asks + answers else "unary"
            self._lines += [f"{kind}: {asks} → {answers}", ""]
            self._paragraphs(f"{name}.{call.name}", file.comment((*path, 2, i)))

    def _values(self, file, name: str, enum, path: Path) -> None:
        self._lines += ["| value | number | meaning |", "|---|---|---|"]
        for i, value in enumerate(enum.value):
            words = self._cell(f"{name}.{value.name}", file.comment((*path, 2, i)))
            self._lines.append(f"| `{value.name}` | {value.number} | {words} |")
        self._lines.append("")

    def _fields(self, file, name: str, message, path: Path) -> None:
        if not message.field:
            self._lines += ["No fields.", ""]
            return
        self._lines += ["| field | type | unset | meaning |", "|---|---|---|---|"]
        told = set()
        for i, field in enumerate(message.field):
            kind, unset = self._kind(name, message, field)
            group = field.oneof_index if unset.startswith("one of") else None
            if group is not None and group not in told:
                told.add(group)
                group_name = message.oneof_decl[group].name
                words = self._cell(f"{name}.{group_name}", file.comment((*path, 8, group)))
                self._lines.append(f"| *{group_name}* | | | {words} |")
            words = self._cell(f"{name}.{field.name}", file.comment((*path, 2, i)))
            self._lines.append(f"| `{field.name}` | {kind} | {unset} | {words} |")
        self._lines.append("")

    def _kind(self, name: str, message, field) -> Tuple[str, str]:
        """A field's type, and what it is where it is not set."""
        kind = self._type_of(field)
        if field.label == _Field.LABEL_REPEATED:
            for nested in message.nested_type:
                if nested.options.map_entry and field.type_name.endswith(f"{name}.{nested.name}"):
                    key, value = (self._type_of(one) for one in nested.field)
                    return f"{key} → {value}", "map"
            return kind, "repeated"
        if field.proto3_optional:
            return kind, "optional"
        if field.HasField("oneof_index"):
            return kind, f"one of *{message.oneof_decl[field.oneof_index].name}*"
        if field.type == _Field.TYPE_MESSAGE:
            return kind, "optional"
        if field.type == _Field.TYPE_ENUM:
            return kind, "`0`"
        return kind, _SCALARS[kind]

    def _type_of(self, field) -> str:
        if field.type_name:
            return self._type(field.type_name)
        return _Field.Type.Name(field.type).removeprefix("TYPE_").lower()

    def _type(self, full_name: str) -> str:
        name = full_name.removeprefix(".")
        if name in _ELSEWHERE:
            return f"[{name}]({_ELSEWHERE[name]})"
        return self._link(name.removeprefix(f"{_PACKAGE}."))

    @staticmethod
    def _link(name: str, text: str = "") -> str:
        return f"[{text or name}](#{slug(name)})"

    # Comments.

    def _cell(self, what: str, comment: str) -> str:
        self._comments.append((what, comment))
        return self._marked(" ".join(comment.split())).replace("|", "\\|")

    def _paragraphs(self, what: str, comment: str) -> None:
        """Words as they flow, and lines that are set in as they stand."""
        self._comments.append((what, comment))
        for block in re.split(r"\n\s*\n", comment.strip("\n")):
            for is_set_in, lines in self._runs(block.split("\n")):
                if is_set_in:
                    text = textwrap.dedent("\n".join(lines))
                    self._lines += ["```text", *text.split("\n"), "```", ""]
                else:
                    self._lines += [self._marked(" ".join(line.strip() for line in lines)), ""]

    @staticmethod
    def _runs(lines: List[str]) -> List[Tuple[bool, List[str]]]:
        runs: List[Tuple[bool, List[str]]] = []
        for line in lines:
            is_set_in = line.startswith("   ")
            if not runs or runs[-1][0] != is_set_in:
                runs.append((is_set_in, []))
            runs[-1][1].append(line)
        return runs

    def _marked(self, words: str) -> str:
        """Without what Markdown would take for marks, and with links to types."""
        pieces = words.split("`")
        for i, piece in enumerate(pieces):
            if i % 2 == 0:
                pieces[i] = re.sub(r"([*<])", r"\\\1", piece)
                continue
            name = piece.removeprefix(f"{_PACKAGE}.")
            head = name.rpartition(".")[0]
            target = name if name in self._members else head
            pieces[i] = f"`{piece}`"
            if target in self._members:
                pieces[i] = self._link(target, pieces[i])
        return "".join(pieces)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(Reference(describe()).markdown)


if __name__ == "__main__":
    main()
