/** Asks before something is done that cannot be undone. */

import { useEffect, useId, useRef } from "preact/hooks";
import { useScreenModal } from "./modal";

interface QuestionProps {
  title: string;
  words: string;
  /** What the button says. */
  action: string;
  confirm: () => void;
  close: () => void;
}

export function QuestionDialog({ title, words, action, confirm, close }: QuestionProps) {
  const modal = useScreenModal(close);
  const cancel = useRef<HTMLButtonElement>(null);
  const id = useId();
  useEffect(() => cancel.current?.focus(), []);
  return (
    <dialog {...modal} class="confirm" aria-labelledby={id} aria-describedby={`${id}-words`} data-testid="question">
      <h2 id={id}>{title}</h2>
      <p id={`${id}-words`} class="confirm-words">
        {words}
      </p>
      <div class="confirm-buttons">
        <button type="button" ref={cancel} data-testid="question-cancel" onClick={close}>
          Cancel
        </button>
        <button type="button" class="primary danger" data-testid="question-confirm" onClick={confirm}>
          {action}
        </button>
      </div>
    </dialog>
  );
}
