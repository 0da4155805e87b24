import { describe, expect, it } from "vitest";
import { noteParts } from "../../../src/model/notes/note_text";

const PAGE = "https://nova.example:8443/#state=live";

describe("the text of a note", () => {
  it("links to views of this NOVA, by their moment", () => {
    const text = "see (https://nova.example:8443/#state=paused&t=2026-01-31T12:00:00.5Z), then call";
    expect(noteParts(text, PAGE)).toEqual([
      { text: "see (" },
      { text: "view of 2026-01-31 12:00:00", hash: "#state=paused&t=2026-01-31T12:00:00.5Z" },
      { text: "), then call" },
    ]);
  });

  it.each([
    "https://elsewhere.example/#t=2026-01-31T12:00:00Z",
    "http://nova.example:8443/#t=2026-01-31T12:00:00Z",
    "https://nova.example:8443/exports/x#t=2026-01-31T12:00:00Z",
    "https://ann:secret@nova.example:8443/#t=2026-01-31T12:00:00Z",
    "https://nova.example:8443@elsewhere.example/#t=2026-01-31T12:00:00Z",
    "https://nova.example:8443/",
    "https://[",
    "javascript:alert(1)",
  ])("leaves %s as it was written", (text) => {
    expect(noteParts(text, PAGE)).toEqual([{ text }]);
  });
});
