/** Starts the admin page: loads the shown section, and forgets everything when the session ends. */

import { effect, untracked } from "@preact/signals";
import { scheduler } from "../../scheduler";
import {
  ANSWER_CHECK_INTERVAL_MS,
  checkAnswers,
  connection,
  connections,
  coreUnavailable,
  mustChangePassword,
  refreshStatus,
  role,
  user,
} from "../session/session";
import { closeAtSessionEnd } from "./admin_dialog";
import { clearAudit, refreshAudit } from "./audit";
import { auditExported, auditExportNote, cancelAuditExport } from "./audit_export";
import { keys, keysError, refreshKeys } from "./keys";
import { limitsError, limitUse, refreshLimits } from "./limit_use";
import { adminSection, followAddress } from "./section";
import { refreshUsers, users, usersError } from "./users";

/** The role that the page is for. */
export const ADMIN_ROLE = "admin";
/** How often an absent Core is asked whether it is back. */
/** Also while nothing else is requested: so the page notices that its server does not answer. */
const STATUS_INTERVAL_MS = 1_500;
/** How often the use of limits is requested while it is shown. */
const LIMITS_INTERVAL_MS = 3_000;

/** Connect the models; called once. */
export function startAdminPage(): void {
  followAddress();
  connections.subscribe(refreshSection);
  effect(() => {
    void [adminSection.value, coreUnavailable.value];
    untracked(refreshSection);
  });
  effect(() => {
    if (user.value === null) untracked(clear);
  });
  scheduler.every(ANSWER_CHECK_INTERVAL_MS, checkAnswers);
  scheduler.every(STATUS_INTERVAL_MS, refreshStatus, { when: () => connection.value === "open" });
  scheduler.every(LIMITS_INTERVAL_MS, refreshSection, {
    pausesWhenHidden: true,
    when: () => adminSection.value === "limits",
  });
}

/** Request what the section shows. The audit trail offers the users as a filter. */
export function refreshSection(): void {
  if (connection.value !== "open" || mustChangePassword.value || role.value !== ADMIN_ROLE) return;
  if (adminSection.value === "keys") void refreshKeys();
  else if (adminSection.value === "limits") void refreshLimits();
  else void refreshUsers();
  if (adminSection.value === "audit") void refreshAudit();
}

function clear(): void {
  [users.value, usersError.value, keys.value, keysError.value] = [null, "", null, ""];
  [limitUse.value, limitsError.value] = [null, ""];
  clearAudit();
  if (auditExported.value !== null) cancelAuditExport();
  auditExportNote.value = "";
  closeAtSessionEnd();
}
