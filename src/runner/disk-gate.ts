/**
 * Whether a host may start new groups, by what is free on its output: closed below the lower mark, open again only above the
 * upper one, so that a disk at the edge does not start and stop with every group. Running groups are not its business.
 */
export type DiskGate = (freeGb: number) => { open: true } | { open: false; neededGb: number };

export function createDiskGate(marks: { pauseGb: number; resumeGb: number }): DiskGate {
  const { pauseGb } = marks;
  const resumeGb = Math.max(pauseGb, marks.resumeGb);
  let closed = false;
  return (freeGb) => {
    if (freeGb < pauseGb) closed = true;
    else if (freeGb >= resumeGb) closed = false;
    return closed ? { open: false, neededGb: resumeGb } : { open: true };
  };
}
