/** What else can be done with an alarm: comment, shelve and unshelve, enable. */

import { useState } from "preact/hooks";
import type { AlarmInfo } from "../api/protocol";
import { alarmRefusal, COMMENT_MAX_CHARS, SHELVINGS } from "../model/alarms/alarm_actions";
import { alarmName } from "../model/alarms/alarm_list";
import { entityName } from "../model/entities/entity_names";
import { ActButton } from "./AlarmButton";

export function AlarmForm({ alarm, close }: { alarm: AlarmInfo; close: () => void }) {
  const [comment, setComment] = useState("");
  const name = `${alarmName(alarm)} of ${entityName(alarm)}`;
  return (
    <div
      class="rule-alarm-form"
      role="group"
      aria-label={`Actions on ${name}`}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        close();
      }}
    >
      <input
        type="text"
        aria-label={`Comment on ${name}`}
        placeholder="Comment"
        autocomplete="off"
        maxLength={COMMENT_MAX_CHARS}
        disabled={alarmRefusal.value !== ""}
        data-testid="alarm-comment-text"
        value={comment}
        onInput={(event) => setComment(event.currentTarget.value)}
      />
      {comment.trim() !== "" && <ActButton alarm={alarm} action="comment" words="Comment" comment={comment} done={close} />}
      {alarm.disabled === true && <ActButton alarm={alarm} action="enable" words="Enable" done={close} />}
      {alarm.shelved === true ? (
        <ActButton alarm={alarm} action="unshelve" words="Unshelve" done={close} />
      ) : (
        <Shelving alarm={alarm} comment={comment} close={close} />
      )}
    </div>
  );
}

function Shelving({ alarm, comment, close }: { alarm: AlarmInfo; comment: string; close: () => void }) {
  const [chosen, setChosen] = useState(1);
  return (
    <>
      <select
        aria-label={`For how long to shelve ${alarmName(alarm)}`}
        data-testid="alarm-shelve-for"
        value={String(chosen)}
        onChange={(event) => setChosen(Number(event.currentTarget.value))}
      >
        {SHELVINGS.map(({ words }, index) => (
          <option key={words} value={String(index)}>
            {words}
          </option>
        ))}
      </select>
      <ActButton alarm={alarm} action="shelve" words="Shelve" comment={comment} shelveMs={SHELVINGS[chosen]?.ms} done={close} />
    </>
  );
}
