"""How a step is called: JSON request in, JSON lines out.

`python -m contimg_science.STEP request.json` prints one JSON object a line on stdout:
`{"event":"progress"}` any number of times, then exactly one `{"event":"result"}` (exit 0) or `{"event":"failure"}`
(exit 1). stderr is free text for the log. A step reads the inputs and writes the outputs that its request names, and
nothing else: it never opens the product database and never looks at the clock for anything but its own timings.
"""

from __future__ import annotations

import ctypes
import errno
import json
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from contimg_science.software import software_in_use

FailureType = Literal["BadInput", "NotSettled", "NoSpace", "ToolFailed", "ToolKilled", "QualityRejected", "NoCalibration", "Bug"]
SideEffects = Literal["none", "scratch", "published"]


class Record(BaseModel):
    """Base of every request and result part: unknown fields are refused, values never change after parsing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StepRequest(Record):
    """What every request has. A step adds `inputs`, `parameters` and `outputs`, none of them with defaults."""

    schema_version: Literal[1]
    step: str
    group_id: str
    attempt_id: str
    requested_at: str
    work_dir: Path
    threads: int


class StepFailure(Exception):
    """A failure with a name: what happened, where, and what a person can do next."""

    def __init__(self, type: FailureType, code: str, message: str, remedy: str, side_effects: SideEffects = "scratch"):
        super().__init__(message)
        self.type, self.code, self.message, self.remedy, self.side_effects = type, code, message, remedy, side_effects


AnyRequest = TypeVar("AnyRequest", bound=StepRequest)


class Timings:
    """Measured wall seconds by phase; a phase that never ran is absent, not zero."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def emit(event: str, **fields: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}, allow_nan=False, default=str) + "\n")
    sys.stdout.flush()


def progress(fraction: float, message: str) -> None:
    """`fraction` of this step done, 0…1; becomes a Temporal heartbeat and the dashboard's bar."""
    emit("progress", fraction=round(float(fraction), 4), message=message)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies, so that a killed worker leaves nothing running."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL)


def run_step(request_type: type[AnyRequest], step: Callable[[AnyRequest], Record]) -> None:
    """Main of every step module: parse the request named on the command line, run, report, exit."""
    die_with_parent()
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(f"usage: python -m contimg_science.{step.__name__} REQUEST.json\n\n{sys.modules['__main__'].__doc__}", file=sys.stderr)
        sys.exit(64)
    started = time.perf_counter()
    try:
        result = step(request_type.model_validate_json(Path(sys.argv[1]).read_bytes()))
    except StepFailure as failure:
        _fail(failure)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        _fail(StepFailure("BadInput", "BadRequest", f"{where}: {first['msg']}", "correct this field of the request", "none"))
    except MemoryError:
        _fail(StepFailure("ToolKilled", "OutOfMemory", "the step ran out of its memory limit", "give it more memory or fewer threads"))
    except OSError as error:
        kind: FailureType = "NoSpace" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "ToolFailed"
        _fail(StepFailure(kind, errno.errorcode.get(error.errno or 0, "OSError"), str(error), "look at the path it names: space, rights, disk"))
    except Exception as error:  # the last net: reported as our bug, with its trace in the log
        traceback.print_exc()
        _fail(StepFailure("Bug", type(error).__name__, str(error) or type(error).__name__, "send the capsule of this attempt to the developers"))
    else:
        # A step that knows more of its tools says so itself.
        said = {"software": software_in_use()} | json.loads(result.model_dump_json())
        emit("result", result=said, resources=_resources(started))
        sys.exit(0)


def _fail(failure: StepFailure) -> NoReturn:
    emit("failure", type=failure.type, code=failure.code, message=failure.message, remedy=failure.remedy, side_effects=failure.side_effects)
    sys.exit(1)


def _resources(started: float) -> dict[str, float]:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall_s": time.perf_counter() - started,
        "cpu_s": own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime,
        "max_rss_bytes": max(_peak_kib(), children.ru_maxrss) * 1024,
    }


def _peak_kib() -> int:
    """Of this program alone: `ru_maxrss` begins with what the process that started it held."""
    (peak,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(peak)
