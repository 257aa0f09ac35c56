"""Shuts this process in by Landlock and seccomp, and becomes a program.

usage: RULE... -- PROGRAM ARGUMENT...          a RULE is read=PATH or write=PATH, and holds for all below the path
Run as a script by the orchestrator's interpreter in isolated mode before every program: it imports nothing of ours and
little else. What is shut once is shut for all that the program starts.
"""

import ctypes
import os
import struct
import sys

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_FILTER_MODE = 2
_PR_SET_SECUREBITS = 28
_ROOT_IS_NOBODY = 3
_PR_CAP_AMBIENT = 47
_CLEAR_ALL = 4

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REFER, _TRUNCATE, _IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_FIRST_RIGHTS = (1 << 13) - 1
_BIND_TCP, _CONNECT_TCP = 1, 2
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE

_AF_UNIX = 1
_EACCES = 13
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000 | _EACCES
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_IO_URING_SETUP = 425
_SYSCALLS = {"x86_64": (0xC000003E, 41, 76), "aarch64": (0xC00000B7, 198, 45)}
"""By machine: what the kernel calls it, and the numbers of socket and truncate."""

_OTHER_ABI = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def landlock_version() -> int:
    """Return which of Landlock's versions the kernel speaks, 0 where it has none or it is switched off."""
    return max(0, int(_LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))))


def shut_in(read: list[str], write: list[str]) -> None:
    """Allow this process and what it starts to read and write below these paths alone, and no network.

    Raises:
        OSError: Where the kernel refuses.
    """
    version = landlock_version()
    if version == 0:
        raise OSError("the kernel has no Landlock, or it is switched off")
    rights = _rights(version)
    ruleset = _ruleset(version, rights)
    for paths, granted in ((read, _EXECUTE | _READ_FILE | _READ_DIR), (write, rights)):
        for path in paths:
            _allow(ruleset, path, granted)
    _give_up_capabilities()
    _checked(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _checked(_LIBC.syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)), "landlock_restrict_self")
    os.close(ruleset)
    _shut_sockets()


def _rights(version: int) -> int:
    """Return everything about files that this version can forbid."""
    later = ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEVICE))
    return _FIRST_RIGHTS | sum(right for since, right in later if version >= since)


def _ruleset(version: int, rights: int) -> int:
    sizes = ((6, "QQQ"), (4, "QQ"), (1, "Q"))
    layout = next(layout for since, layout in sizes if version >= since)
    values = (rights, _BIND_TCP | _CONNECT_TCP, _ABSTRACT_SOCKETS | _SIGNALS)[: len(layout)]
    attributes = struct.pack(f"={layout}", *values)
    made = _LIBC.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    return _checked(made, "landlock_create_ruleset")


def _allow(ruleset: int, path: str, rights: int) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):  # noqa: PTH112 - this starts before every program: pathlib is slow to import
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, handle)
        added = _LIBC.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, ctypes.c_uint32(0))
        _checked(added, f"landlock_add_rule of {path}")
    finally:
        os.close(handle)


def _give_up_capabilities() -> None:
    """See that the program gets none, although it may be root's."""
    if os.geteuid() == 0:
        _checked(_LIBC.prctl(_PR_SET_SECUREBITS, _ROOT_IS_NOBODY, 0, 0, 0), "securebits")
    _checked(_LIBC.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0), "ambient capabilities")


def _shut_sockets() -> None:
    """Leave sockets between this machine's programs alone, which workers need, and forbid all others.

    Landlock knows of TCP, and that late; before its version 3 it lets files be cut short by name as well.
    """
    machine = os.uname().machine
    if machine not in _SYSCALLS:
        raise OSError(f"the system calls of {machine} are not known here")
    architecture, socket, truncate = _SYSCALLS[machine]
    instructions = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 0, 7, architecture),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 5, 0, _OTHER_ABI),
        (_EQUAL, 4, 0, _IO_URING_SETUP),
        (_EQUAL, 3, 0, truncate),
        (_EQUAL, 0, 3, socket),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_EQUAL, 1, 0, _AF_UNIX),
        (_RETURN, 0, 0, _FAIL),
        (_RETURN, 0, 0, _ALLOW),
    ]
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    buffer = ctypes.create_string_buffer(packed, len(packed))
    program = struct.pack("@HP", len(instructions), ctypes.addressof(buffer))
    _checked(_LIBC.prctl(_PR_SET_SECCOMP, _FILTER_MODE, program, 0, 0), "seccomp")


def _checked(result: int, step: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{step}: {os.strerror(number)}")
    return result


def main(arguments: list[str]) -> None:
    """Shut this process in and become the program; a line on standard error says where that fails."""
    try:
        end = arguments.index("--")
        rules = [rule.split("=", 1) for rule in arguments[:end]]
        read, write = ([path for kind, path in rules if kind == granted] for granted in ("read", "write"))
        shut_in([*read, "/proc"], [*write, "/proc/self"])
        os.execve(arguments[end + 1], arguments[end + 1 :], os.environ)
    except (OSError, ValueError, IndexError) as error:
        sys.stderr.write(f"landlock: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
