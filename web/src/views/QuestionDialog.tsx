/**
 * Asks before something is done that cannot be undone. The native dialog keeps the focus and handles Escape; the
 * focus begins on Cancel.
 */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useScreenModal } from "./modal";

interface QuestionProps {
  title: ComponentChildren;
  words: string;
  /** What the button says. */
  action: string;
  confirm: () => void;
  close: () => void;
  /** What stands above the words. */
  facts?: ComponentChildren;
  /** Why it cannot be done now. */
  reason?: string;
  testId?: string;
  actionTestId?: string;
}

export function QuestionDialog(props: QuestionProps) {
  const { title, words, action, confirm, close, facts, reason = "", testId = "question" } = props;
  const modal = useScreenModal(close);
  const cancel = useRef<HTMLButtonElement>(null);
  const id = useId();
  useEffect(() => cancel.current?.focus(), []);
  return (
    <dialog {...modal} class="confirm" aria-labelledby={id} aria-describedby={`${id}-words`} data-testid={testId}>
      <h2 id={id}>{title}</h2>
      {facts}
      <p id={`${id}-words`} class="confirm-words">
        {words}
      </p>
      {reason !== "" && (
        <p class="form-problem" role="status">
          {reason}
        </p>
      )}
      <div class="confirm-buttons">
        <button type="button" ref={cancel} data-testid={`${testId}-cancel`} onClick={close}>
          Cancel
        </button>
        <button
          type="button"
          class="primary danger"
          disabled={reason !== ""}
          data-testid={props.actionTestId ?? `${testId}-confirm`}
          onClick={confirm}
        >
          {action}
        </button>
      </div>
    </dialog>
  );
}
