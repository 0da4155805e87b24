/** The admin page: log in, then users, API keys, limits and the audit trail. */

import { ADMIN_ROLE } from "../../model/admin/admin_page";
import { adminSection, type AdminSection, SECTIONS } from "../../model/admin/section";
import {
  connection,
  coreUnavailable,
  mustChangePassword,
  notice,
  role,
  unansweredText,
  user,
} from "../../model/session/session";
import { Account } from "../Account";
import { SessionButtons, ThemeButton } from "../HeaderButtons";
import { Login } from "../Login";
import { ForcedPassword } from "../PasswordForm";
import { LoginAgain, SessionEnd } from "../SessionEnd";
import { AdminDialogs } from "./AdminDialogs";
import { AuditSection } from "./AuditSection";
import { KeysSection } from "./KeysSection";
import { LimitsSection } from "./LimitsSection";
import { UsersSection } from "./UsersSection";

const TITLES: Readonly<Record<AdminSection, string>> = {
  users: "Users",
  keys: "API keys",
  limits: "Limits",
  audit: "Audit trail",
};
const VIEWS: Readonly<Record<AdminSection, () => preact.JSX.Element>> = {
  users: UsersSection,
  keys: KeysSection,
  limits: LimitsSection,
  audit: AuditSection,
};

export function AdminPage() {
  return (
    <>
      <Content />
      {/* A generated secret stays until it is closed, even if the session ends meanwhile. */}
      <AdminDialogs />
    </>
  );
}

function Content() {
  if (user.value === null) return <Login />;
  if (mustChangePassword.value) return <ForcedPassword />;
  const Section = VIEWS[adminSection.value];
  return (
    <div class="admin-page">
      <Header />
      <SessionEnd />
      <LoginAgain />
      <main class="admin-main">{role.value === ADMIN_ROLE ? <Section /> : <Refusal />}</main>
      <Account />
    </div>
  );
}

function Header() {
  const trouble = problem();
  return (
    <header class="header">
      <h1>NOVA</h1>
      {role.value === ADMIN_ROLE && <Sections />}
      <div class="spacer" role="status">
        {trouble !== "" && (
          <p class="banner bad" data-testid="banner">
            {trouble}
          </p>
        )}
      </div>
      <a class="button" href="/" data-testid="to-screen">
        Screen
      </a>
      <ThemeButton />
      <SessionButtons />
    </header>
  );
}

function Sections() {
  return (
    <nav class="admin-sections" aria-label="Administration">
      {SECTIONS.map((section) => (
        <a key={section} href={`#${section}`} aria-current={section === adminSection.value ? "page" : undefined}>
          {TITLES[section]}
        </a>
      ))}
    </nav>
  );
}

function Refusal() {
  return (
    <p class="empty" data-testid="admin-refusal">
      This page needs the role admin; your role is {role.value}. An admin of this instance can change it.{" "}
      <a href="/">Back to the screen</a>
    </p>
  );
}

function problem(): string {
  if (connection.value === "lost") return "The connection is lost; reconnecting.";
  if (unansweredText.value !== undefined) return unansweredText.value;
  if (coreUnavailable.value) return "The Core does not answer: the audit trail cannot be read. Users and keys can be changed.";
  return notice.value;
}
