"""Step `simulate`: raw subband files as the correlator writes them, with a truth to judge results by.

`python -m contimg_science.simulate request.json`. Same parameters, same bytes. Files are made in the truth directory and handed
over to the input directory by rename, at once or paced; truth.json and catalogue.csv are there before the first of them. Nothing
but subband files and links to them is ever put into the input directory, and no file there is replaced unasked. SIGTERM stops between two files.
"""

from __future__ import annotations

import hashlib
import shutil
import signal
import threading
from pathlib import Path

from contimg_science.protocol import Record, StepFailure, Timings, progress, run_step
from contimg_science.simulation.array_layout import header_site, make_layout
from contimg_science.simulation.delivery import Delivery, Stopped
from contimg_science.simulation.faults import FAULTS
from contimg_science.simulation.group_files import MadeFile, Simulation, all_frequencies_hz, make_group_files
from contimg_science.simulation.instrument import make_instrument, noise_jy
from contimg_science.simulation.options import Outputs, Parameters, SimulateRequest
from contimg_science.simulation.rfi import Box, make_boxes
from contimg_science.simulation.schedule import PlannedGroup, plan_groups
from contimg_science.simulation.sky import Source, calibrator_source, make_sky
from contimg_science.simulation.truth import FileTruth, group_truth, is_good_member, write_arrays, write_catalogue, write_truth
from contimg_science.simulation.visibilities import SkyOfGroup, sky_of_group


class SimulatedGroup(Record):
    group_id: str
    kind: str
    calibrator: str | None
    day: int
    files: int


class SimulateResult(Record):
    directory: Path
    truth_directory: Path
    truth: Path
    catalogue: Path
    groups: list[SimulatedGroup]
    sources: int
    files: int
    bytes_written: int
    timings_s: dict[str, float]


def simulate(request: SimulateRequest) -> SimulateResult:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    parameters, outputs, timings = request.parameters, request.outputs, Timings()
    staging = _prepare_directories(outputs)
    site, layout = header_site(), make_layout(parameters.size, parameters.order)
    simulation = Simulation(parameters, layout, make_instrument(layout, parameters), site, request.threads, stop)
    groups = plan_groups(parameters, site)
    _check_targets(parameters, groups, layout.order)
    sources = make_sky(parameters.sources, groups, site, simulation.dec_app_rad, parameters.seed)
    calibrators = [calibrator_source(name) for name in sorted({group.calibrator for group in groups if group.calibrator})]
    with timings.phase("truth"):
        met = [_what_a_group_meets(simulation, group, sources, calibrators) for group in groups]
        groups_truth = [group_truth(simulation, group, *entry) for group, entry in zip(groups, met, strict=True)]
        write_arrays(outputs.truth_directory, simulation, groups)
        catalogue = write_catalogue(outputs.truth_directory, sources)
        if parameters.catalogues:
            _write_catalogue_files(outputs.truth_directory, sources)
        truth = write_truth(outputs.truth_directory, simulation, groups, sources + calibrators, groups_truth, [], False)
    outside = outputs.truth_directory.resolve() / "linked-out"
    delivery = Delivery(outputs.directory, outside, parameters.deliver, parameters.rate, parameters.seed, stop)
    files: list[FileTruth] = []
    try:
        for group, (_, sky, boxes) in zip(groups, met, strict=True):
            with timings.phase("make"):
                made = make_group_files(simulation, group, sky, boxes, staging)
            with timings.phase("hash"):
                files += [_file_truth(parameters, group, entry) for entry in made]
            write_truth(outputs.truth_directory, simulation, groups, sources + calibrators, groups_truth, files, False)
            with timings.phase("deliver"):
                delivery.deliver_group(group.index, [entry.parcel for entry in made])
            progress((group.index + 1) / len(groups), f"{group.group_id}: {len(made)} files, group {group.index + 1} of {len(groups)}")
        with timings.phase("deliver"):
            delivery.finish()
    except Stopped as stopped:
        raise StepFailure(
            "ToolKilled",
            "Stopped",
            f"stopped on request: {len(files)} files made of {len(groups)} groups planned",
            "simulate again into an empty directory",
            "published",
        ) from stopped
    finally:
        shutil.rmtree(staging)
    write_truth(outputs.truth_directory, simulation, groups, sources + calibrators, groups_truth, files, True)
    return SimulateResult(
        directory=outputs.directory,
        truth_directory=outputs.truth_directory,
        truth=truth,
        catalogue=catalogue,
        groups=[
            SimulatedGroup(
                group_id=group.group_id,
                kind="science" if group.calibrator is None else "calibrator",
                calibrator=group.calibrator,
                day=group.day,
                files=sum(entry.made_for == group.group_id for entry in files),
            )
            for group in groups
        ],
        sources=len(sources),
        files=len(files),
        bytes_written=sum(entry.bytes for entry in files),
        timings_s=timings.seconds,
    )


def _write_catalogue_files(truth_directory: Path, sources: list[Source]) -> None:
    # Loading astropy's tables takes a second: only who asks for the files waits for it.
    from contimg_science.simulation.catalogue_files import write_catalogue_files

    write_catalogue_files(truth_directory / "catalogues", sources)


def _prepare_directories(outputs: Outputs) -> Path:
    directory, truth_directory = outputs.directory.resolve(), outputs.truth_directory.resolve()
    if truth_directory == directory or directory in truth_directory.parents:
        raise StepFailure("BadInput", "TruthInsideInput", f"{truth_directory} lies in {directory}", "keep the truth beside the input", "none")
    if (truth_directory / "truth.json").exists():
        raise StepFailure("BadInput", "AlreadyThere", f"{truth_directory} holds a truth already", "name an empty directory", "none")
    directory.mkdir(parents=True, exist_ok=True)
    truth_directory.mkdir(parents=True, exist_ok=True)
    if directory.stat().st_dev != truth_directory.stat().st_dev:
        raise StepFailure(
            "BadInput", "OtherFileSystem", f"{truth_directory} is on another disk than {directory}", "put both on one file system", "none"
        )
    staging = truth_directory / "staging"
    staging.mkdir()
    return staging


def _check_targets(parameters: Parameters, groups: list[PlannedGroup], stations: tuple[int, ...]) -> None:
    """A fault that hits nothing is a mistake in the request, not a wish for nothing."""
    for name in FAULTS:
        for target in parameters.faults.get(name, []):
            if target.group >= len(groups):
                message = f"fault {name}: there is no group {target.group}, only {len(groups)} groups"
                raise StepFailure("BadInput", "NoSuchGroup", message, "count groups from 0", "none")
    dead = {*parameters.dead_antennas, *(int(receptor[:-1]) for receptor in parameters.dead_receptors)}
    if absent := sorted(dead - set(stations)):
        raise StepFailure("BadInput", "NoSuchStation", f"stations {absent} are not in a {parameters.size} array", "name active ones", "none")


def _what_a_group_meets(
    simulation: Simulation, group: PlannedGroup, sources: list[Source], calibrators: list[Source]
) -> tuple[list[Source], SkyOfGroup, list[Box]]:
    parameters, nfreqs = simulation.parameters, simulation.layout.nfreqs
    everywhere = parameters.sources.calibrator_in == "every"
    present = sources + [source for source in calibrators if everywhere or source.name == group.calibrator]
    sky = sky_of_group(present, group, simulation.site, simulation.dec_app_rad, all_frequencies_hz(nfreqs))
    boxes = make_boxes(parameters.rfi, simulation.layout, group.index, group.ntimes, noise_jy(nfreqs), parameters.seed)
    return present, sky, boxes


def _file_truth(parameters: Parameters, group: PlannedGroup, made: MadeFile) -> FileTruth:
    with made.parcel.made.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    belongs = is_good_member(made.plan) and made.plan.dec_app_deg == parameters.dec_app_deg
    return FileTruth(
        name=made.parcel.name,
        subband=made.plan.subband,
        made_for=group.group_id,
        group_id=group.group_id if belongs else None,
        bytes=made.bytes,
        sha256=sha256,
        late_s=made.parcel.late_s,
    )


if __name__ == "__main__":
    run_step(SimulateRequest, simulate)
