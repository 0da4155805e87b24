/** The links: a chip in the header, and a panel with the figures of each, and of what is in effect of files. */

import { useLayoutEffect, useRef } from "preact/hooks";
import type { LinkInfo } from "../api/protocol";
import { linkHealth, links, shownHealth, linksNow, linksOpen, outagesText } from "../model/session/links";
import { formatAge, toMs } from "../model/values/time";
import { Configured } from "./Configured";

const HEALTH_TEXTS = {
  good: "all links work",
  warn: "a link needs attention",
  bad: "a link is unreachable",
  unknown: "whether the links work is not known: no answer",
};

export function LinksChip() {
  const count = links.value?.length;
  if (count === undefined) return null;
  return (
    <button
      type="button"
      class="chip"
      data-testid="links-chip"
      title={`${HEALTH_TEXTS[shownHealth.value]} (key K)`}
      onClick={() => (linksOpen.value = true)}
    >
      <span data-testid="links-health" data-health={shownHealth.value} class={`dot ${shownHealth.value}`} aria-hidden="true" />
      {count === 1 ? "1 link" : `${count} links`}
      {shownHealth.value === "unknown" && "?"}
      <span class="sr-only">, {HEALTH_TEXTS[shownHealth.value]}</span>
    </button>
  );
}

export function LinksPanel() {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => button.current?.focus(), []);
  const all = links.value ?? [];
  return (
    <div class="overlay" role="dialog" aria-modal="true" aria-label="Links" data-testid="links">
      <div class="card links">
        <div class="links-head">
          <h2>Links</h2>
          <span class="muted">the transports that feed this archive</span>
          <span class="spacer" />
          <button type="button" ref={button} onClick={() => (linksOpen.value = false)}>
            Close
          </button>
        </div>
        {all.length === 0 ? (
          <p class="empty">
            No transport feeds this archive. Start NOVA with one:
            <code>nova up --transport kafka://host:9092</code>
          </p>
        ) : (
          all.map((link) => <Link key={link.link} link={link} />)
        )}
        <Configured />
      </div>
    </div>
  );
}

function Link({ link }: { link: LinkInfo }) {
  return (
    <section class="link" aria-label={link.link} data-testid="link" data-connection={link.connection ?? "unknown"}>
      <h3>
        <span class={`dot ${linkHealth(link)}`} aria-hidden="true" />
        <code>{link.link}</code>
        <span class="muted">{link.connection ?? "unknown"}</span>
      </h3>
      <dl class="figures">
        {figures(link).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class="muted" data-testid="link-outages">
        Outages: {outagesText(link)}
      </p>
      {(link.gaps ?? 0) > 0 && (
        <p class="warning-text">
          Some records were gone from its broker before they were read: see the IngestGap events in the
          metadata lane.
        </p>
      )}
      {(link.warnings ?? []).map((text) => (
        <p class="warning-text" key={text}>
          {text}
        </p>
      ))}
    </section>
  );
}

function figures(link: LinkInfo): [string, string][] {
  const seen = link.lastSeen ? `${formatAge(linksNow.value - toMs(link.lastSeen))} ago` : "never";
  return [
    ["received", counted(link.received)],
    ["new", counted(link.new)],
    ["duplicate", counted(link.duplicate)],
    ["refused", counted(link.rejected)],
    ["gaps", counted(link.gaps)],
    ["lag", link.lag === undefined || link.lag === null ? "–" : counted(link.lag)],
    ["last seen", seen],
  ];
}

function counted(count: number | undefined): string {
  return (count ?? 0).toLocaleString("en");
}
