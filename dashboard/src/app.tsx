/** The frame around every page: name, clock, sign-in, and the banner that says when what is shown is not live. */
import { Clock } from './parts/clock.tsx';
import { SignIn } from './parts/sign-in.tsx';
import { POLL_WHEN_SILENT_MS, SILENT_AFTER_MS, useLiveEvents } from './live-events.ts';
import { GroupPage } from './pages/group.tsx';
import { NowPage } from './pages/now.tsx';
import { SilentStream } from './queries.ts';
import { Link, type Page, usePage } from './router.tsx';

export function App() {
  const page = usePage();
  const { silent } = useLiveEvents();
  return (
    <SilentStream value={silent}>
      <a className="skip" href="#content">
        Skip to content
      </a>
      <header className="top">
        <Link href="/" className="brand">
          contimg
        </Link>
        <nav aria-label="Pages">
          <Link href="/">Now</Link>
        </nav>
        <Clock />
        <SignIn />
      </header>
      <div role="status">
        {silent && (
          <p className="banner">
            <span aria-hidden="true">⚠ </span>No live events for more than {SILENT_AFTER_MS / 1000} s. Asking every{' '}
            {POLL_WHEN_SILENT_MS / 1000} s instead; each panel shows its age.
          </p>
        )}
      </div>
      <main id="content">{contentOf(page)}</main>
    </SilentStream>
  );
}

function contentOf(page: Page) {
  switch (page.kind) {
    case 'now':
      return <NowPage />;
    case 'group':
      return <GroupPage key={page.groupId} groupId={page.groupId} />;
    case 'unknown':
      return (
        <p>
          There is no page at this address. <Link href="/">Go to Now</Link>
        </p>
      );
    default:
      return page satisfies never;
  }
}
