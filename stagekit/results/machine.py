"""`machine.json`: what a stage's program ran on, as it saw it itself; among the facts, never among the results."""

from dataclasses import dataclass, field
from typing import ClassVar, Optional, Tuple

from stagekit.results.form import COUNT, Form, Unknown


@dataclass(frozen=True)
class Machine:
    """A machine, and the part of it that a program was given.

    Attributes:
        host: Its name; missing in a container, whose name says nothing.
        processor: Model of the processor.
        architecture: Such as 'x86_64'.
        instructions: Of the sets that decide which kernels a framework chooses, those that the processor has.
        processors: Logical processors that the program could run on.
        memory_bytes: Of the whole machine.
        system: Name and version of the kernel.
        container: What the program was closed into, such as 'docker'; missing where it was in none.
        threads: Processor threads that it was asked to use.
        gpu: Name of the device, where it computed on one.
        driver: Version of the device's driver.
        cuda: Newest version of CUDA that the driver knows.
    """

    processor: str
    architecture: str
    instructions: Tuple[str, ...]
    processors: int = field(metadata=COUNT)
    system: str
    host: Optional[str] = None
    memory_bytes: Optional[int] = field(default=None, metadata=COUNT)
    container: Optional[str] = None
    threads: Optional[int] = field(default=None, metadata=COUNT)
    gpu: Optional[str] = None
    driver: Optional[str] = None
    cuda: Optional[str] = None
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class MachineFile(Form):
    """The machines of a stage, written when its program starts.

    Attributes:
        starts: Of each machine that it was started on, first to last; one that is the same as before is not repeated.
    """

    FILE_NAME: ClassVar[str] = "machine.json"

    starts: Tuple[Machine, ...]
    unknown: Unknown = field(default_factory=dict)
