/** The limits: who is near one, the limits themselves, and the logins that are held back. */

import type { HeldAccount, HeldNetwork, LimitInfo, LimitUse } from "../../api/protocol";
import { openDialog } from "../../model/admin/admin_dialog";
import {
  COUNTED,
  heldFrom,
  limitsError,
  rateText,
  limitUse,
  NEAR_SHARE,
  refreshLimits,
  timeOfDay,
  closeness,
} from "../../model/admin/limit_use";
import { DataTable, type Column } from "./DataTable";
import { SectionHead } from "./SectionHead";

export function LimitsSection() {
  const found = limitUse.value;
  const hasFailed = limitsError.value !== "";
  return (
    <section class="admin-section" aria-labelledby="section-title">
      <SectionHead title="Limits" error={limitsError.value}>
        <button type="button" onClick={() => void refreshLimits()} data-testid="limits-refresh">
          Refresh
        </button>
      </SectionHead>
      <h3>Use now</h3>
      <DataTable
        label="Use now"
        columns={USES}
        rows={found && found.uses}
        rowKey={({ principal, kind, session }) => ["use", principal, kind, session ?? ""].join(" ").trim()}
        hasFailed={hasFailed}
        empty="Nobody uses anything of a limit."
      />
      <LeftOut count={found?.usesLeftOut} what="use less of their limits" />
      <h3>Logins held back</h3>
      <DataTable
        label="Logins held back"
        columns={ACCOUNTS}
        rows={found && found.accounts}
        rowKey={({ username }) => `held ${username}`}
        hasFailed={hasFailed}
        empty="No user has failed logins that still count."
      />
      <UnknownNames count={found?.unknownNames ?? 0} />
      <h3>Networks with failed logins</h3>
      <DataTable
        label="Networks with failed logins"
        columns={NETWORKS}
        rows={found && found.networks}
        rowKey={({ network }) => `network ${network}`}
        hasFailed={hasFailed}
        empty="None within the last hour, at the edge that this page is connected to."
      />
      <LeftOut count={found?.networksLeftOut} what="have fewer failures" />
      <h3>Limits of all edges</h3>
      <DataTable
        label="Limits of all edges"
        columns={LIMITS}
        rows={found && found.limits}
        rowKey={({ kind }) => `limit ${kind}`}
        hasFailed={hasFailed}
        empty=""
      />
    </section>
  );
}

const USES: readonly Column<LimitUse>[] = [
  {
    title: "User or key",
    cell: ({ principal, session }) => (
      <>
        <strong>{principal}</strong>
        {session != null && <span class="muted"> one session</span>}
      </>
    ),
  },
  { title: "Kind", cell: ({ kind }) => kind },
  { title: "Used", cell: (use) => <Used use={use} /> },
  { title: "State", cell: (use) => <UseState use={use} /> },
];

const ACCOUNTS: readonly Column<HeldAccount>[] = [
  { title: "User", cell: ({ username }) => <strong>{username}</strong> },
  { title: "Failures", cell: ({ failures }) => failures },
  { title: "Held back", cell: (account) => <HeldBack account={account} /> },
  { title: "Actions", cell: ({ username }) => <Release username={username} /> },
];

const NETWORKS: readonly Column<HeldNetwork>[] = [
  { title: "Network", cell: ({ network }) => <strong>{network}</strong> },
  { title: "Failures", cell: ({ failures }) => failures },
  { title: "Waits behind others", cell: ({ until }) => `until ${timeOfDay(until)}` },
];

const LIMITS: readonly Column<LimitInfo>[] = [
  { title: "Kind", cell: ({ kind }) => <strong>{kind}</strong> },
  { title: "At most", cell: rateText },
  { title: "Counts", cell: ({ kind }) => COUNTED[kind] },
];

function Used({ use: { used, count, kind, principal } }: { use: LimitUse }) {
  return (
    <span class="limit-use">
      <meter
        max={count}
        value={used}
        optimum={0}
        low={count * NEAR_SHARE}
        high={count - 1}
        aria-label={`${kind} of ${principal}`}
      />
      {used.toLocaleString("en")} of {count.toLocaleString("en")}
    </span>
  );
}

function UseState({ use }: { use: LimitUse }) {
  const state = closeness(use);
  if (state === "within") return <span class="state on">within</span>;
  if (state === "near") return <span class="state off">near the limit</span>;
  return <span class="state off">at the limit{use.freeAt != null && ` until ${timeOfDay(use.freeAt)}`}</span>;
}

function HeldBack({ account }: { account: HeldAccount }) {
  const held = heldFrom(account);
  if (held.length === 0) return <span class="state on">not held back yet</span>;
  return (
    <>
      {held.map((text) => (
        <span key={text} class="state off held-from">
          {text}
        </span>
      ))}
    </>
  );
}

function Release({ username }: { username: string }) {
  return (
    <div class="actions">
      <button
        type="button"
        onClick={() => openDialog({ kind: "releaseAccount", username })}
        aria-label={`Release: ${username}`}
      >
        Release
      </button>
    </div>
  );
}

function UnknownNames({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <p class="muted" data-testid="unknown-names">
      {count === 1 ? "One name that no user has has" : `${count} names that no user has have`} failed logins too. They
      are not shown, because people type passwords there.
    </p>
  );
}

function LeftOut({ count, what }: { count: number | undefined; what: string }) {
  return count === undefined || count === 0 ? null : (
    <p class="muted">
      {count.toLocaleString("en")} more {what}.
    </p>
  );
}
