/** Addresses of the pages and links between them, without reloading. */
import { type MouseEvent, type ReactNode, useSyncExternalStore } from 'react';

export type Page = { kind: 'now' } | { kind: 'group'; groupId: string } | { kind: 'unknown' };

function pageOf(pathname: string): Page {
  if (pathname === '/') return { kind: 'now' };
  const groupId = /^\/groups\/([^/]+)$/.exec(pathname)?.[1];
  return groupId === undefined ? { kind: 'unknown' } : { kind: 'group', groupId: decodeURIComponent(groupId) };
}

const MOVED = 'contimg:moved';

function subscribe(onMove: () => void): () => void {
  addEventListener('popstate', onMove);
  addEventListener(MOVED, onMove);
  return () => {
    removeEventListener('popstate', onMove);
    removeEventListener(MOVED, onMove);
  };
}

export const usePage = (): Page => pageOf(useSyncExternalStore(subscribe, () => location.pathname));

function goTo(href: string): void {
  history.pushState(null, '', href);
  dispatchEvent(new Event(MOVED));
  scrollTo(0, 0);
}

export function Link({ href, children, className }: { href: string; children: ReactNode; className?: string }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    goTo(href);
  };
  return (
    <a href={href} onClick={follow} className={className}>
      {children}
    </a>
  );
}

export const groupHref = (groupId: string): string => `/groups/${groupId}`;
