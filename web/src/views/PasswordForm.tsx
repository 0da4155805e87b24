/** The form that replaces the user's own password. */

import { useState } from "preact/hooks";
import { changePassword, logout, mustChangePassword } from "../model/session/session";

const PASSWORD_MIN_CHARS = 12;

export function PasswordForm({ done }: { done: () => void }) {
  const [password, setPassword] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    if (next !== again) {
      setError("The two new passwords differ.");
      return;
    }
    setBusy(true);
    setError("");
    try {
      await changePassword(password, next);
      done();
    } catch (failure) {
      setError((failure as Error).message);
      setBusy(false);
    }
  };

  return (
    <form class="password-form" onSubmit={submit}>
      <PasswordField
        testId="password-current"
        label="Current password"
        use="current-password"
        value={password}
        change={setPassword}
      />
      <PasswordField
        testId="password-new"
        label={`New password (at least ${PASSWORD_MIN_CHARS} characters)`}
        use="new-password"
        value={next}
        change={setNext}
      />
      <PasswordField
        testId="password-again"
        label="New password again"
        use="new-password"
        value={again}
        change={setAgain}
      />
      <button class="primary" type="submit" aria-disabled={busy} data-testid="password-submit">
        {busy ? "Changing…" : "Change password"}
      </button>
      <p class="muted">All your sessions end, on other devices too.</p>
      <p class="error" role="alert" data-testid="password-error">
        {error}
      </p>
    </form>
  );
}

/** The page of a user whose password was set by somebody else. */
export function ForcedPassword() {
  return (
    <main class="login">
      <div class="forced" data-testid="password-forced">
        <h1>Choose a password</h1>
        <p class="muted">Your password was set by an administrator. Replace it to go on.</p>
        <PasswordForm done={() => (mustChangePassword.value = false)} />
        <button type="button" onClick={logout}>
          Log out
        </button>
      </div>
    </main>
  );
}

interface PasswordFieldProps {
  testId: string;
  label: string;
  use: "current-password" | "new-password";
  value: string;
  change: (value: string) => void;
}

function PasswordField({ testId, label, use, value, change }: PasswordFieldProps) {
  return (
    <label>
      {label}
      <input
        type="password"
        autocomplete={use}
        value={value}
        minLength={use === "new-password" ? PASSWORD_MIN_CHARS : undefined}
        onInput={(event) => change(event.currentTarget.value)}
        required
        data-testid={testId}
      />
    </label>
  );
}
