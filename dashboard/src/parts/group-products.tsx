/** What was made from a group, each version with its status. */
import type { GroupDetail } from '../../../src/api/contract/group.ts';
import { bytes, inWords, utcTime } from '../formats.ts';

export function GroupProducts({ group }: { group: GroupDetail }) {
  if (group.products.length === 0) return <p>Nothing was made yet: the first product is the Measurement Set, after step organize.</p>;
  return (
    <ul className="cards">
      {group.products.map((product) => (
        <li key={product.product_id}>
          <p>
            <strong>{inWords(product.kind)}</strong> {product.status}, {bytes(product.bytes)},{' '}
            <span className="fine">{utcTime(product.created_at)}</span>
          </p>
          {product.png_url !== null && (
            <img src={product.png_url} alt={`Radio image made from group ${group.group_id}`} width={320} height={320} loading="lazy" />
          )}
          <p className="fine path">{product.path}</p>
          <p className="fine path">hash {product.content_hash.slice(0, 24)}</p>
        </li>
      ))}
    </ul>
  );
}
