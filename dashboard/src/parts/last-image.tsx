/** An image as a picture with the figures that say whether to trust it. */
import type { ImageRow } from '../../../src/api/contract/image.ts';
import { groupHref, Link } from '../router.tsx';
import { DegradedMark, VerdictMark } from './mark.tsx';

export function LastImage({ image }: { image: ImageRow | null }) {
  if (image === null) return <p>No image yet: the first one appears when a calibrated group has been imaged.</p>;
  return (
    <figure className="picture">
      <img src={image.png_url} alt={`Radio image of group ${image.group_id}`} width={320} height={320} loading="lazy" />
      <figcaption>
        <p>
          <Link href={groupHref(image.group_id)}>{image.group_id}</Link> <VerdictMark verdict={image.qa_verdict} />{' '}
          {image.degraded_reasons.length > 0 && <DegradedMark />}
        </p>
        <p className="fine">
          noise {(image.noise_jy * 1e3).toFixed(2)} mJy/beam, dynamic range {Math.round(image.dynamic_range)}, beam{' '}
          {image.beam_major_arcsec.toFixed(1)}″ × {image.beam_minor_arcsec.toFixed(1)}″, MJD {image.mid_mjd.toFixed(4)}
        </p>
      </figcaption>
    </figure>
  );
}
