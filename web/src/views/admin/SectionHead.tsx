/** The head of a section: title, buttons, and the error of its last request. */

import type { ComponentChildren } from "preact";
import { SECTION_TITLE_ID } from "../../model/admin/admin_dialog";

interface SectionHeadProps {
  title: string;
  error: string;
  children: ComponentChildren;
}

export function SectionHead({ title, error, children }: SectionHeadProps) {
  return (
    <>
      <div class="admin-head">
        <h2 id={SECTION_TITLE_ID} tabIndex={-1}>
          {title}
        </h2>
        <span class="muted">times in UTC</span>
        <span class="spacer" />
        {children}
      </div>
      {error !== "" && (
        <p class="error" role="alert" data-testid="section-error">
          {error}
        </p>
      )}
    </>
  );
}
